"""Where station-days are worked on: in the run's own process, or on Dask workers."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from ris_core.station_day import StationDay

if TYPE_CHECKING:
    from ris_core.stages import Outcome, StageTask


class Compute(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Maps a stage over the station-days of a block and hands out results as they come."""

    kind: Literal["inline", "dask"] = Field("inline", description="inline: in the run's process; dask: on workers.")
    workers: int = Field(2, ge=1, le=1024, description="Processes of a local Dask cluster (kind dask, no address).")
    address: str = Field("", description="Address of a Dask scheduler that already runs; empty: a local cluster.")

    @classmethod
    def from_environment(cls) -> "Compute":
        """Return what RIS_COMPUTE (inline, dask), RIS_WORKERS and RIS_DASK_ADDRESS say; inline by default.

        An address alone means dask.
        """
        address = os.environ.get("RIS_DASK_ADDRESS", "")
        kind = os.environ.get("RIS_COMPUTE") or ("dask" if address else "inline")
        if kind not in ("inline", "dask"):
            raise ValueError(f"RIS_COMPUTE = {kind!r}: must be inline or dask")
        if address and kind == "inline":
            raise ValueError(f"RIS_DASK_ADDRESS = {address!r} needs RIS_COMPUTE=dask; it is inline")
        workers = os.environ.get("RIS_WORKERS") or str(os.cpu_count() or 1)
        if not workers.isdigit() or int(workers) < 1:
            raise ValueError(f"RIS_WORKERS = {workers!r}: must be a whole number of processes, 1 or more")
        return cls.model_validate({"kind": kind, "workers": workers, "address": address})

    def map(self, task: "StageTask", keys: Sequence[StationDay], at_once: int | None = None) -> Iterator["Outcome"]:
        """Run a stage for every key, at most so many at once, and yield the outcomes as they come."""
        from ris_core.stages import run_station_day

        if self.kind == "inline" or not keys:
            for key in keys:
                yield run_station_day(task, key)
            return
        with self._client() as client:
            yield from _map_on(client, task, keys, at_once)

    def _client(self) -> AbstractContextManager[Any]:
        from distributed import Client

        if self.address:
            return Client(self.address, set_as_default=False)
        return local_cluster(self.workers)


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """Start a local Dask cluster of single-threaded processes and give a client to it."""
    from distributed import Client, LocalCluster

    environment = dict(os.environ)
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    # Dask sets OMP_NUM_THREADS=1 for its workers in this process as well; training here needs all cores.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        if name in environment:
            os.environ[name] = environment[name]
        else:
            os.environ.pop(name, None)
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


def _map_on(client: Any, task: "StageTask", keys: Sequence[StationDay], at_once: int | None) -> Iterator["Outcome"]:
    from distributed import as_completed

    from ris_core.stages import Outcome, run_station_day

    def submit(key: StationDay) -> Any:
        # pure=False: the same key and settings may be asked for again after the disk has changed.
        future = client.submit(run_station_day, task, key, pure=False, retries=1)
        waited_for[future] = key
        return future

    waited_for: dict[Any, StationDay] = {}
    waiting = iter(keys)
    running = as_completed([submit(key) for key in islice(waiting, at_once)], loop=client.loop)
    for future in running:
        key = waited_for.pop(future)
        for following in islice(waiting, 1):
            running.add(submit(following))
        error = future.exception()
        if error is None:
            yield future.result()
        else:
            yield Outcome(key, None, f"worker lost: {type(error).__name__}: {error}")
        future.release()
