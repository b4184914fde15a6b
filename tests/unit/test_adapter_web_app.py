"""What `ris_dagster/adapter/web_app.py`, `workspace.py` and the guard rely on in Dagster's webserver."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import yaml
from contracts import relied_upon
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.webserver import DagsterWebserver
from starlette.routing import Mount

from ris_dagster.adapter.web_app import SAME_ORIGIN_ONLY, web_app
from ris_dagster.adapter.workspace import WorkspaceProcessContext

WORKSPACE, WEB_APP = "ris_dagster/adapter/workspace.py", "ris_dagster/adapter/web_app.py"
PAGES = {"", "{path:path}", "server_info", "dagit_info"}
"""Pages, and versions of Dagster's packages: nothing that another page could do harm with."""


def test_every_route_of_the_webserver_was_judged() -> None:
    routes = DagsterWebserver(None).build_routes()
    assets = {route.path for route in routes if (route.name or "").endswith("_static")}
    first = {route.path.lstrip("/").split("/", 1)[0] for route in routes if route.path not in assets}
    with relied_upon("dagster-webserver", "its routes are those that were judged", WEB_APP):
        assert assets >= {"/favicon.ico", "/manifest.json", "/_next"}
        assert all(
            isinstance(route, Mount) or route.methods == {"GET", "HEAD"} for route in routes if route.path in assets
        )
        assert first == PAGES | SAME_ORIGIN_ONLY, "judge the routes that Dagster has added or taken away in web_app.py"


def test_the_webserver_and_its_workspace_are_made_as_before() -> None:
    with relied_upon("dagster", "WorkspaceProcessContext(instance, target, version=)", WORKSPACE):
        inspect.signature(WorkspaceProcessContext).bind(None, None, version="")
    made = "create_app_from_workspace_process_context(workspace, live_data_poll_rate=)"
    with relied_upon("dagster-webserver", made, WEB_APP):
        inspect.signature(create_app_from_workspace_process_context).bind(None, live_data_poll_rate=2000)
    made = "DagsterInstance.optimize_for_webserver(timeout, recycle, overflow)"
    with relied_upon("dagster", made, WEB_APP):
        inspect.signature(dg.DagsterInstance.optimize_for_webserver).bind(None, 1, 1, 1)


def test_the_ui_shows_short_markdown_in_its_place() -> None:
    chunks = Path(inspect.getfile(DagsterWebserver)).parent.glob("webapp/build/_next/static/chunks/*.js")
    what = "Markdown of less than 1000 characters is not behind a button"
    with relied_upon("dagster-webserver", what, "ris_dagster/metadata.py"):
        assert any("mdStr.length<1e3" in chunk.read_text(encoding="utf-8", errors="replace") for chunk in chunks)


def test_the_application_answers_with_the_version_and_the_workspace(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(yaml.safe_dump({"load_from": []}), encoding="utf-8")
    with (
        relied_upon("dagster-webserver", "the application is ASGI and serves GraphQL", WEB_APP),
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        web_app(instance, workspace, 2000) as app,
    ):
        page, answer = asyncio.run(_asked(app))
        assert page["dagster_version"] == answer["data"]["version"]


async def _asked(app: Any) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ui") as client:
        answers = [await client.get("/server_info"), await client.post("/graphql", json={"query": "{version}"})]
    return [answer.json() for answer in answers]
