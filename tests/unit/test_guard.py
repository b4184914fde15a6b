"""What the guard in front of Dagster's webserver lets pass, request by request."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from ris_core.web.guard import AllowedHostsError, Guard, allowed_hosts
from ris_dagster.adapter.web_app import SAME_ORIGIN_ONLY

OWN = "http://127.0.0.1:3000"
PASSED = 200
JSON = {"content-type": "application/json"}


@dataclass
class Answer:
    """What came back, and what reached the application behind the guard."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    reached: bool = False


def ask(
    method: str, path: str, *extra: tuple[str, str], kind: str = "http", allowed: str = "", **headers: str
) -> Answer:
    """Send one request; a host of None in `headers` leaves `Host` out, `extra` repeats headers."""
    answer = Answer()
    path, _, query = path.partition("?")
    sent = {"host": "127.0.0.1:3000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(n.encode(), v.encode()) for n, v in [*sent.items(), *extra] if v is not None],
        "extensions": {"websocket.http.response": {}},
    }
    if kind == "http":
        scope["method"] = method

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer.reached = True
        await send({"type": "http.response.start", "status": PASSED, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        if message["type"].endswith("response.start"):
            answer.status = message["status"]
            answer.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        elif message["type"].endswith("response.body"):
            answer.body += message["body"].decode()

    asyncio.run(Guard(app, {"localhost", "127.0.0.1", "::1", *allowed.split()}, SAME_ORIGIN_ONLY)(scope, receive, send))
    assert answer.reached == (answer.status == PASSED)
    return answer


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:3000",
        "localhost:3000",
        "LOCALHOST:3000",
        "localhost",
        "[::1]:3000",
        "[0:0:0:0:0:0:0:1]",
        "127.0.0.2:8080",
    ],
)
@pytest.mark.parametrize("path", ["/", "/server_info", "/runs/abc", "/graphql"])
def test_pages_are_given_under_every_loopback_name_and_address(host: str, path: str) -> None:
    assert ask("GET", path, host=host, accept="text/html").status == PASSED
    assert ask("HEAD", path, host=host).status == PASSED


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:3000",
        "127.0.0.1.evil.example:3000",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "0.0.0.0:3000",
        "192.168.1.5:3000",
        "[::ffff:1.2.3.4]:3000",
        "2130706433:3000",
        "127.0.0.1:3000, evil.example",
        "127.0.0.1:",
        "127.0.0.1:3000/",
        "",
        None,
    ],
)
@pytest.mark.parametrize(("method", "kind"), [("GET", "http"), ("HEAD", "http"), ("POST", "http"), ("", "websocket")])
def test_a_foreign_host_is_not_answered(host: str, method: str, kind: str) -> None:
    # The page of a name that was pointed at this machine after it was loaded has the same origin as what it asks for.
    answer = ask(method, "/", kind=kind, host=host, origin=f"http://{host}", **JSON)
    assert answer.status == 421
    if method != "HEAD":
        assert answer.body.startswith("refused: Host ")
        assert "RIS_ALLOWED_HOSTS" in answer.body
        assert answer.body.count("\n") == 1


def test_two_hosts_are_none() -> None:
    assert ask("GET", "/", ("host", "evil.example")).status == 421


def test_an_allowed_name_is_answered_whatever_its_port() -> None:
    for host in ("ris.example", "ris.example:443", "RIS.example:8443"):
        assert ask("GET", "/", host=host, allowed="ris.example").status == PASSED
        assert ask("GET", "/", host=host).status == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("localhost:3000", "http://localhost:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("ris.example", "https://ris.example"),
        ("ris.example:443", "https://ris.example"),
        ("ris.example:8443", "https://ris.example:8443"),
    ],
)
def test_its_own_page_may_give_orders(host: str, origin: str) -> None:
    for site in ({}, {"sec_fetch_site": "same-origin"}):
        asked = {"host": host, "origin": origin, **site}
        assert ask("POST", "/graphql", allowed="ris.example", **asked, **JSON).status == PASSED
        assert ask("", "/graphql", kind="websocket", allowed="ris.example", **asked).status == PASSED


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1:8000"},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://localhost:3000"},
    {"origin": "http://127.0.0.1:3000.evil.example"},
    {"origin": "http://127.0.0.1:3000@evil.example"},
    {"origin": "ftp://127.0.0.1:3000"},
    {"origin": "127.0.0.1:3000"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"origin": OWN, "sec_fetch_site": "cross-site"},
    {"referer": "http://evil.example/page"},
    {"referer": "http://127.0.0.1:5000/"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_pages_may_give_no_orders(headers: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = ask(method, "/graphql", **headers, **JSON)
        assert answer.status == 403
        assert "is not the page that this server gave" in answer.body
    assert ask("", "/graphql", kind="websocket", **headers).status == 403
    for path in SAME_ORIGIN_ONLY:
        assert ask("GET", f"/{path}/x", **headers).status == 403
        assert ask("HEAD", f"//{path}", **headers).status == 403
    # Following a link from elsewhere to a page or asset stays possible.
    assert ask("GET", "/runs/abc", **headers).status == PASSED


def test_two_origins_are_foreign() -> None:
    assert ask("POST", "/graphql", ("origin", OWN), origin=OWN, **JSON).status == 403


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; application/json",
        "text/plain;charset=application/json",
        "application/json, text/plain",
        "application/graphql",
        "",
        None,
    ],
)
@pytest.mark.parametrize("headers", [{}, {"origin": OWN, "sec_fetch_site": "same-origin"}], ids=["program", "own page"])
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/labels?x=1", "/graphql?query=mutation{x}"])
def test_only_json_is_read(content_type: str, headers: dict[str, str], path: str) -> None:
    answer = ask("POST", path, **headers, **{"content-type": content_type})
    assert answer.status == 403
    shown = "(none)" if content_type is None else repr(content_type.partition(";")[0])
    assert answer.body.startswith(f"refused: Content-Type {shown} is refused; ")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_programs_of_this_machine_may_give_orders(content_type: str) -> None:
    for path in ("/graphql", "/report_asset_materialization/labels"):
        assert ask("POST", path, **{"content-type": content_type}).status == PASSED
    assert ask("", "/graphql", kind="websocket").status == PASSED


