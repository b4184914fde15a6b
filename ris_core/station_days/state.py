"""The state of station-days: what exists of each, what failed, what is out of date, what is damaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from ris_core.contracts.station_day import StationDay
from ris_core.progress import track
from ris_core.stages.attempts import is_given_up
from ris_core.station_days.station_days import StationDays
from ris_core.storage.journal import FailedAttempt
from ris_core.waveforms.sample_quality import problems_of

if TYPE_CHECKING:
    import pandas as pd

S = TypeVar("S")
T = TypeVar("T")


class State(StrEnum):
    """The progress of a station-day."""

    PROCESSED = "processed"
    ACQUIRED = "acquired"
    NO_DATA = "no data"
    DAMAGED = "damaged"
    FAILED = "failed"
    NOT_YET = "not yet"


@dataclass(frozen=True)
class StationDayState:
    """What is known of a station-day.

    Only records and the heads or footers of files are read; `ris_core.verification` reads all bytes.

    Attributes
    ----------
    key
        The station-day.
    state
        Its progress. Damage comes before failure, failure before the rest.
    coverage, gaps, gap_seconds
        Figures of the samples; NaN and 0 before it is acquired.
    detections, events, live_seconds
        Rows of the detection table, spectrograms, and the time in which a detection can start, s.
    labelled, labels
        Whether there is a label table, and its rows.
    failed_stage, error, attempts
        The failed last attempt at a stage; empty if there is none.
    given_up
        Whether the sensors no longer request it.
    outdated
        Stages whose products exist and are out of date.
    damaged
        Its damaged files, each with why and the remedy.
    worth_a_look
        Unusual properties of its samples or their absence, from `problems_of`.
    """

    key: StationDay
    state: State = State.NOT_YET
    coverage: float = math.nan
    gaps: int = 0
    gap_seconds: float = 0.0
    detections: int = 0
    events: int = 0
    live_seconds: float = 0.0
    labelled: bool = False
    labels: int = 0
    failed_stage: str = ""
    error: str = ""
    attempts: int = 0
    given_up: bool = False
    outdated: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    worth_a_look: tuple[str, ...] = ()


_NOT_COLUMNS = {"key", "detections", "labels"}
_COLUMNS = ["station", "day", *(f.name for f in fields(StationDayState) if f.name not in _NOT_COLUMNS)]


def states_of(station_days: StationDays, keys: Iterable[StationDay] | None = None) -> list[StationDayState]:
    """Return the state of station-days, by default of all that are over, in one look at the disk."""
    wanted = list(station_days.all() if keys is None else keys)
    with station_days.look() as seen:
        return [state_of(seen, key) for key in track(wanted, "state of station-days", unit="station-day")]


def why_outdated(station_days: StationDays, states: Iterable[StationDayState]) -> dict[str, str]:
    """Return for each stage with products that are out of date the first such station-day, and why it is."""
    first: dict[str, StationDay] = {}
    for state in states:
        for stage in state.outdated:
            first.setdefault(stage, state.key)
    return {
        stage: f"{first[stage]}: {station_days.stages[stage].why_outdated(first[stage])}"
        for stage in station_days.stages
        if stage in first
    }


def state_table(states: Iterable[StationDayState]) -> pd.DataFrame:
    """Return one row per station-day, with most fields of `StationDayState` as columns.

    The columns ``station`` and ``day`` (ISO format) replace the key; ``outdated`` is separated by commas,
    ``damaged`` by line ends, ``worth_a_look`` by semicolons.
    """
    import pandas as pd

    rows = [
        [
            state.key.station,
            state.key.day.isoformat(),
            state.state.value,
            state.coverage,
            state.gaps,
            state.gap_seconds,
            state.events,
            state.live_seconds,
            state.labelled,
            state.failed_stage,
            state.error,
            state.attempts,
            state.given_up,
            ",".join(state.outdated),
            "\n".join(state.damaged),
            "; ".join(state.worth_a_look),
        ]
        for state in states
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def state_of(station_days: StationDays, key: StationDay) -> StationDayState:
    """Return the state of one station-day."""
    files, layout, journal = station_days.files, station_days.layout, station_days.journal
    stages, process = station_days.stages, station_days.process
    damaged = [str(error) for stage in stages.values() for error in stage.unreadable(key)]
    found = _read(station_days.acquire.read, key)
    state = State.NOT_YET
    if found is not None:
        state = State.ACQUIRED if found.has_data else State.NO_DATA
    info = None
    if _read(process.exists, key):
        info = _read(files.info_of_spectrograms, layout.spectrograms(key))
        state = State.PROCESSED if state is State.ACQUIRED else state
    detections, labels = (_read(files.stamp_of_table, path) for path in (layout.detections(key), layout.labels(key)))
    failures: list[FailedAttempt] = []
    for name in stages:
        try:
            failures += [failure] if (failure := journal.read(name, key, files)) is not None else []
        except OSError as error:
            damaged.append(str(error))
    if failures:
        state = State.FAILED
    if damaged:
        state = State.DAMAGED
    last = failures[0] if failures else None
    return StationDayState(
        key=key,
        state=state,
        coverage=found.quality.coverage if found is not None else math.nan,
        gaps=found.quality.gaps if found is not None else 0,
        gap_seconds=found.quality.gap_seconds if found is not None else 0.0,
        detections=detections[2] if detections is not None else 0,
        events=info.events if info is not None else 0,
        live_seconds=info.summary.get("live_seconds", 0.0) if info is not None else 0.0,
        labelled=bool(_read(station_days.label.exists, key)),
        labels=labels[2] if labels is not None else 0,
        failed_stage=last.stage if last else "",
        error=last.error if last else "",
        attempts=last.attempts if last else 0,
        given_up=any(is_given_up(failure, station_days.settings.operations) for failure in failures),
        outdated=tuple(
            name for name, stage in stages.items() if _read(stage.exists, key) and not _read(stage.is_current, key)
        ),
        damaged=tuple(damaged),
        worth_a_look=tuple(problems_of(found)) if found is not None else (),
    )


def _read(reader: Callable[[S], T], what: S) -> T | None:
    """Return the answer of a reader; none if the file does not exist or cannot be read, which is reported elsewhere."""
    with suppress(OSError):
        return reader(what)
    return None
