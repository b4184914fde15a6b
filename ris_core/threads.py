"""Threads of computations: how many cores there are, and how to keep libraries to one thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Literal, TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return the number of cores that this process may use.

    In a container or a Slurm job it is the share of the machine. If ``OMP_NUM_THREADS`` is set, it decides instead.
    """
    import joblib

    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) > 0 else int(joblib.cpu_count())


def one_thread(user_api: Literal["blas", "openmp"] | None = None) -> AbstractContextManager[object]:
    """Return a context in which BLAS and OpenMP, or one of them, compute with one thread.

    With more, the order of a sum and its last digits depend on which thread is first.
    """
    limited: AbstractContextManager[object] = _controller(len(sys.modules)).limit(limits=1, user_api=user_api)
    return limited


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    """Return the libraries that are loaded. They are looked for again only after an import: that takes milliseconds."""
    return ThreadpoolController()


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield `work(item)` of every item, in their order; as many are worked on at once as there are cores.

    Each is computed with one thread, so the results are the same on any number of cores. This is for work that
    leaves Python's lock free most of the time, like scikit-learn's.
    """

    def alone(item: Item) -> Result:
        with one_thread("openmp"):  # a number of threads that each thread has for itself; BLAS has one for all
            return work(item)

    with one_thread(), ThreadPoolExecutor(cores(), thread_name_prefix="work") as pool:
        yield from pool.map(alone, items)
