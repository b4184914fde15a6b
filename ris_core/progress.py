"""Progress of long loops: a live bar on a terminal, an occasional line in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")

_LOG_INTERVAL_S = 10.0
_DELAY_S = 1.0


def _mininterval() -> float:
    return 0.2 if sys.stderr.isatty() else _LOG_INTERVAL_S


def track(iterable: Iterable[T], what: str, total: int | None = None, unit: str = "it") -> Iterable[T]:
    """Iterate, and show rate and time left if the loop takes longer than a moment."""
    return tqdm(
        iterable, desc=what, total=total, unit=unit, mininterval=_mininterval(), delay=_DELAY_S, dynamic_ncols=True
    )


def bar(total: int, what: str, unit: str = "it", done: int = 0) -> tqdm[Any]:
    """Return a progress bar to be advanced by hand with ``update(n)``; use it as a context manager.

    It shows rate and time left; `done` of the total are already finished.
    """
    return tqdm(total=total, desc=what, unit=unit, mininterval=_mininterval(), dynamic_ncols=True, initial=done)
