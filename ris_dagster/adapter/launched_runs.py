"""Runs that a command executes in its own process belong to the jobs of the code location that the servers load.

Dagster executes a job in a process without saying where the job is defined. Such a run has the name of its job, but
neither the pages of the job nor the timeline show it, and it cannot be started again in the UI.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load_target import WorkspaceFileTarget


@contextmanager
def runs_of_location(instance: dg.DagsterInstance, workspace: Path) -> Iterator[None]:
    """Let runs that are created in an instance belong to the code location of a workspace file.

    Nothing is loaded or started for it.

    Parameters
    ----------
    instance
        Where `execute_in_process` records its runs.
    workspace
        A workspace file with one code location.
    """
    with relying_on("dagster", __name__):
        repository = _repository(workspace)
        create = instance.create_run_for_job

        def create_of_location(job_def: dg.JobDefinition, *args: Any, **kwargs: Any) -> dg.DagsterRun:
            origin = repository.get_job_origin(job_def.name)
            return create(job_def, *args, **kwargs | {"remote_job_origin": origin})

        instance.create_run_for_job = create_of_location  # type: ignore[method-assign]
    try:
        yield
    finally:
        del instance.create_run_for_job  # the method of the class is back


@cache
def _repository(workspace: Path) -> RemoteRepositoryOrigin:
    (location,) = WorkspaceFileTarget([str(workspace)]).create_origins()
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)
