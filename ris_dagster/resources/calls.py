"""One long computation on a Dask worker, which reports its steps while it runs and ends when nobody waits for it."""

import queue
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ris_dagster.dask_adapter.schedulers import address_of, loss_errors
from ris_dagster.dask_adapter.tasks import wanted_by_anybody
from ris_dagster.resources.workers import NoWorkersError

Result = TypeVar("Result")
OnStep = Callable[[int, dict[str, Any]], None]

_LOOK_S = 1.0
_LAST_STEPS_S = 60.0


class AbandonedError(RuntimeError):
    """The run that started a computation has ended."""


def call_on(client: Any, function: Callable[..., Result], task: object, on_step: OnStep) -> Result:
    """Run ``function(task, on_step=…)`` on a worker; `on_step` is called here, in order, for each reported step.

    If the worker dies, the computation begins again on another one. Reported steps are not reported again, so the
    function must report the same ones each time. When this process ends or is interrupted, the computation ends at its
    next step.

    Raises
    ------
    NoWorkersError
        The scheduler ended.
    Exception
        The error of the function.
    """
    address = address_of(client)
    told: queue.SimpleQueue[tuple[int, int, dict[str, Any]]] = queue.SimpleQueue()
    topic = f"ris-{uuid.uuid4().hex}"
    client.subscribe_topic(topic, lambda event: told.put(event[1]))
    future = client.submit(_telling, function, task, topic, pure=False)
    seen = 0

    def pass_on(wanted: Callable[[], bool]) -> None:
        nonlocal seen
        while wanted():
            try:
                number, step, row = told.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if number == seen:
                on_step(step, row)
                seen += 1

    try:
        pass_on(lambda: not future.done())
        try:
            count, result = future.result()
        except loss_errors() as lost:
            raise NoWorkersError(
                f"the Dask scheduler at {address} ended during a training; start it, and train "
                "again: the training continues from its checkpoint"
            ) from lost
        # The last steps may arrive after the result; a lost one is not waited for.
        until = time.monotonic() + _LAST_STEPS_S
        pass_on(lambda: seen < count and time.monotonic() < until)
        found: Result = result
        return found
    finally:
        future.cancel()
        client.unsubscribe_topic(topic)


def _telling(function: Callable[..., Result], task: object, topic: str) -> tuple[int, Result]:
    from distributed import get_worker

    worker = get_worker()
    wanted = wanted_by_anybody()
    count = 0

    def on_step(step: int, row: Mapping[str, Any]) -> None:
        nonlocal count
        if not wanted():
            raise AbandonedError("the run that started this has ended")
        worker.log_event(topic, (count, step, dict(row)))
        count += 1

    result = function(task, on_step=on_step)
    return count, result
