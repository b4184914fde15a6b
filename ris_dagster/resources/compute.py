"""The compute resource: station-days are worked on in the run's own process or on Dask workers."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from ris_core.contracts.station_day import StationDay
from ris_core.masking import masked
from ris_dagster.dask_adapter.quiet_cluster import keep_quiet
from ris_dagster.dask_adapter.schedulers import address_of, loss_errors
from ris_dagster.dask_adapter.worker_memory import keep_freed_memory
from ris_dagster.deployment import DEPLOYMENTS, VARIABLE, DeploymentError, asked_deployment
from ris_dagster.resources.calls import OnStep, Result, call_on
from ris_dagster.resources.workers import NoWorkersError, connect, connect_to

if TYPE_CHECKING:
    from ris_core.contracts.outcome import Outcome
    from ris_core.station_days.running import StageTask


_NAMED = 10
_MOST_WORKERS = 1024


class Compute(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Maps a stage over the station-days of a block and yields results as they arrive."""

    kind: Literal["inline", "dask", "slurm"] = Field(
        "inline", description="inline: in the run's process; dask: on workers; slurm: on the workers of `ris workers`."
    )
    workers: int = Field(
        2, ge=1, le=_MOST_WORKERS, description="Processes of a local Dask cluster (kind dask, no address)."
    )
    address: str = Field("", description="Address of a Dask scheduler that already runs; empty: a local cluster.")
    trainings: bool = Field(False, description="Whether trainings run on workers, one on each, as station-days do.")

    @classmethod
    def from_environment(cls) -> "Compute":
        """Return the compute resource of RIS_DEPLOYMENT, RIS_COMPUTE (inline, dask), RIS_WORKERS and RIS_DASK_ADDRESS.

        The default is inline; an address alone means dask.

        Raises
        ------
        DeploymentError
            The variables contradict each other, or one of them is wrong.
        """
        address = os.environ.get("RIS_DASK_ADDRESS", "")
        deployment = asked_deployment() or DEPLOYMENTS["local"]
        if deployment.workers == "own":
            kind = os.environ.get("RIS_COMPUTE") or ("dask" if address else "inline")
            if kind not in ("inline", "dask"):
                raise DeploymentError(f"RIS_COMPUTE = {kind!r}: must be inline or dask")
        else:
            kind = deployment.workers
            _refuse_contradictions(kind, address)
        if address and kind == "inline":
            raise DeploymentError(f"RIS_DASK_ADDRESS = {address!r} needs RIS_COMPUTE=dask; it is inline")
        # A worker of a cluster of this machine would train on one core, the run's process trains on all.
        elsewhere = kind == "slurm" or bool(address)
        values = {"kind": kind, "workers": processes_asked(), "address": address, "trainings": elsewhere}
        return cls.model_validate(values)

    def map(
        self, task: "StageTask", keys: Sequence[StationDay], at_once: int | None = None
    ) -> Iterator["Outcome[Any]"]:
        """Run a stage for every key, with a limit of keys at once, and yield the outcomes as they arrive."""
        from ris_core.station_days.running import run_station_day

        if self.kind == "inline" or not keys:
            for key in keys:
                yield run_station_day(task, key)
            return
        with self._client(Path(task.root)) as client:
            yield from _map_on(client, task, keys, at_once)

    def call(
        self, root: Path, function: Callable[..., Result], task: object, on_step: OnStep, **at_hand: Any
    ) -> Result:
        """Run ``function(task, on_step=…)``, a training, here or on one worker; `on_step` is called here.

        Parameters
        ----------
        root
            The data root.
        function
            A function of ris_core; it reads everything except the task from the data root.
        task
            Sent to the worker.
        on_step
            Called with the number of each step and its row, in order.
        at_hand
            Given to the function only if it runs here, so that it need not read it.
        """
        if not self.trainings:
            return function(task, on_step=on_step, **at_hand)
        with self._client(root) as client:
            return call_on(client, function, task, on_step)

    def _client(self, root: Path) -> AbstractContextManager[Any]:
        if self.kind == "slurm":
            return connect(root)
        if self.address:
            return connect_to(self.address)
        return local_cluster(self.workers)


def processes_asked() -> int:
    """Return RIS_WORKERS, by default the number of cores; raises `DeploymentError` if it is not a number."""
    workers = os.environ.get("RIS_WORKERS") or str(os.cpu_count() or 1)
    if not (workers.isdecimal() and len(workers) < 6 and 1 <= int(workers) <= _MOST_WORKERS):
        raise DeploymentError(f"RIS_WORKERS = {workers!r}: must be a whole number of processes, 1 to {_MOST_WORKERS}")
    return int(workers)


def _refuse_contradictions(kind: str, address: str) -> None:
    name = os.environ[VARIABLE]
    asked = os.environ.get("RIS_COMPUTE", "")
    if asked not in ("", "dask"):
        raise DeploymentError(
            f"RIS_COMPUTE = {asked!r}, but {VARIABLE} = {name!r} works on Dask workers; unset one of them"
        )
    if kind == "dask" and not address:
        raise DeploymentError(
            f"{VARIABLE} = {name!r} needs RIS_DASK_ADDRESS, the address of the Dask scheduler, like tcp://host:8786"
        )
    if kind == "slurm" and address:
        raise DeploymentError(
            f"RIS_DASK_ADDRESS = {address!r}, but with {VARIABLE} = {name!r} `ris workers` starts the scheduler and "
            "says where it is; unset one of them"
        )


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """Start a local Dask cluster of single-threaded processes and yield a client."""
    from distributed import Client, LocalCluster

    keep_freed_memory()
    keep_quiet()
    environment = dict(os.environ)
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    # Dask also sets OMP_NUM_THREADS=1 in this process; a training here needs all cores.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        if name in environment:
            os.environ[name] = environment[name]
        else:
            os.environ.pop(name, None)
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


def _map_on(
    client: Any, task: "StageTask", keys: Sequence[StationDay], at_once: int | None
) -> Iterator["Outcome[Any]"]:
    from distributed import as_completed

    from ris_core.contracts.outcome import Outcome
    from ris_core.station_days.running import run_station_day

    def submit(key: StationDay) -> Any:
        # pure=False: the same key and settings may be requested again after the disk has changed.
        future = client.submit(run_station_day, task, key, pure=False, retries=1)
        waited_for[future] = key
        return future

    address = address_of(client)
    waited_for: dict[Any, StationDay] = {}
    waiting = iter(keys)
    running = as_completed([submit(key) for key in islice(waiting, at_once)], loop=client.loop)
    for future in running:
        try:
            error = future.exception()
            outcome = (
                Outcome(waited_for[future], None, masked(f"worker lost: {type(error).__name__}: {error}"))
                if error is not None
                else future.result()
            )
        except loss_errors() as lost:
            left = [str(key) for key in (*waited_for.values(), *waiting)]
            raise NoWorkersError(
                f"the Dask scheduler at {address} ended with {len(left)} of {len(keys)} "
                f"station-days to do ({', '.join(left[:_NAMED])}{', …' if len(left) > _NAMED else ''}); start it, "
                "and the next run does what is left"
            ) from lost
        del waited_for[future]
        for following in islice(waiting, 1):
            running.add(submit(following))
        yield outcome
        future.release()
