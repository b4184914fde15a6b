"""From what a reader found to a series: units, order, contradictions, and values that cannot be."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config.environment import SeriesSettings
from ris_core.config.units import UnitError, conversion
from ris_core.environment.reader import FaultySeriesError, Found, Part

_LEAVE_OUT = "with on_fault: leave_out such values are left out and counted"


@dataclass(frozen=True)
class Faults:
    """How many values were not kept as they stand in the files.

    Attributes
    ----------
    missing
        Marked as missing in the file.
    repeated
        The same value of the same time again.
    contradictory
        Of a time that has several values.
    out_of_order
        Earlier than the one before in the same file.
    out_of_range
        Beyond the bounds of the series.
    """

    missing: int = 0
    repeated: int = 0
    contradictory: int = 0
    out_of_order: int = 0
    out_of_range: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Tidied:
    """Values in order.

    Attributes
    ----------
    time : int array of shape (N,)
        ns since 1970, UTC, strictly ascending.
    value : array of shape (N,)
        In the unit.
    unit
        The unit in which the kind is kept.
    converted
        The conversion in words; empty if there was none.
    faults
        What was not kept.
    """

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    unit: str
    converted: str
    faults: Faults


def tidy(series: SeriesSettings, found: Found) -> Tidied:
    """Return the values of a reader converted, in order and within bounds.

    Equal values of one time, as in files that overlap, are kept once.

    Raises
    ------
    FaultySeriesError
        The unit does not fit; or, unless faults are left out: times are out of order within a file, a time has
        different values, or values are out of range. Also if nothing is left.
    """
    where = found.parts[0].where
    try:
        unit, scale, offset = conversion(series.kind, found.unit)
    except UnitError as error:
        raise FaultySeriesError(
            f"series {series.name}: {where}: {error}; give `unit` if the file says it wrongly"
        ) from (error)
    refuse = series.on_fault == "refuse"
    disorder = sum(_disorder(series, part, refuse) for part in found.parts)
    time = np.concatenate([part.time for part in found.parts])
    value = np.concatenate([part.value for part in found.parts]) * scale + offset
    part_of = np.repeat(np.arange(len(found.parts)), [len(part.time) for part in found.parts])
    line = np.concatenate([np.arange(len(p.time)) if p.lines is None else p.lines for p in found.parts])
    there = ~np.isnan(value)
    missing = int((~there).sum())
    time, value, part_of, line = time[there], value[there], part_of[there], line[there]

    def named(index: int) -> str:
        part = found.parts[part_of[index]]
        text = part.where if part.lines is None else f"{part.where}, line {line[index]}"
        return f"{text}: {value[index]:g} {unit} at {said(int(time[index]))}"

    low, high = series.bounds
    beyond = ~((value >= low) & (value <= high) & np.isfinite(value))
    if beyond.any() and refuse:
        first = int(np.flatnonzero(beyond)[0])
        raise FaultySeriesError(
            f"series {series.name}: {named(first)} is out of {low:g} to {high:g} {unit}, as {int(beyond.sum())} of "
            f"{len(value)} values are; give the right unit or `range`, or {_LEAVE_OUT}"
        )
    time, value, part_of, line = time[~beyond], value[~beyond], part_of[~beyond], line[~beyond]
    order = np.lexsort((value, time))
    time, value, part_of, line = time[order], value[order], part_of[order], line[order]
    same = np.diff(time) == 0
    differ = same & (np.diff(value) != 0)
    if differ.any() and refuse:
        first = int(np.flatnonzero(differ)[0])
        raise FaultySeriesError(
            f"series {series.name}: {named(first + 1)} contradicts {named(first)}; {int(differ.sum())} times have "
            f"several values; take one of the files out, or {_LEAVE_OUT}"
        )
    contradicted = np.isin(time, time[1:][differ])
    first_of_time = np.concatenate([[True], ~same]) if len(time) else np.zeros(0, dtype=np.bool_)
    kept = first_of_time & ~contradicted
    if not kept.any():
        raise FaultySeriesError(
            f"series {series.name}: {where}: none of {len(there)} rows has a value that can be used "
            f"({missing} missing, {int(beyond.sum())} out of range); is this the right column, variable or place?"
        )
    faults = Faults(
        missing=missing,
        repeated=int((~first_of_time & ~contradicted).sum()),
        contradictory=int(contradicted.sum()),
        out_of_order=disorder,
        out_of_range=int(beyond.sum()),
    )
    changed = "" if (scale, offset) == (1.0, 0.0) else f"{unit} = {scale:g} · {found.unit} {offset:+g}"
    return Tidied(time[kept], value[kept], unit, changed, faults)


def _disorder(series: SeriesSettings, part: Part, refuse: bool) -> int:
    back = np.flatnonzero(np.diff(part.time) < 0)
    if len(back) and refuse:
        after = int(back[0]) + 1
        place = "" if part.lines is None else f", line {part.lines[after]}"
        raise FaultySeriesError(
            f"series {series.name}: {part.where}{place}: {said(int(part.time[after]))} follows "
            f"{said(int(part.time[after - 1]))}: times must ascend; sort the file, or {_LEAVE_OUT}"
        )
    return len(back)


def said(time: int) -> str:
    """Return a time (ns since 1970 UTC) as text."""
    return pd.Timestamp(time, tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
