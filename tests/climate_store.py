"""A Climate Data Store on this machine: it answers as cdsapi 0.7 (ecmwf-datastores-client 0.5) expects."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB = "3c6f6f5e-6b0f-4b5e-9c55-0c2f3d0f7a11"


@contextmanager
def climate_store(content: bytes, fails: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the address of a store that answers each request with a file, or fails, and the requests that it got."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:  # the name that http.server calls
            base = f"http://127.0.0.1:{self.server.server_address[1]}"
            path = self.path.partition("?")[0]
            job = f"{base}/api/retrieve/v1/jobs/{JOB}"
            if path == "/file.nc":
                self._send(content, "application/netcdf")
            elif path.endswith(f"/jobs/{JOB}/results"):
                if fails:
                    self._json({"title": "The job has failed", "detail": fails}, 400)
                else:
                    value = {"href": f"{base}/file.nc", "file:size": len(content), "type": "application/netcdf"}
                    self._json({"asset": {"value": value}})
            elif path.endswith(f"/jobs/{JOB}"):
                links = [{"rel": "self", "href": job}, {"rel": "results", "href": f"{job}/results"}]
                self._json({"status": "failed" if fails else "successful", "jobID": JOB, "links": links})
            elif "/retrieve/v1/processes/" in path:
                self._json({"id": path.rpartition("/")[2], "links": []})
            else:
                self._json({"messages": []})

        def do_POST(self) -> None:  # the name that http.server calls
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            base = f"http://127.0.0.1:{self.server.server_address[1]}"
            requests.append({"path": self.path, "key": self.headers["PRIVATE-TOKEN"], **body})
            monitor = f"{base}/api/retrieve/v1/jobs/{JOB}"
            self._json({"jobID": JOB, "status": "accepted", "links": [{"rel": "monitor", "href": monitor}]}, 201)

        def _json(self, value: Any, status: int = 200) -> None:
            self._send(json.dumps(value).encode(), "application/json", status)

        def _send(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
