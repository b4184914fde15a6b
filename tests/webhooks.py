"""A webhook on the loopback address."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """A webhook that keeps what is posted, after answering with some errors."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.asked = 0
        self.posted: list[dict[str, Any]] = []


@contextmanager
def webhook(*answers: int, path: str = "alerts") -> Iterator[tuple[Hook, str]]:
    """Serve a webhook that answers like this and then with 200; gives it and its address."""
    hook = Hook()
    hook.answers = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = hook.answers.pop(0) if hook.answers else 200
            hook.asked += 1
            if answer == 200:
                hook.posted.append(json.loads(body))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook, f"http://127.0.0.1:{server.server_port}/hooks/{path}"
    finally:
        server.shutdown()
        server.server_close()
