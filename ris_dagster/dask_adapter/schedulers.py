"""The scheduler of Dask workers: its address, how many processes it has, and how its loss shows."""

from typing import Any

from ris_core.relied_upon import relying_on


def address_of(client: Any) -> str:
    """Return the address of the scheduler that a client talks to; ask before the scheduler can have gone away."""
    with relying_on("dask", __name__):
        return str(client.scheduler.address)


def processes_of(cluster: Any) -> int:
    """Return how many worker processes have told the scheduler of a cluster that they work."""
    with relying_on("dask", __name__):
        return len(cluster.scheduler_info["workers"])


def loss_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of a result whose scheduler has gone away: which of them depends on who notices it first."""
    with relying_on("dask", __name__):
        from distributed import CancelledError
        from distributed.comm.core import CommClosedError

    return CancelledError, CommClosedError
