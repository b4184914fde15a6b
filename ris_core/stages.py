"""The three stages of a station-day by name: what travels to a worker is a name, settings, a root and a key."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ris_core.attempts import is_given_up
from ris_core.config import FdsnSettings, Settings
from ris_core.contracts.station_day import StationDay
from ris_core.masking import masked
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Stage, Store
from ris_core.waveforms.source import WaveformSource, open_source


@dataclass(frozen=True)
class StageTask:
    """What a worker needs to know, besides the key.

    Attributes
    ----------
    stage
        ``acquire``, ``process`` or ``label``.
    settings_json
        The settings as JSON.
    root
        The data root.
    again
        Whether acquisition asks the source again for station-days that stand.
    """

    stage: Stage
    settings_json: str
    root: str
    again: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one station-day: its result, or the error that it failed with."""

    key: StationDay
    result: dict[str, Any] | None
    error: str = ""
    trace: str = ""


@lru_cache(maxsize=4)
def _opened(settings_json: str, root: str) -> tuple[Store, WaveformSource]:
    settings = Settings.model_validate_json(settings_json)
    return Store(settings, Path(root)), open_source(settings)


def run_station_day(task: StageTask, key: StationDay) -> Outcome:
    """Run one stage for one station-day; an error becomes part of the outcome."""
    key = StationDay(*key)
    try:
        store, source = _opened(task.settings_json, task.root)
        return Outcome(key, _run(task, store, key, source))
    except Exception as error:  # noqa: BLE001 - one station-day must not stop the others, whatever is wrong with it
        return Outcome(key, None, masked(f"{type(error).__name__}: {error}"), masked(traceback.format_exc()))


def most_at_once(stage: Stage, store: Store, keys: Iterable[StationDay]) -> int | None:
    """Return how many station-days of a stage may be worked on at once so that a data centre is not asked too much.

    None where it is not asked at all. Processing asks for raw files that were dropped.
    """
    source = store.settings.source
    if not isinstance(source, FdsnSettings) or stage == "label":
        return None
    if stage == "process" and not any(_was_dropped(store, key) for key in keys):
        return None
    return source.simultaneous_requests


def _was_dropped(store: Store, key: StationDay) -> bool:
    from ris_core.storage.store import read_acquisition

    if store.waveform(key).exists():
        return False
    try:
        record = read_acquisition(store, key)
    except DamagedFileError:
        return True  # it is acquired again
    return record is not None and record["state"] == "data"


def record_outcome(store: Store, stage: Stage, outcome: Outcome) -> None:
    """Keep a failed attempt in the store, with the number of attempts, or forget earlier ones after a success."""
    if outcome.result is None:
        store.journal.note(stage, outcome.key, outcome.error)
    else:
        store.journal.clear(stage, outcome.key)


def _run(task: StageTask, store: Store, key: StationDay, source: WaveformSource) -> dict[str, Any]:
    if task.stage == "acquire":
        from ris_core.waveforms.acquire import acquire_station_day

        return acquire_station_day(store, key, source, task.again)
    if task.stage == "process":
        from ris_core.processing.process import process_station_day

        return process_station_day(store, key, source)
    from ris_core.labels.label import label_station_day

    return label_station_day(store, key)


def is_current(stage: Stage, store: Store, key: StationDay) -> bool:
    """Return whether a stage's product of a station-day stands and was made from what is there now.

    What is damaged, or made from something damaged, is not current.
    """
    with suppress(DamagedFileError):
        return _is_current(stage, store, key)
    return False


def _is_current(stage: Stage, store: Store, key: StationDay) -> bool:
    if stage == "acquire":
        from ris_core.waveforms.acquire import acquisition_is_current

        return acquisition_is_current(store, key)
    if stage == "process":
        from ris_core.processing.process import process_is_current

        return process_is_current(store, key)
    from ris_core.labels.label import labels_are_current

    return labels_are_current(store, key)


