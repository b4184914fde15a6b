"""Whether an MLflow server answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.ports import free_ports
from ris_dagster.resources import mlflow_server
from ris_dagster.resources.mlflow_server import why_silent


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[str]]]:
    """Serve statuses one after the other, the last one repeatedly; yields the address and the requested paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(statuses[min(len(asked), len(statuses) - 1)])
            asked.append(self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}", asked
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_server, "_LONGEST_WAIT_S", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404])
def test_a_server_that_answers_is_there(status: int) -> None:
    with answering(status) as (uri, asked):
        assert why_silent(f"{uri}/team/") == ""
    assert asked == ["/team/health"]


def test_a_server_that_starts_is_asked_again() -> None:
    with answering(503, 502, 200) as (uri, asked):
        assert why_silent(uri) == ""
    assert len(asked) == 3


def test_a_server_that_only_fails_is_not_there() -> None:
    with answering(503) as (uri, asked):
        assert "503" in why_silent(uri)
    assert len(asked) == 3


def test_nobody_there_is_said() -> None:
    (port,) = free_ports(1)
    assert "refused" in why_silent(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:99999", "http://[::1"])
def test_an_address_that_is_none_is_said(uri: str) -> None:
    assert why_silent(uri)
