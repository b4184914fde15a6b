"""Ways to start a run: in the queue of the running Dagster daemon, or here in this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import dagster as dg
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from ris_core.config import Settings
from ris_core.storage.store import Store
from ris_dagster.definitions import build_definitions
from ris_dagster.method_runs import Run, execute
from ris_dagster.resources.compute import Compute, local_cluster

# The daemon says every 30 s that it is there.
_SILENT_S = 120.0


class LaunchError(RuntimeError):
    """A run cannot be started; the message says what is missing."""


class Launcher(Protocol):
    """Starts runs."""

    def launch(self, run: Run) -> str:
        """Start a run, or run it to its end, and return its identifier."""


def queue_is_served(instance: dg.DagsterInstance) -> bool:
    """Return whether a daemon takes runs from the queue, or the instance needs none."""
    daemon = QueuedRunCoordinatorDaemon.daemon_type()
    if daemon not in instance.get_required_daemon_types():
        return True
    heartbeat = instance.get_daemon_heartbeats().get(daemon)
    return heartbeat is not None and time.time() - heartbeat.timestamp < _SILENT_S


class InlineLauncher:
    """Executes runs in this process, one after the other, as `ris run` does."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions, self._instance = definitions, instance

    def launch(self, run: Run) -> str:
        """Run it to its end; raises `KeyboardInterrupt`."""
        return execute(self._definitions, self._instance, run).run_id


@contextmanager
def definitions_here(settings: Settings) -> Iterator[dg.Definitions]:
    """Give definitions for runs of this process, which share one Dask cluster where one of their own is asked for."""
    compute = Compute.from_environment()
    own_cluster = compute.kind == "dask" and not compute.address
    with local_cluster(compute.workers) if own_cluster else nullcontext() as client:
        if client is not None:
            compute = Compute(kind="dask", workers=compute.workers, address=client.scheduler.address, trainings=False)
        yield build_definitions(settings, {"compute": compute})


@contextmanager
def inline(store: Store, instance: dg.DagsterInstance) -> Iterator[InlineLauncher]:
    """Give a way to execute runs in this process."""
    with definitions_here(store.settings) as definitions:
        yield InlineLauncher(definitions, instance)


class QueueLauncher:
    """Puts runs into the queue of the instance, from which its daemon starts them."""

    def __init__(self, instance: dg.DagsterInstance, workspace: WorkspaceRequestContext) -> None:
        self._instance, self._workspace = instance, workspace
        errors = [entry.load_error for entry in workspace.get_code_location_entries().values() if entry.load_error]
        if errors:
            raise LaunchError(f"the code location cannot be loaded: {errors[0].message}")
        found = [
            (location, repository)
            for location in workspace.code_locations
            for repository in location.get_repositories().values()
        ]
        if len(found) != 1:
            raise LaunchError(f"the workspace has {len(found)} code locations with definitions; name one that has ours")
        ((self._location, self._repository),) = found

    def launch(self, run: Run) -> str:
        """Queue it."""
        selector = JobSubsetSelector(
            location_name=self._location.name,
            repository_name=self._repository.name,
            job_name=run.job,
            op_selection=None,
        )
        job = self._location.get_job(selector)
        plan = self._location.get_execution_plan(
            job, {}, step_keys_to_execute=None, known_state=None, instance=self._instance
        ).execution_plan_snapshot
        made = self._instance.create_run(
            job_name=job.name,
            run_id=None,
            run_config={},
            status=None,
            tags={**job.tags, **run.tags},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=plan.step_keys_to_execute,
            execution_plan_snapshot=plan,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=job.resolved_op_selection,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=self._repository.asset_graph,
        )
        self._instance.submit_run(made.run_id, self._workspace)
        return made.run_id


@contextmanager
def queue(instance: dg.DagsterInstance, workspace: Path) -> Iterator[QueueLauncher]:
    """Give a way into the queue of an instance.

    Parameters
    ----------
    instance
        The instance.
    workspace
        The workspace file with which daemon and webserver were started.

    Raises
    ------
    LaunchError
        No daemon takes runs from the queue, or the code location cannot be loaded.
    """
    if not queue_is_served(instance):
        raise LaunchError(
            "no Dagster daemon takes runs from the queue of this instance; start one (`make ui`, `ris ui` or "
            "`dagster-daemon run`), or give --inline to work in this process"
        )
    with WorkspaceProcessContext(instance, WorkspaceFileTarget([str(workspace)])) as process:
        yield QueueLauncher(instance, process.create_request_context())
