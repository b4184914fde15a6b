"""The queue of runs: whether a daemon takes runs from it, and how a job of a code location gets into it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from ris_core.relied_upon import relying_on
from ris_dagster.adapter.workspace import loaded_workspace

with relying_on("dagster", __name__):
    from dagster._core.definitions.selector import JobSubsetSelector
    from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

# The daemon reports every 30 s that it is alive.
_SILENT_S = 120.0


class CodeLocationError(RuntimeError):
    """No job of the workspace can be queued; the message says why."""


def queue_is_served(instance: dg.DagsterInstance) -> bool:
    """Return whether a daemon takes runs from the queue, or the instance starts runs without one."""
    daemon = QueuedRunCoordinatorDaemon.daemon_type()
    if daemon not in instance.get_required_daemon_types():
        return True
    heartbeat = instance.get_daemon_heartbeats().get(daemon)
    return heartbeat is not None and time.time() - heartbeat.timestamp < _SILENT_S


class JobQueue:
    """Queues runs of the jobs of one code location.

    Parameters
    ----------
    instance
        The instance with the queue.
    workspace
        The request context of a workspace, which must have one code location with definitions.

    Raises
    ------
    CodeLocationError
        The code location cannot be loaded, or there is none, or there are several.
    """

    def __init__(self, instance: dg.DagsterInstance, workspace: Any) -> None:
        self._instance, self._workspace = instance, workspace
        entries = workspace.get_code_location_entries().values()
        if errors := [entry.load_error for entry in entries if entry.load_error]:
            raise CodeLocationError(f"the code location cannot be loaded: {errors[0].message}")
        found = [
            (location, repository)
            for location in workspace.code_locations
            for repository in location.get_repositories().values()
        ]
        if len(found) != 1:
            raise CodeLocationError(
                f"the workspace has {len(found)} code locations with definitions; name one that has ours"
            )
        ((self._location, self._repository),) = found

    @relying_on("dagster", __name__)
    def add(self, job: str, tags: Mapping[str, str]) -> str:
        """Queue a run of a job with its default configuration, and return its identifier.

        Parameters
        ----------
        job
            Name of the job.
        tags
            Tags of the run, beside those of the job.
        """
        selector = JobSubsetSelector(
            location_name=self._location.name, repository_name=self._repository.name, job_name=job, op_selection=None
        )
        remote = self._location.get_job(selector)
        plan = self._location.get_execution_plan(
            remote, {}, step_keys_to_execute=None, known_state=None, instance=self._instance
        ).execution_plan_snapshot
        run = self._instance.create_run(
            job_name=remote.name,
            tags={**remote.tags, **tags},
            run_config={},
            execution_plan_snapshot=plan,
            step_keys_to_execute=plan.step_keys_to_execute,
            job_snapshot=remote.job_snapshot,
            parent_job_snapshot=remote.parent_job_snapshot,
            resolved_op_selection=remote.resolved_op_selection,
            remote_job_origin=remote.get_remote_origin(),
            job_code_origin=remote.get_python_origin(),
            asset_graph=self._repository.asset_graph,
            **_NOTHING_ELSE,
        )
        self._instance.submit_run(run.run_id, self._workspace)
        return run.run_id


_NOTHING_ELSE: Mapping[str, Any] = dict.fromkeys(
    (
        "run_id",
        "status",
        "root_run_id",
        "parent_run_id",
        "op_selection",
        "asset_selection",
        "asset_check_selection",
    )
)
"""Arguments of `create_run` that a new run of a whole job leaves to Dagster; none of them has a default."""


@contextmanager
def opened_queue(instance: dg.DagsterInstance, workspace: Path) -> Iterator[JobQueue]:
    """Load a workspace file and give the queue of its code location; raises `CodeLocationError`."""
    with loaded_workspace(instance, workspace) as loaded:
        yield JobQueue(instance, loaded.create_request_context())
