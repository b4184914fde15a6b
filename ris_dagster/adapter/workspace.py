"""The code locations of a workspace file, as webserver and daemon load them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import dagster as dg

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget

LoadedWorkspace: TypeAlias = WorkspaceProcessContext
"""Code locations that are loaded, with the servers that were started for them."""


@contextmanager
def loaded_workspace(instance: dg.DagsterInstance, path: Path, version: str = "") -> Iterator[LoadedWorkspace]:
    """Load the code locations of a workspace file; what was started for them is ended at exit.

    Parameters
    ----------
    instance
        The instance that they work with.
    path
        The workspace file.
    version
        Version of the program, for the UI.
    """
    with WorkspaceProcessContext(instance, WorkspaceFileTarget([str(path)]), version=version) as workspace:
        yield workspace
