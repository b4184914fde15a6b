"""Do events keep to a phase of the tide: a test against the station's own live time, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.rates.exposure import live_hours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONSTITUENTS: dict[str, float] = {
    "O1": 13.9430356,
    "M2": 28.9841042,
    "K1": 15.0410686,
    "P1": 14.9589314,
    "S1": 15.0,
    "S2": 30.0,
}
"""Speed in degrees per hour (Doodson 1921)."""
TESTED = ("O1", "M2")
"""O1 decides, M2 supports. K1, P1, S1 and S2 need a year to be told from the sun, whose warmth has their periods."""
LEAST_DAYS = 29.0
BLOCK_DAYS = 14.0
_STEP_NS = 600_000_000_000  # fine enough for the phase of M2: 5 degrees
_DAY_NS = 86_400_000_000_000
_BINS = 12


@dataclass(frozen=True)
class Phase:
    """Whether the events of a class at a station keep to a phase of one constituent.

    Attributes
    ----------
    constituent
        O1, M2, K1, P1, S1 or S2.
    events, blocks
        Numbers of events and of blocks that hold any.
    excess
        Length of the mean phase vector beyond that of the live time: 0 none, 1 all events at one phase.
    angle
        Its phase, degrees of the constituent's cycle since 1970-01-01 UTC.
    p
        Of the block-robust test; NaN where none is made, and `reason` says why.
    declustered, declustered_events
        p and number of events where each cycle and twelfth of a cycle counts one event at most.
    reason
        Why there is no p.
    """

    constituent: str
    events: int
    blocks: int
    excess: float
    angle: float
    p: float
    declustered: float
    declustered_events: int
    reason: str


def phase_test(times: Ints, intervals: Ints, constituent: str, block_days: float = BLOCK_DAYS) -> Phase:
    """Return whether events keep to a phase of a tidal constituent more than the live time does.

    In each block of time, the sum of the events' phase vectors less their number times the mean vector of the block's
    live time is a vector with mean zero if the rate does not follow the constituent, whatever the gaps and the season
    are. Hotelling's T² asks whether the blocks' vectors have mean zero, with the spread among blocks as they have it,
    so that swarms and episodes count as the few blocks that they are. In 14 days O1 and the sun turn once against
    each other. (Schuster 1897 has p = exp(−R²/N) for independent events and no gaps. Blocks: ours, after Park et
    al. 2021, arXiv 2101.11533.)

    Parameters
    ----------
    times : int array of shape (N,)
        Times of the events, ns since 1970 UTC.
    intervals : int array of shape (n, 2)
        Live intervals, ns since 1970 UTC.
    constituent
        A key of `CONSTITUENTS`.
    block_days
        Length of a block.
    """
    times = np.sort(np.asarray(times, dtype=np.int64))
    speed = CONSTITUENTS[constituent]
    if not len(intervals) or not len(times):
        return Phase(constituent, len(times), 0, np.nan, np.nan, np.nan, np.nan, 0, "no events or no live time")
    start, end = int(intervals[:, 0].min()), int(intervals[:, 1].max())
    block = round(block_days * _DAY_NS)
    number = -(-(end - start) // block)
    exposure = _exposure(intervals, start, end, speed, block, number)
    vectors, counts = _block_sums(times, start, speed, block, number, exposure)
    total = complex(vectors.sum()) / max(1, int(counts.sum()))
    angle = float(np.rad2deg(np.angle(total)) % 360.0)
    used = int((counts > 0).sum())
    reason = _why_not(constituent, (end - start) / _DAY_NS, used)
    cycle = _angle(times, speed) / (2.0 * np.pi)
    _, kept = np.unique(np.floor(cycle * _BINS).astype(np.int64), return_index=True)
    p = fewer = np.nan
    if not reason:
        p = _hotelling(vectors[counts > 0])
        few, few_counts = _block_sums(times[kept], start, speed, block, number, exposure)
        fewer = _hotelling(few[few_counts > 0])
    return Phase(constituent, int(counts.sum()), used, abs(total), angle, p, fewer, len(kept), reason)


def _why_not(constituent: str, days: float, blocks: int) -> str:
    if days < LEAST_DAYS:
        return f"{days:.0f} of {LEAST_DAYS:.0f} days that are needed: nothing can be said of tides"
    if constituent not in TESTED:
        return "shown without a test: it cannot be told from the sun and the season"
    return f"events in {blocks} blocks; 10 are needed" if blocks < 10 else ""


def _angle(time: Ints, speed: float) -> Floats:
    return np.asarray(np.deg2rad(speed) * (time / 3.6e12), dtype=np.float64)


def _exposure(intervals: Ints, start: int, end: int, speed: float, block: int, number: int) -> NDArray[np.complex128]:
    """Return the mean phase vector of the live time of each block; 0 of a block without."""
    edges = start + np.arange((end - start) // _STEP_NS + 2, dtype=np.int64) * _STEP_NS
    live = live_hours(intervals, edges)
    middle = edges[:-1] + _STEP_NS // 2
    of = np.minimum((middle - start) // block, number - 1)
    phase = np.exp(1j * _angle(middle, speed)) * live
    hours = np.bincount(of, live, number)
    sums = np.bincount(of, phase.real, number) + 1j * np.bincount(of, phase.imag, number)
    return np.asarray(sums / np.maximum(hours, 1e-12), dtype=np.complex128)


def _block_sums(
    times: Ints, start: int, speed: float, block: int, number: int, exposure: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], Ints]:
    of = np.clip((times - start) // block, 0, number - 1)
    phase = np.exp(1j * _angle(times, speed))
    counts = np.bincount(of, minlength=number)
    sums = np.bincount(of, phase.real, number) + 1j * np.bincount(of, phase.imag, number)
    return sums - counts * exposure, counts


def _hotelling(vectors: NDArray[np.complex128]) -> float:
    """Return p of the hypothesis that vectors have mean zero (Hotelling 1931); 1 of fewer than four."""
    from scipy import stats  # takes long to import

    number = len(vectors)
    if number < 4:
        return 1.0
    plane = np.stack([vectors.real, vectors.imag], axis=1)
    mean = plane.mean(axis=0)
    spread = np.cov(plane.T) / number
    if np.linalg.det(spread) <= 0:
        return 1.0
    squared = float(mean @ np.linalg.solve(spread, mean))
    return float(stats.f.sf(squared * (number - 2) / (2.0 * (number - 1)), 2, number - 2))
