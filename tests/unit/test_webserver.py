"""What `ris_dagster.webserver` and the guard take for granted of Dagster's webserver, which Dagster may change."""

import inspect

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.webserver import DagsterWebserver
from starlette.routing import Mount

from ris_dagster.guard import SAME_ORIGIN_ONLY
from ris_dagster.webserver import main

PAGES = {"", "{path:path}", "server_info", "dagit_info"}
"""Pages, and versions of Dagster's packages: nothing that another page could do harm with."""


def test_every_route_of_the_webserver_was_judged() -> None:
    routes = DagsterWebserver(None).build_routes()
    assets = {route.path for route in routes if (route.name or "").endswith("_static")}
    assert assets >= {"/favicon.ico", "/manifest.json", "/_next"}
    assert all(isinstance(route, Mount) or route.methods == {"GET", "HEAD"} for route in routes if route.path in assets)
    first = {route.path.lstrip("/").split("/", 1)[0] for route in routes if route.path not in assets}
    assert first == PAGES | SAME_ORIGIN_ONLY, "judge the routes that Dagster has added or taken away in guard.py"


def test_the_webserver_is_made_as_before() -> None:
    context = inspect.signature(WorkspaceProcessContext)
    context.bind(None, WorkspaceFileTarget(["workspace.yaml"]), version="")
    inspect.signature(create_app_from_workspace_process_context).bind(context, live_data_poll_rate=2000)
    inspect.signature(dg.DagsterInstance.optimize_for_webserver).bind(None, 1, 1, 1)


def test_an_unusable_list_of_hosts_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", "https://ris.example")
    monkeypatch.setattr("sys.argv", ["webserver", "--workspace", "workspace.yaml"])
    with pytest.raises(SystemExit):
        main()
    assert "RIS_ALLOWED_HOSTS: 'https://ris.example' is not a host" in capsys.readouterr().err