def is_left_out(stage: Stage, store: Store, key: StationDay) -> bool:
    """Return whether there is nothing to do for a station-day: it is to be labelled, but no event of it was imported.

    Everywhere else each station-day has a record of what was found; an imported file tells of days with events alone.
    """
    return stage == "label" and store.settings.imported and not store.acquisition(key).exists()


def exists(stage: Stage, store: Store, key: StationDay) -> bool:
    """Return whether a stage's product of a station-day stands, current or not."""
    if stage == "acquire":
        return store.acquisition(key).exists()
    if stage == "process":
        return store.spectrograms(key).exists() and store.detections(key).exists()
    return store.labels(key).exists()


def state_table(store: Store, keys: Iterable[StationDay]) -> Any:
    """Return one row per station-day: state, coverage, events, labels, failure, damage, and what is out of date.

    Columns: station, day, state (``processed``, ``acquired``, ``no data``, ``damaged``, ``failed``, ``not yet``),
    coverage, gaps, gap_seconds, events, live_seconds, labelled, failed_stage, error, attempts, given_up (nothing asks
    for it by itself any more), outdated (comma-separated stages), damaged (its damaged files with why and the remedy,
    a line each), worth_a_look (what is odd about its samples or their absence, as `problems_of` says). Only records and
    what files say of themselves are read here; `ris_core.verification` reads all bytes.
    """
    import pandas as pd

    from ris_core.progress import track

    rows = [_state_row(store, key) for key in track(list(keys), "state of station-days", unit="station-day")]
    return pd.DataFrame(rows, columns=_STATE_COLUMNS)


_STATE_COLUMNS = [
    "station",
    "day",
    "state",
    "coverage",
    "gaps",
    "gap_seconds",
    "events",
    "live_seconds",
    "labelled",
    "failed_stage",
    "error",
    "attempts",
    "given_up",
    "outdated",
    "damaged",
    "worth_a_look",
]


def _state_row(store: Store, key: StationDay) -> dict[str, Any]:
    from ris_core.storage import tables
    from ris_core.storage.spectrogram_file import read_info
    from ris_core.storage.store import STATION_DAY_STAGES, read_acquisition
    from ris_core.waveforms.quality import problems_of

    damaged: list[str] = []

    def read(reader: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return reader(*arguments)
        except FileNotFoundError:
            return None
        except OSError as error:
            damaged.append(str(error))
            return None

    row: dict[str, Any] = {
        "station": key.station,
        "day": key.day.isoformat(),
        "state": "not yet",
        "coverage": float("nan"),
        "gaps": 0,
        "gap_seconds": 0.0,
        "events": 0,
        "live_seconds": 0.0,
        "labelled": exists("label", store, key),
        "failed_stage": "",
        "error": "",
        "attempts": 0,
        "given_up": False,
        "worth_a_look": "",
    }
    record = read(read_acquisition, store, key)
    if record is not None:
        row["state"] = "acquired" if record["state"] == "data" else "no data"
        row |= {name: record[name] for name in ("coverage", "gaps", "gap_seconds")}
        row["worth_a_look"] = "; ".join(problems_of(record))
    spectrograms = store.spectrograms(key)
    info = read(read_info, spectrograms) if spectrograms.exists() else None
    for table in (store.detections(key), store.labels(key)):
        read(tables.read_stamp, table)
    if exists("process", store, key):
        if info is not None:
            row["events"], row["live_seconds"] = info.events, info.summary.get("live_seconds", 0.0)
        if row["state"] == "acquired":
            row["state"] = "processed"
    failures = [f for stage in STATION_DAY_STAGES if (f := read(store.journal.read, stage, key)) is not None]
    if failures:
        row |= {"failed_stage": failures[0].stage, "error": failures[0].error, "attempts": failures[0].attempts}
        row["given_up"] = any(is_given_up(f, store.settings.operations) for f in failures)
        row["state"] = "failed"
    if damaged:
        row["state"] = "damaged"
    row["outdated"] = ",".join(
        stage for stage in STATION_DAY_STAGES if exists(stage, store, key) and not is_current(stage, store, key)
    )
    row["damaged"] = "\n".join(damaged)
    return row
