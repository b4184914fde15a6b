"""Windows of events that were made once and are kept as files, for the benchmarks of clustering and review."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np

from bench.clustering_windows import Events
from ris_core.storage.atomic import replacing

CACHE = Path(tempfile.gettempdir()) / "ris_bench"
_ONCE = {"detected": int, "context_lead": int, "sampling_rate": float}
"""What is the same for all windows of a file."""


def read_windows(path: Path) -> Events:
    """Return the windows of a file; raises `ValueError` if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as found:
            values = {f.name: found[f.name] for f in fields(Events)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read ({error}); remove it, and it will be made again") from error
    return Events(**values | {name: of(values[name].item()) for name, of in _ONCE.items()})


def write_windows(path: Path, events: Events) -> None:
    """Write windows to a file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{f.name: getattr(events, f.name) for f in fields(Events)})


def make_missing(make: Callable[[int], None], missing: Sequence[int], workers: int) -> list[int]:
    """Make what is missing by its generators, several at once in processes of their own, and return these."""
    if workers == 1 or len(missing) < 2:
        for generator in missing:
            make(generator)
        return list(missing)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(make, missing))
    return list(missing)
