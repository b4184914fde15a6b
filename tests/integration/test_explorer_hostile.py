"""The explorer behind a real server: what other web pages and broken programs try, and what must still work."""

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from explorer_network import Client, Explored, served

from ris_explorer.answers import MOST_BODY
from ris_explorer.explorer import Explorer
from ris_explorer.protection import MOST_ADDRESS

NAME = "ris.example"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def opened(explored: Explored) -> Iterator[tuple[str, Explorer]]:
    """A server of the shared network; every request here is refused or changes nothing."""
    explorer = explored.explorer()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RIS_ALLOWED_HOSTS", NAME)
        with served(explorer) as address:
            yield address, explorer


def send(
    opened: tuple[str, Explorer], method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], str]:
    """Send what no client library would, such as another `Host`; returns status, headers and text."""
    address = urlsplit(opened[0])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    given = {"Host": address.netloc} | ({"Content-Length": str(len(body))} if body else {}) | (headers or {})
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, answer.read().decode()


def own(opened: tuple[str, Explorer]) -> dict[str, str]:
    """Return the headers of the page's own changes."""
    return {"Content-Type": "application/json", "X-Explorer-Token": opened[1].token, "Origin": opened[0]}


def reviews(opened: tuple[str, Explorer]) -> bytes:
    return Path(opened[1].network.layout.reviews).read_bytes()


FOREIGN = {
    "origin": {"Origin": "http://evil.example"},
    "null origin": {"Origin": "null"},
    "other port": {"Origin": "http://127.0.0.1:1"},
    "other site": {"Sec-Fetch-Site": "cross-site"},
    "same site": {"Sec-Fetch-Site": "same-site"},
    "referer": {"Referer": "http://evil.example/x"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
def test_another_page_reads_no_data_and_changes_nothing(opened: tuple[str, Explorer], headers: dict[str, str]) -> None:
    before = reviews(opened)
    assert send(opened, "GET", "/api/network", headers)[0] == 403
    body = b'{"kind": "label"}'
    own_headers = own(opened)
    del own_headers["Origin"]
    for path in ("/api/decisions", "/api/retrain"):
        assert send(opened, "POST", path, own_headers | headers, body)[0] == 403
    assert reviews(opened) == before


@pytest.mark.parametrize("path", ["/", "/api/network", "/api/health", "/page/main.js", "/none"])
def test_a_foreign_host_is_given_nothing(opened: tuple[str, Explorer], path: str) -> None:
    for method in ("GET", "HEAD"):
        status, _, text = send(opened, method, path, {"Host": "evil.example"})
        assert status == 421 and opened[1].token not in text


@pytest.mark.parametrize("host", [NAME, f"{NAME}:8443", "localhost", "[::1]:8050"])
def test_its_own_page_is_answered_under_all_its_names(opened: tuple[str, Explorer], host: str) -> None:
    headers = {"Host": host, "Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"}
    assert send(opened, "GET", "/api/version", headers)[0] == 200
    assert opened[1].token in send(opened, "GET", "/", {"Host": host})[2]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Explorer-Token": ""}, 403),
        ({"X-Explorer-Token": "x" * 43}, 403),
        ({"X-Explorer-Token": "\u00e9"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
    ],
)
def test_a_change_needs_the_token_and_json(opened: tuple[str, Explorer], headers: dict[str, str], status: int) -> None:
    before = reviews(opened)
    found, _, text = send(opened, "POST", "/api/decisions", own(opened) | headers, b"{}")
    assert found == status and "\n" not in text.strip()
    assert reviews(opened) == before


def test_without_a_token_a_change_is_refused_and_stands_in_the_log(
    opened: tuple[str, Explorer], caplog: pytest.LogCaptureFixture
) -> None:
    headers = own(opened)
    del headers["X-Explorer-Token"]
    with caplog.at_level(logging.WARNING):
        status, _, text = send(opened, "POST", "/api/decisions", headers, b"{}")
    assert status == 403 and "load it again" in json.loads(text)["error"]
    assert "refused POST '/api/decisions': this page is of another start" in caplog.text


def test_a_long_body_is_refused_before_it_is_read(opened: tuple[str, Explorer]) -> None:
    status, _, text = send(opened, "POST", "/api/decisions", own(opened) | {"Content-Length": str(MOST_BODY + 1)}, b"{")
    assert status == 413 and "at most 1,048,576 are read" in json.loads(text)["error"]


def _raw(opened: tuple[str, Explorer], headers: dict[str, str], chunks: list[bytes], ends: bool = False) -> str:
    """Send a request in parts and return all that is answered until the server closes; `ends`: nothing more comes."""
    address = urlsplit(opened[0])
    lines = [
        f"{name}: {value}"
        for name, value in ({"Host": address.netloc} | own(opened) | {"Connection": "close"} | headers).items()
    ]
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall("\r\n".join(["POST /api/decisions/preview HTTP/1.1", *lines, "", ""]).encode())
        found = b""
        with suppress(OSError):  # refused and closed while it is sent
            for chunk in chunks:
                connection.sendall(chunk)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                found += part
    return found.decode()


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def test_a_body_in_chunks_is_bounded_too(opened: tuple[str, Explorer]) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    small = _raw(opened, chunked, [_chunk(b"{"), _chunk(b"}"), b"0\r\n\r\n"])
    assert " 400 " in small.splitlines()[0] and "give 1 to 80 letters" in small
    endless = [_chunk(b" " * 65536)] * 40 + [b"0\r\n\r\n"]
    assert " 413 " in _raw(opened, chunked, endless).splitlines()[0]


def test_what_follows_a_body_is_no_other_request(opened: tuple[str, Explorer]) -> None:
    before = reviews(opened)
    smuggled = b"{}POST /api/decisions/undo HTTP/1.1\r\n\r\n"
    both = {"Content-Length": "2", "Transfer-Encoding": "chunked"}
    found = _raw(opened, both, [_chunk(smuggled), b"0\r\n\r\n"])
    assert found.count("HTTP/1.1 ") == 1 and " 400 " in found.splitlines()[0]
    # What comes after the length that was said has no token of its own.
    assert _raw(opened, {"Content-Length": "2"}, [smuggled]).count("HTTP/1.1 2") == 0
    assert reviews(opened) == before


def test_a_body_that_ends_early_is_no_order(opened: tuple[str, Explorer]) -> None:
    before = reviews(opened)
    assert "HTTP/1.1 2" not in _raw(opened, {"Content-Length": "10"}, [b"{}"], ends=True)
    assert reviews(opened) == before


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py",
        "/page/%2e%2e/server.py",
        "/page/..%2fserver.py",
        "/page/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/page//etc/passwd",
        "/page/%5c..%5cserver.py",
        "/api/events/..%2f..%2fnetwork.json",
        "/api/thumbnails/..%2f..%2fnetwork.json",
        "/api/thumbnails/%2fetc%2fpasswd",
        "/network.json",
        "/..",
    ],
)
def test_no_file_but_those_of_the_page_is_given(opened: tuple[str, Explorer], path: str) -> None:
    for method in ("GET", "HEAD"):
        status, headers, text = send(opened, method, path)
        assert status in (400, 404)
        assert headers["content-type"].startswith("application/json")
        assert "root:" not in text and "uvicorn" not in text


