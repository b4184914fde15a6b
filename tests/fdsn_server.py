"""A data centre on loopback: portable-fdsnws-dataselect behind a proxy that owns the base URL and can misbehave."""

from __future__ import annotations

import hashlib
import http.client
import re
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from fdsn_faults import Fault, Reply

from bench.ports import free_ports

TOKEN = "-----BEGIN PGP MESSAGE-----\nthe-token-of-a-member\n-----END PGP MESSAGE-----\n"  # noqa: S105
_START_S = 60
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Request:
    """A request that arrived at the proxy."""

    service: str
    resource: str
    query: dict[str, str]
    user_agent: str


class Proxy:
    """The data centre's base URL.

    Attributes
    ----------
    requests
        All that arrived, in order.
    stations
        StationXML by station code; a station without answers 204.
    most_at_once
        Greatest number of requests that were worked on at the same time.
    pause
        Time that each answer takes at least, s.
    login
        User and password that ``queryauth`` asks for.
    """

    def __init__(self, port: int, upstream: int) -> None:
        self.port, self.upstream = port, upstream
        self.scheme = "http"
        self.requests: list[Request] = []
        self.stations: dict[str, bytes] = {}
        self.login = ("member", secrets.token_hex(8))
        self.ended = threading.Event()
        self.most_at_once = 0
        self.pause = 0.0
        self._at_once = 0
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def next(self, service: str, *faults: Fault) -> None:
        """Let the next requests for data (``dataselect``), metadata (``station``) or ``wadl`` go wrong."""
        with self._lock:
            self._faults.setdefault(service, []).extend(faults)

    def always(self, service: str, fault: Fault) -> None:
        self.next(service, *[fault] * 100)

    def well(self) -> None:
        """Let everything go right from here on."""
        with self._lock:
            self._faults.clear()

    def asked(self, service: str, resource: str = "query") -> list[dict[str, str]]:
        """Return the queries of the requests so far."""
        return [r.query for r in self.requests if (r.service, r.resource) == (service, resource)]

    def note(self, request: Request) -> Fault | None:
        kind = "wadl" if request.resource == "application.wadl" else request.service
        with self._lock:
            self.requests.append(request)
            waiting = self._faults.get(kind, [])
            return waiting.pop(0) if waiting else None

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def forward(self, path: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=_START_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            # A body without Content-Length ends with the connection, so that nobody can tell whether it is whole.
            return Reply(answer.status, body, {"Content-Type": answer.headers.get("Content-Type", "text/plain")})
        finally:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        found = re.fullmatch(r"/fdsnws/(\w+)/1/([\w.]+)", parts.path)
        if found is None:
            self.send(Reply(404))
            return
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        request = Request(found[1], found[2], query, self.headers.get("User-Agent", ""))
        fault = self.proxy.note(request)
        if fault is not None:
            fault(self, lambda: self._right(request))
        else:
            self.send(self._right(request))

    def send(self, reply: Reply, cut: int | None = None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        if cut is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body[:cut])
        self.close_connection = self.close_connection or cut is not None

    def _right(self, request: Request) -> Reply:
        handlers = {
            ("dataselect", "application.wadl"): lambda: Reply(200, _wadl(self.proxy, "dataselect", DATA_PARAMETERS)),
            ("station", "application.wadl"): lambda: Reply(200, _wadl(self.proxy, "station", STATION_PARAMETERS)),
            ("dataselect", "query"): lambda: self.proxy.forward(self.path),
            ("dataselect", "queryauth"): lambda: self._with_login(request),
            ("dataselect", "auth"): self._token,
            ("station", "query"): lambda: self._station(request.query),
        }
        # Counted before anything is sent: a client may send its next request before this thread continues.
        with self.proxy.counted():
            time.sleep(self.proxy.pause)
            return handlers.get((request.service, request.resource), lambda: Reply(404))()

    def _station(self, query: dict[str, str]) -> Reply:
        xml = self.proxy.stations.get(query["station"])
        return Reply(200, xml, {"Content-Type": "application/xml"}) if xml else Reply(204)

    def _token(self) -> Reply:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if sent != TOKEN.encode():
            return Reply(400, b"no such member: " + sent)
        return Reply(200, ":".join(self.proxy.login).encode())

    def _with_login(self, request: Request) -> Reply:
        """Digest authentication (RFC 7616, MD5, qop auth)."""
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        challenge = f'Digest realm="FDSN", qop="auth", nonce="{secrets.token_hex(8)}", algorithm=MD5'
        refused = Reply(401, b"who are you", {"WWW-Authenticate": challenge})
        if kind != "Digest":
            return refused
        g = parse_keqv_list(parse_http_list(given))
        user, password = self.proxy.login
        one, two = _md5(f"{user}:{g['realm']}:{password}"), _md5(f"GET:{g['uri']}")
        if g["response"] != _md5(f"{one}:{g['nonce']}:{g['nc']}:{g['cnonce']}:{g['qop']}:{two}"):
            return refused
        return self.proxy.forward("/fdsnws/dataselect/1/query?" + urlencode(request.query))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what RFC 7616 asks for


DATA_PARAMETERS = ("starttime", "endtime", "network", "station", "location", "channel", "nodata")
STATION_PARAMETERS = (*DATA_PARAMETERS, "level", "format")


def _wadl(proxy: Proxy, service: str, parameters: Sequence[str]) -> bytes:
    def kind(name: str) -> str:
        return "xs:date" if name.endswith("time") else "xs:string"

    listed = "".join(f'<param name="{n}" style="query" type="{kind(n)}"/>' for n in parameters)
    auth = '<resource path="auth"><method name="POST" id="auth"/></resource>' if service == "dataselect" else ""
    return (
        '<?xml version="1.0"?><application xmlns="http://wadl.dev.java.net/2009/02">'
        f'<resources base="{proxy.url}/fdsnws/{service}/1/"><resource path="query">'
        f'<method name="GET" id="query"><request>{listed}</request></method></resource>{auth}'
        "</resources></application>"
    ).encode()


@contextmanager
def dataselect(folder: Path, archive: Path) -> Iterator[int]:
    """Index an SDS archive and serve it by portable-fdsnws-dataselect; gives the port."""
    folder.mkdir(parents=True, exist_ok=True)
    index, (port,) = folder / "index.sqlite", free_ports(1)
    files = sorted(str(path) for path in archive.rglob("*") if path.is_file())
    subprocess.run([_BIN / "mseedindex", "-sqlite", index, *files], check=True, capture_output=True, timeout=_START_S)
    config, log = folder / "server.ini", folder / "server.log"
    config.write_text(
        f"[index_db]\npath = {index}\n[server]\ninterface = 127.0.0.1\nport = {port}\n"
        f"[logging]\npath = {log}\nlevel = WARNING\n",
        encoding="utf-8",
    )
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [_BIN / "portable-fdsnws-dataselect", config], stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        deadline = time.monotonic() + _START_S
        while True:
            assert process.poll() is None, (folder / "output.txt").read_text()
            assert time.monotonic() < deadline, "portable-fdsnws-dataselect does not answer"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        # It has nothing to save, and may have been started with SIGTERM ignored.
        process.kill()
        process.wait(_START_S)


@contextmanager
def proxied(upstream: int, certificate: Path | None = None) -> Iterator[Proxy]:
    """Serve the base URL; with a certificate (PEM, key included) over TLS."""
    handler = type("Handler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy = handler.proxy = Proxy(server.server_address[1], upstream)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        proxy.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(_START_S)


def self_signed(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 with its key into one PEM file."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
