"""Dagster's webserver as an ASGI application."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from starlette.routing import BaseRoute

from ris_core.relied_upon import relying_on
from ris_dagster.adapter.workspace import loaded_workspace

with relying_on("dagster-webserver", __name__):
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.cli import (
        DEFAULT_DB_STATEMENT_TIMEOUT,
        DEFAULT_POOL_MAX_OVERFLOW,
        DEFAULT_POOL_RECYCLE,
    )
    from dagster_webserver.version import __version__

SAME_ORIGIN_ONLY = frozenset(
    {
        "graphql",
        "logs",
        "download_debug",
        "notebook",
        "dagit",
        "report_asset_materialization",
        "report_asset_check",
        "report_asset_observation",
    }
)
"""First parts of paths that return files, run something or record something; all others are pages and assets."""


@contextmanager
def web_app(
    instance: dg.DagsterInstance, workspace: Path, updated_ms: int, further: Sequence[BaseRoute] = ()
) -> Iterator[Any]:
    """Give Dagster's webserver over an instance, with the database settings of `dagster-webserver`.

    Parameters
    ----------
    instance
        The instance.
    workspace
        The workspace file.
    updated_ms
        How often pages ask for news of assets, ms.
    further
        Further routes; Dagster's own match everything and come after them.
    """
    with relying_on("dagster", __name__):
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
    with loaded_workspace(instance, workspace, __version__) as loaded:
        app = create_app_from_workspace_process_context(loaded, live_data_poll_rate=updated_ms)
        app.router.routes[:0] = further
        yield app