def test_an_address_that_is_too_long_is_refused(opened: tuple[str, Explorer]) -> None:
    status, _, text = send(opened, "GET", "/api/counts?station=" + "A" * (MOST_ADDRESS + 1))
    assert status == 414 and "at most 60,000 are read" in json.loads(text)["error"]


@pytest.mark.parametrize("path", ["/api/network%0A", "/api/network%00", "/%0d%0aSet-Cookie:x"])
def test_control_characters_are_refused(opened: tuple[str, Explorer], path: str) -> None:
    status, headers, _ = send(opened, "GET", path)
    assert status == 400 and "set-cookie" not in headers


@pytest.mark.parametrize(
    "path",
    [f"/api/counts?{quote(SCRIPT)}=1", f"/api/counts?station={quote(SCRIPT)}", f"/{quote(SCRIPT)}"]
    + [f"/api/{room}/{quote(SCRIPT)}" for room in ("events", "thumbnails", "reviews")],
)
def test_script_in_an_address_is_never_html(opened: tuple[str, Explorer], path: str) -> None:
    status, headers, text = send(opened, "GET", path)
    assert 400 <= status < 500 or "reviews" in path
    assert headers["content-type"] == "application/json" and headers["x-content-type-options"] == "nosniff"
    json.loads(text)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_change_nothing(opened: tuple[str, Explorer], method: str) -> None:
    before = reviews(opened)
    status, headers, text = send(opened, method, "/api/decisions", own(opened))
    assert status in (400, 405)
    assert "access-control-allow-origin" not in headers
    assert status == 400 or json.loads(text)["error"]
    assert reviews(opened) == before


def test_what_only_changes_is_not_asked_by_get(opened: tuple[str, Explorer]) -> None:
    for path in ("/api/decisions/undo", "/api/decisions/preview"):
        status, headers, _ = send(opened, "GET", path)
        assert status == 405 and headers["allow"] == "POST"


def test_a_head_request_has_the_headers_of_the_answer_alone(opened: tuple[str, Explorer]) -> None:
    for path in ("/", "/api/network", "/page/main.js"):
        status, headers, text = send(opened, "HEAD", path)
        assert (status, text) == (200, "") and headers["content-security-policy"]


def test_every_answer_protects_its_reader(opened: tuple[str, Explorer]) -> None:
    for path in ("/", "/api/network", "/api/counts", "/page/main.js", "/page/style.css", "/none", "/api/events/none"):
        _, headers, _ = send(opened, "GET", path)
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and "http" not in headers["content-security-policy"]
        assert "'unsafe-inline'" not in policy["script-src"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        # Nobody between server and browser keeps what they say, and the page is never of an earlier version.
        kept = headers["cache-control"]
        assert ("private" in kept or "no-store" in kept) and "public" not in kept and "max-age" not in kept
        assert "access-control-allow-origin" not in headers


def test_an_unexpected_error_is_one_sentence_without_a_traceback(
    explored: Explored, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = explored.explorer()
    client = Client(explorer)

    def broken(*_: object) -> object:
        raise RuntimeError("secret path /home/x")

    monkeypatch.setattr(Explorer, "table", property(broken))
    answer = client.get("/api/version")
    assert answer.status_code == 500
    assert answer.json() == {"error": "the server failed: RuntimeError; its log has more"}
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"null", b"{", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"kind": {"a": 1}}', b'{"other": 1}']
)
def test_a_body_that_is_no_order_is_refused_in_words(opened: tuple[str, Explorer], body: bytes) -> None:
    status, headers, text = send(
        opened, "POST", "/api/decisions", own(opened) | {"Content-Length": str(len(body))}, body
    )
    assert status == 400 and headers["content-type"] == "application/json"
    assert json.loads(text)["error"]
