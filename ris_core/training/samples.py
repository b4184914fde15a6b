"""Normalised spectrograms for training and inference: in memory, or read from HDF5 when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ris_core import config
from ris_core.models.inference import as_events, as_input
from ris_core.storage import spectrogram_file
from ris_core.training.normalise import normalise

Rows = NDArray[np.int64]

BLOCK = 1024
"""Number of events that are read together."""
BLOCKS_SHUFFLED = 8
"""Number of blocks whose events are mixed. 8,192 events are 285 MB; twice as many are in memory while reading."""


class _Source(Protocol):
    """A place of spectrograms."""

    def __len__(self) -> int: ...

    def read(self, rows: Rows) -> Tensor:
        """Return the normalised input (n, C, F, T) of rows in any order."""

    @property
    def in_memory(self) -> bool: ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input, (C, F, T)."""


@dataclass(frozen=True, eq=False)
class _InMemory:
    inputs: Tensor
    in_memory = True

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.inputs.shape[1:])

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, rows: Rows) -> Tensor:
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and bool(np.all(np.diff(rows) == 1)):
            return self.inputs[int(rows[0]) : int(rows[-1]) + 1]  # a view, not a copy
        return self.inputs[torch.from_numpy(rows)]


@dataclass(frozen=True, eq=False)
class _OnDisk:
    file: spectrogram_file.KeptOpen
    events: int
    stored: tuple[int, ...]
    normalisation: config.NormalisationSettings
    event_id: NDArray[Any] | None
    in_memory = False

    def __len__(self) -> int:
        return self.events

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, *self.stored) if len(self.stored) == 2 else self.stored

    def read(self, rows: Rows) -> Tensor:
        order = np.argsort(rows, kind="stable")
        x = np.empty((len(rows), *self.stored), np.float32)
        # In pieces, so that at most one piece is in memory twice.
        for start in range(0, len(rows), BLOCK):
            places = order[start : start + BLOCK]
            found = self.file.read(rows[places])
            names = None if self.event_id is None else self.event_id[rows[places]].tolist()
            x[places] = normalise(found, self.normalisation, names, out=found)
        return as_input(x)


