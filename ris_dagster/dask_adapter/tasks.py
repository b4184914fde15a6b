"""The task that a worker computes: whether somebody still waits for its result."""

from collections.abc import Callable

from ris_core.relied_upon import relying_on


def wanted_by_anybody() -> Callable[[], bool]:
    """Return a function that says whether the result of the task that calls this is still waited for.

    A task that runs is not interrupted when its future is cancelled or its client has gone; the worker knows it.
    Called in a task on a worker.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        with relying_on("dask", __name__):
            mine = worker.state.tasks.get(key)
            return mine is not None and mine.state != "cancelled"

    return wanted
