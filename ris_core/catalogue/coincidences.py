"""How often two stations detect something within the time that one source can explain, and how often by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS

CELL_S = 600
"""Length of the cells in which common live time is counted, s (ours)."""
BLOCK_CELLS = 6
"""Cells of a block whose rates count as local: 1 hour (ours)."""
Integers = NDArray[np.int64]


def live_shares(intervals: Integers, start_ns: int, cells: int) -> NDArray[np.float64]:
    """Return the share of each cell (cells,) from a time on that is covered by intervals (n, 2), ns, ascending."""
    edges = start_ns + np.arange(cells + 1) * CELL_S * NS
    # From the start, since floating-point numbers of ns since 1970 are coarse.
    bounds = (intervals - start_ns).ravel().astype(np.float64)
    lasting = np.zeros(len(bounds))
    lasting[1::2] = bounds[1::2] - bounds[::2]
    covered = np.interp((edges - start_ns).astype(np.float64), bounds, np.cumsum(lasting)) if len(bounds) else 0 * edges
    return np.diff(covered) / (CELL_S * NS)


@dataclass(frozen=True, eq=False)
class Chance:
    """What independent detections of the same local rates would give.

    Attributes
    ----------
    pairs
        One row for each pair of stations: `a` and `b` (their positions), `events_a`, `events_b` (while both were live),
        `live_hours` and `expected_by_chance`.
    classes
        (K,) pairs that are expected of two events of each class, at all pairs of stations.
    """

    pairs: pd.DataFrame
    classes: NDArray[np.float64]


def chance(
    time_ns: Integers,
    station: NDArray[np.integer[Any]],
    kind: NDArray[np.integer[Any]],
    live: Mapping[int, Integers] | None,
    longest: Integers,
    start_ns: int,
    end_ns: int,
    same_class: bool = False,
) -> Chance:
    """Return how many pairs of detections are expected by chance to be no further apart than one source can explain.

    Of independent Poisson processes of rates λa and λb, 2 τ λa λb T pairs are no more than τ apart. The rates are those
    of each hour, since storms and hours of the day are common to stations: with blocks of 6 hours, chance was
    underestimated by a seventh on the synthetic network.

    Parameters
    ----------
    time_ns, station, kind
        (N,) times, ns since 1970, positions of the stations, and numbers of the classes, 0 ... K − 1.
    live
        Live intervals (n, 2), ns, of each station by its position; none if they are not known (imported events).
    longest
        (S, S) of `longest_differences`, ns; pairs with −1 are left out.
    start_ns, end_ns
        The time in question.
    same_class
        Whether only events of one class count as a pair of two stations.
    """
    stations, classes = len(longest), int(kind.max(initial=-1)) + 1
    cells = -(-(end_ns - start_ns) // (CELL_S * NS * BLOCK_CELLS)) * BLOCK_CELLS
    counts = np.zeros((classes, stations, cells), dtype=np.float32)
    cell = (time_ns - start_ns) // (CELL_S * NS)
    inside = (cell >= 0) & (cell < cells)
    np.add.at(counts, (kind[inside], station[inside], cell[inside]), 1)
    shares = np.ones((stations, cells))
    if live is not None:
        nothing = np.empty((0, 2), np.int64)
        shares = np.stack([live_shares(live.get(place, nothing), start_ns, cells) for place in range(stations)])
    rows, of_classes = [], np.zeros(classes)
    for a, b in np.argwhere(np.triu(longest >= 0)).tolist():
        common = np.minimum(shares[a], shares[b])
        blocks = common.reshape(-1, BLOCK_CELLS).sum(axis=1) * CELL_S
        ours, theirs = (_by_block(counts[:, each] * (common > 0)) for each in (a, b))
        with np.errstate(divide="ignore"):
            share = np.minimum(1.0, 2 * longest[a, b] / NS / blocks)
        by_class = (ours * theirs) @ share
        of_classes += by_class
        of_all = by_class.sum() if same_class else (ours.sum(axis=0) * theirs.sum(axis=0)) @ share
        rows.append(
            {
                "a": a,
                "b": b,
                "events_a": int(ours.sum()),
                "events_b": int(theirs.sum()),
                "live_hours": np.nan if live is None else float(blocks.sum()) / 3600,
                "expected_by_chance": np.nan if live is None else float(of_all),
            }
        )
    found = pd.DataFrame(rows, columns=["a", "b", "events_a", "events_b", "live_hours", "expected_by_chance"])
    return Chance(found, of_classes if live is not None else np.full(classes, np.nan))


def _by_block(counts: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    classes, cells = counts.shape
    return np.asarray(counts.reshape(classes, cells // BLOCK_CELLS, BLOCK_CELLS).sum(axis=2), dtype=np.float64)


def count_pairs(pairs: Integers, station: NDArray[np.integer[Any]], stations: int) -> Integers:
    """Return the number of pairs (P, 2) of detections for each pair of stations, shape (S, S), symmetric."""
    found = np.zeros((stations, stations), dtype=np.int64)
    one, other = station[pairs].reshape(-1, 2).T
    np.add.at(found, (one, other), 1)
    return found + found.T


def alike_pairs(pairs: Integers, label: Integers) -> Integers:
    """Return those of pairs (P, 2) of detections whose class (N,) is the same."""
    return np.asarray(pairs[label[pairs[:, 0]] == label[pairs[:, 1]]])


def added_up(parts: Sequence[pd.DataFrame], keys: Sequence[str], fixed: Sequence[str] = ()) -> pd.DataFrame:
    """Return the sums over months of tables with the same columns.

    Parameters
    ----------
    parts
        One table for each month.
    keys
        Columns that say what a row is of.
    fixed
        Columns that are the same for all months; all others are added up. NaN of one month makes the sum NaN.
    """
    whole = pd.concat(parts, ignore_index=True)
    of = whole.groupby(list(keys), sort=False)
    summed = [name for name in whole.columns if name not in (*keys, *fixed)]
    sums = of[summed].sum(min_count=0).where(~whole[summed].isna().groupby([whole[k] for k in keys], sort=False).any())
    return of[list(fixed)].first().join(sums).reset_index()[list(whole.columns)] if len(whole) else whole
