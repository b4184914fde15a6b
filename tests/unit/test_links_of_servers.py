"""Links between Dagster and MLflow lead to wherever the other server is now."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ris_core.web.elsewhere import leading_to, seen_from
from ris_dagster.links import TO_DAGSTER, TO_MLFLOW, dagster_address, mlflow_address, to_dagster_run, to_mlflow_run


def location(prefix: str, server: str, path: str, came_by: str = "http://127.0.0.1:3000", fragment: bool = True) -> str:
    all_else = Route("/{path:path}", lambda _: PlainTextResponse("page"))
    client = TestClient(Starlette(routes=[leading_to(prefix, server, fragment), all_else]), base_url=came_by)
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == 307
    return answer.headers["location"]


@pytest.mark.parametrize("port", [5000, 5055])
def test_a_link_to_a_run_of_mlflow_follows_its_port(port: int) -> None:
    link = to_mlflow_run("1", "abc")
    assert location(TO_MLFLOW, f"http://127.0.0.1:{port}", link) == f"http://127.0.0.1:{port}/#/experiments/1/runs/abc"


def test_who_came_by_another_host_is_led_to_it() -> None:
    here = "http://127.0.0.1:5000"
    assert seen_from(here, "ris.example") == "http://ris.example:5000"
    assert seen_from(here, "fe80::1") == "http://[fe80::1]:5000"
    assert seen_from(here, "localhost") == here
    assert seen_from("https://mlflow.ris.example", "ris.example") == "https://mlflow.ris.example"
    assert location(TO_MLFLOW, here, "/mlflow/runs/a", "http://ris.example:3000") == "http://ris.example:5000/#/runs/a"


def test_a_path_leads_to_no_other_server() -> None:
    for path in ("/mlflow//evil.example/x", "/mlflow/%20%09a=b", "/mlflow/@evil.example"):
        found = location(TO_MLFLOW, "http://127.0.0.1:5000", path)
        assert found.startswith("http://127.0.0.1:5000/#/") and "\r" not in found and "\n" not in found
    led = location(TO_DAGSTER, "http://127.0.0.1:3000/", "/dagster//evil.example", fragment=False)
    assert led == "http://127.0.0.1:3000/evil.example"


def test_a_run_of_mlflow_links_to_its_dagster_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIS_DAGSTER_UI", raising=False)
    assert to_dagster_run("0a1b", server_is_ours=True) == "[Dagster run 0a1b](/dagster/runs/0a1b)"
    assert location(TO_DAGSTER, dagster_address(), "/dagster/runs/0a1b", fragment=False).endswith(":3000/runs/0a1b")
    assert to_dagster_run("0a1b", server_is_ours=False) == "Dagster run 0a1b"
    monkeypatch.setenv("RIS_DAGSTER_UI", "https://ris.example/")
    assert to_dagster_run("0a1b", server_is_ours=False) == "[Dagster run 0a1b](https://ris.example/runs/0a1b)"


def test_the_environment_says_where_mlflow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RIS_MLFLOW_UI", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    assert mlflow_address() == "http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert mlflow_address() == "http://mlflow.example:5000"
    monkeypatch.setenv("RIS_MLFLOW_UI", "https://public.example")
    assert mlflow_address() == "https://public.example"