@pytest.mark.parametrize("query", ["query=mutation{x}", "query={version}", "operationName=x", "a"])
@pytest.mark.parametrize("headers", [{}, {"accept": "text/html"}, {"referer": OWN + "/"}], ids=str)
def test_graphql_by_get_is_refused_whatever_it_asks(query: str, headers: dict[str, str]) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(method, f"/graphql?{query}", **headers)
        assert answer.status == 403
    assert "application/json" in ask("GET", f"/graphql?{query}", **headers).body


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\t", "\x0b", "\x1f", "\x7f"])
@pytest.mark.parametrize("path", ["/graphql{}", "/{}graphql", "/graphql{}/", "/logs{}/x", "/{}", "{}/graphql"])
def test_control_characters_in_a_path_are_refused(path: str, character: str) -> None:
    # In a pattern of the webserver's routes `$` also matches before a line break at the end.
    for method in ("GET", "HEAD", "POST"):
        answer = ask(method, path.format(character) + "?query=mutation{x}", **JSON)
        assert answer.status == 400
    assert "control characters" in ask("GET", path.format(character)).body
    assert ask("", path.format(character), kind="websocket").status == 400


def test_answers_may_not_be_shown_inside_other_pages() -> None:
    for answer in (ask("GET", "/"), ask("GET", "/", host="evil.example")):
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_refusal_repeats_no_path_and_is_short() -> None:
    answer = ask("POST", "/graphql", referer="http://evil.example/" + "secret" * 100, **JSON)
    assert "evil.example" in answer.body
    assert "secret" not in answer.body
    assert len(ask("GET", "/", host="x" * 5000).body) < 400
    assert "\n" not in ask("GET", "/", host="evil\nX-Header: 1").body[:-1]


def test_where_a_websocket_cannot_be_answered_in_words_it_is_closed() -> None:
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("reached")

    scope = {"type": "websocket", "path": "/graphql", "query_string": b"", "headers": [(b"host", b"evil.example")]}
    asyncio.run(Guard(app, ["localhost"], SAME_ORIGIN_ONLY)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIS_ALLOWED_HOSTS", raising=False)


def test_what_is_listened_on_is_allowed() -> None:
    loopback = {"localhost", "127.0.0.1", "::1"}
    assert allowed_hosts("127.0.0.1") == loopback
    assert allowed_hosts("ris.example") == loopback | {"ris.example"}
    assert allowed_hosts("FD00:0::5") == loopback | {"fd00::5"}


def test_listening_on_all_addresses_allows_those_and_the_name_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    from types import SimpleNamespace

    found = [
        SimpleNamespace(family=socket.AF_INET, address="192.0.2.7"),
        SimpleNamespace(family=socket.AF_INET6, address="fe80::1%eth0"),
        SimpleNamespace(family=socket.AF_PACKET, address="aa:bb:cc:dd:ee:ff"),
    ]
    monkeypatch.setattr("psutil.net_if_addrs", lambda: {"eth0": found})
    monkeypatch.setattr("socket.gethostname", lambda: "Node7")
    monkeypatch.setattr("socket.getfqdn", lambda: "node7.example")
    wanted = {"localhost", "127.0.0.1", "::1", "192.0.2.7", "fe80::1", "node7", "node7.example"}
    for host in ("0.0.0.0", "::"):  # noqa: S104
        assert allowed_hosts(host) == wanted


def test_the_variable_adds_names_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", " ris.example, 192.0.2.7,[fd00::0:5], fd00::6,")
    added = allowed_hosts("127.0.0.1") - {"localhost", "127.0.0.1", "::1"}
    assert added == {"ris.example", "192.0.2.7", "fd00::5", "fd00::6"}


@pytest.mark.parametrize(
    "entry", ["https://ris.example", "ris.example:443", "*", "*.example", "ris example", "u@h", "-"]
)
def test_what_is_no_host_is_refused(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", f"good.example,{entry}")
    with pytest.raises(AllowedHostsError, match=r"^RIS_ALLOWED_HOSTS: .* is not a host; give names or addresses"):
        allowed_hosts("127.0.0.1")