class Samples:
    """Normalised spectrograms in a fixed order, or some of them.

    Batches and their order do not depend on where the spectrograms are; memory and speed do.

    Parameters
    ----------
    source
        Made by `of_array` or `of_file`.
    rows
        Rows of the source; by default all.
    """

    def __init__(self, source: _Source, rows: Rows | None = None) -> None:
        self._source = source
        self._rows = np.arange(len(source), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def in_memory(self) -> bool:
        """Whether the spectrograms are in memory."""
        return self._source.in_memory

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input of the networks: (C, F, T), or (D,)."""
        return self._source.shape

    def subset(self, rows: NDArray[Any]) -> Samples:
        """Return some of these samples: by their rows here, or by a mask (N,) of bool."""
        return Samples(self._source, self._rows[rows])

    def take(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the normalised spectrograms (n, F, T) or (n, C, F, T) of rows in any order."""
        return as_events(self._source.read(self._rows[rows]))

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Iterate over all in order: rows and spectrograms as in `take`, n at most `size`."""
        for rows, inputs in self.batches(size):
            yield slice(int(rows[0]), int(rows[-1]) + 1), as_events(inputs)

    def batches(self, batch_size: int, order: tuple[int, int] | None = None) -> Iterator[tuple[Rows, Tensor]]:
        """Iterate over rows and inputs (B, C, F, T).

        Parameters
        ----------
        batch_size
            B; the last batch may be smaller.
        order
            Seed and epoch of a shuffled order: blocks of `BLOCK` events in random order, and the events of
            `BLOCKS_SHUFFLED` of them at a time in random order; none: their own order.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if self.in_memory:
            everything = np.concatenate(list(self._order(order))) if len(self) else np.empty(0, np.int64)
            for start in range(0, len(everything), batch_size):
                rows = everything[start : start + batch_size]
                yield rows, self._source.read(self._rows[rows])
            return
        yield from _rebatched(self._read_ahead(order), batch_size)

    def _order(self, order: tuple[int, int] | None) -> Iterator[Rows]:
        """Iterate over parts of the order; events are mixed only within a part."""
        starts, together = np.arange(0, len(self), BLOCK), 1
        random = None if order is None else np.random.default_rng(order)
        if random is not None:
            random.shuffle(starts)
            together = BLOCKS_SHUFFLED
        for first in range(0, len(starts), together):
            some = starts[first : first + together].tolist()
            rows = np.concatenate([np.arange(s, min(s + BLOCK, len(self)), dtype=np.int64) for s in some])
            if random is not None:
                random.shuffle(rows)
            yield rows

    def _read_ahead(self, order: tuple[int, int] | None) -> Iterator[tuple[Rows, Tensor]]:
        """Read the next events while the caller works on the ones before."""
        return read_ahead(self._order(order), lambda rows: (rows, self._source.read(self._rows[rows])))


def read_ahead(items: Iterator[Any], read: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield `read(item)` of every item; a thread reads the next one meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        waiting = None
        for item in items:
            started = pool.submit(read, item)
            if waiting is not None:
                yield waiting.result()
            waiting = started
        if waiting is not None:
            yield waiting.result()


def _rebatched(parts: Iterator[tuple[Rows, Tensor]], batch_size: int) -> Iterator[tuple[Rows, Tensor]]:
    left: tuple[Rows, Tensor] | None = None
    for part in parts:
        rows, inputs = part
        if left is not None:
            missing = batch_size - len(left[0])
            left = np.concatenate((left[0], rows[:missing])), torch.cat((left[1], inputs[:missing]))
            rows, inputs = rows[missing:], inputs[missing:]
            if len(left[0]) < batch_size:
                continue
            yield left
            left = None
        whole = len(rows) - len(rows) % batch_size
        for start in range(0, whole, batch_size):
            yield rows[start : start + batch_size], inputs[start : start + batch_size]
        if whole < len(rows):
            # A copy, so that the memory of the whole part can be freed.
            left = rows[whole:].copy(), inputs[whole:].clone()
    if left is not None:
        yield left


def of_array(x: NDArray[Any]) -> Samples:
    """Return normalised spectrograms (N, F, T) or (N, C, F, T), or other inputs (N, D), in memory as samples."""
    return Samples(_InMemory(as_input(x)))


def of_file(
    path: Path, normalisation: config.NormalisationSettings, in_memory: bool, event_id: Sequence[str] | None = None
) -> Samples:
    """Return the spectrograms of a file as normalised samples.

    Parameters
    ----------
    path
        The file.
    normalisation
        Section `normalisation`.
    in_memory
        Whether all are read now; otherwise they are read when they are needed.
    event_id
        N identifiers by which errors name events.

    Raises
    ------
    SpectrogramError
        A spectrogram cannot be normalised.
    """
    events, shape = spectrogram_file.read_info(path).events, spectrogram_file.shape_of_one(path)
    if not in_memory:
        # Kept open, so that a training has the same events to its end although another training set may be drawn.
        file, names = spectrogram_file.KeptOpen(path), None if event_id is None else np.array(event_id)
        return Samples(_OnDisk(file, events, shape, normalisation, names))
    x = np.empty((events, *shape), np.float32)
    done = 0
    for block in spectrogram_file.iterate_spectrograms(path, BLOCK):
        of_block = None if event_id is None else event_id[done : done + len(block)]
        normalise(block, normalisation, of_block, out=x[done : done + len(block)])
        done += len(block)
    return of_array(x)


def as_samples(x: NDArray[Any] | Samples) -> Samples:
    """Return an array as samples (see `of_array`); samples are returned unchanged."""
    return x if isinstance(x, Samples) else of_array(x)
