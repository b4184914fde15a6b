"""Events that are apart from the reviewed ones, so that a class model can be scored on what it has not been shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.event_identifier import peak_of

_NS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Shown:
    """What reviewers were shown: events, blocks of time and true sources.

    Events of one source, and those of the same minutes, resemble each other: a score on them would be too good.

    Attributes
    ----------
    events
        Identifiers of the reviewed events.
    blocks
        Numbers of the blocks of time, the same at all stations, that hold one.
    sources
        Their true sources, as far as they are known.
    block
        Length of a block, s.
    """

    events: frozenset[str]
    blocks: NDArray[np.int64] = field(repr=False)
    sources: NDArray[np.int64] = field(repr=False)
    block: float

    @classmethod
    def of(cls, reviewed: Iterable[str], event_ids: Sequence[str], source: NDArray[np.int64], block: float) -> Shown:
        """Return what was shown with some events.

        Parameters
        ----------
        reviewed
            Identifiers of the reviewed events.
        event_ids, source
            (N,) events and the true source of each, the same at all stations; below 0 if there is none.
        block
            Length of a block, s.
        """
        events = frozenset(reviewed)
        peaks = np.array([peak_of(name) for name in sorted(events)], dtype=np.int64)
        known = source[[name in events for name in event_ids]]
        return cls(events, np.unique(peaks // round(block * _NS)), np.unique(known[known >= 0]), block)

    def apart(self, time_ns: NDArray[np.int64], source: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of N events share neither a block nor a source with a reviewed event.

        Parameters
        ----------
        time_ns, source
            (N,) time of the peak, ns since 1970 UTC, and true source as in `of`.
        """
        blocks = np.asarray(time_ns, dtype=np.int64) // round(self.block * _NS)
        return np.asarray(~np.isin(blocks, self.blocks) & ~np.isin(source, self.sources))
