"""What tests let Dask workers do; apart from them, so that a worker need not import what they need."""

import os
import time
from pathlib import Path

from ris_dagster.resources.calls import OnStep, _telling


def count_to(task: int, on_step: OnStep) -> int:
    for step in range(task):
        on_step(step, {"loss": 1 / (step + 1)})
    return task


def fail_after(task: int, on_step: OnStep) -> None:
    count_to(task, on_step)
    raise ArithmeticError("the loss is not finite")


def die_once(task: str, on_step: OnStep) -> str:
    """End the whole worker in the middle, the first time: when the file says that the step has arrived."""
    arrived = Path(task)
    is_first = not arrived.exists()
    on_step(0, {"loss": 1.0})
    if is_first:
        while not arrived.exists():
            time.sleep(0.05)
        os._exit(1)
    on_step(1, {"loss": 0.5})
    return "done"


def go_on(task: str, on_step: OnStep) -> None:
    """Write a number for each step, for as long as somebody waits."""
    for step in range(10_000):
        on_step(step, {})
        Path(task).write_text(str(step), encoding="utf-8")
        time.sleep(0.05)


def started(path: str) -> None:
    """Do so for a client that does not listen."""
    _telling(go_on, path, "nobody-listens")
