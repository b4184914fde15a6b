"""Ways to start a run: in the queue of the running Dagster daemon, or here in this process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import dagster as dg

from ris_core.config import Settings
from ris_dagster.adapter.queueing import CodeLocationError, JobQueue, opened_queue, queue_is_served
from ris_dagster.dask_adapter.schedulers import address_of
from ris_dagster.definitions import build_definitions
from ris_dagster.method_runs import Run, execute
from ris_dagster.resources.compute import Compute, local_cluster


class LaunchError(RuntimeError):
    """A run cannot be started; the message says what is missing."""


class Launcher(Protocol):
    """Starts runs."""

    def launch(self, run: Run) -> str:
        """Start a run, or run it to its end, and return its identifier."""


class InlineLauncher:
    """Executes runs in this process, one after the other, as `ris run` does."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions, self._instance = definitions, instance

    def launch(self, run: Run) -> str:
        """Run a job to its end; raises `KeyboardInterrupt`."""
        return execute(self._definitions, self._instance, run).run_id


@contextmanager
def definitions_here(settings: Settings) -> Iterator[dg.Definitions]:
    """Yield definitions for runs of this process, which share one Dask cluster if the settings name a local one."""
    compute = Compute.from_environment()
    own_cluster = compute.kind == "dask" and not compute.address
    with local_cluster(compute.workers) if own_cluster else nullcontext() as client:
        if client is not None:
            compute = Compute(kind="dask", workers=compute.workers, address=address_of(client), trainings=False)
        yield build_definitions(settings, {"compute": compute})


@contextmanager
def inline(settings: Settings, instance: dg.DagsterInstance) -> Iterator[InlineLauncher]:
    """Yield a launcher that executes runs in this process."""
    with definitions_here(settings) as definitions:
        yield InlineLauncher(definitions, instance)


class QueueLauncher:
    """Puts runs into the queue of the instance, from which its daemon starts them."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def launch(self, run: Run) -> str:
        """Queue it."""
        return self._jobs.add(run.job, run.tags)


@contextmanager
def queue(instance: dg.DagsterInstance, workspace: Path) -> Iterator[QueueLauncher]:
    """Yield a launcher for the queue of an instance.

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
    with ExitStack() as stack:
        try:
            jobs = stack.enter_context(opened_queue(instance, workspace))
        except CodeLocationError as error:
            raise LaunchError(str(error)) from error
        yield QueueLauncher(jobs)
