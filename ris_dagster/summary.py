"""What a network's store holds, as short tables for a terminal."""

import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.table import Table

from ris_core.config import SyntheticSettings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json
from ris_core.storage.store import Store
from ris_dagster.model_summary import model_rows


def states_of(store: Store) -> Any:
    """Return the state of every station-day that is over (see `ris_core.stages.state_table`)."""
    from ris_core.stages import state_table

    return state_table(store, store.station_days())


def status_table(store: Store, states: Any) -> Table:
    """Return what is there, missing, failed and out of date, with the size on disk and the size to expect.

    Parameters
    ----------
    store, states
        The store and the state of its station-days (`states_of`).
    """
    out = Table(title=f"{store.settings.network.name}: {store.root}", show_header=False)
    total = len(states)
    out.add_row("station-days", f"{total}")
    for state in ("processed", "acquired", "no data", "damaged", "failed", "not yet"):
        out.add_row(f"  {state}", str(int((states["state"] == state).sum())))
    out.add_row("  given up (`ris reset`)", str(int(states["given_up"].sum())))
    for stage in ("acquire", "process", "label"):
        count = int(states["outdated"].str.split(",").apply(lambda stages, s=stage: s in stages).sum())
        out.add_row(f"  out of date: {stage}", str(count))
    out.add_row("events", f"{int(states['events'].sum())}")
    out.add_row("label tables", f"{int(states['labelled'].sum())}")
    for name, text in model_rows(store):
        out.add_row(name, text)
    sizes = store.size_on_disk()
    out.add_row("size on disk", _megabytes(sum(sizes.values())))
    for name, size in sizes.items():
        out.add_row(f"  {name}", _megabytes(size))
    expected = _expected_size(store, sizes, total)
    if expected:
        out.add_row("station-days when complete", _megabytes(expected))
    return out


_NAMED_AT_MOST = 20
_STATION_DAY_FOLDERS = {"waveforms": "*.D.*", "detections": "*.parquet", "spectrograms": "*.h5", "labels": "*.parquet"}


def _expected_size(store: Store, sizes: dict[str, int], station_days: int) -> float:
    """Return the bytes of all station-days by the mean size of the files that are there of each product."""
    expected = 0.0
    if store.settings.imported:
        return expected  # only the file that is imported knows of which station-days it has events
    for name, pattern in _STATION_DAY_FOLDERS.items():
        if name == "waveforms" and store.settings.retention.raw == "drop_after_processing":
            continue
        files = sum(path.is_file() for path in (store.root / name).rglob(pattern))
        expected += sizes.get(name, 0) / files * station_days if files else 0.0
    return expected


def failures_table(states: Any) -> Table | None:
    """Return the station-days whose last attempt failed, or none."""
    failed = states[states["failed_stage"] != ""]
    if failed.empty:
        return None
    out = Table("station", "day", "stage", "attempts", "error", title="Failed station-days")
    for row in failed.itertuples():
        attempts = f"{row.attempts}, given up" if row.given_up else str(row.attempts)
        out.add_row(row.station, row.day, row.failed_stage, attempts, row.error)
    return out


def damage_lines(states: Any) -> list[str]:
    """Return a line for each damaged file of station-days, with why and the remedy; of very many the first ones."""
    files = [line for text in states["damaged"] if text for line in text.split("\n")]
    if not files:
        return []
    more = [f"... and {len(files) - _NAMED_AT_MOST} more"] if len(files) > _NAMED_AT_MOST else []
    return [
        f"{len(files)} files of station-days are damaged or cannot be read:",
        *(f"  {line}" for line in [*files[:_NAMED_AT_MOST], *more]),
        "`ris verify --remove` removes what is damaged, `ris backfill` makes it again",
    ]


def odd_lines(states: Any) -> list[str]:
    """Return a line for each station-day whose samples, or their absence, are worth a look; of many the first ones."""
    odd = states[states["worth_a_look"] != ""]
    if odd.empty:
        return []
    shown = [f"  {row.station} {row.day}: {row.worth_a_look}" for row in odd.head(_NAMED_AT_MOST).itertuples()]
    more = [f"  ... and {len(odd) - _NAMED_AT_MOST} more"] if len(odd) > _NAMED_AT_MOST else []
    return [f"{len(odd)} station-days are worth a look:", *shown, *more]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e10 else f"{size / 1e9:,.1f} GB"


def run_tables(store: Store, states: Any) -> list[Table]:
    """Return the short tables that end a run of the whole method."""
    settings = store.settings
    out = Table(title=f"{settings.network.title or settings.network.name}", show_header=False)
    out.add_row("stations", str(len(settings.stations)))
    out.add_row("days", str(len(settings.days())))
    out.add_row("station-days", f"{len(states)} ({int((states['state'] == 'no data').sum())} without data)")
    out.add_row("detections", str(_rows(store, store.detections)))
    out.add_row("events", str(int(states["events"].sum())))
    for name, text in model_rows(store):
        out.add_row(name, text)
    out.add_row("labels written", str(_rows(store, store.labels)))
    tables = [out]
    scores = store.analysis("truth_scores.json")
    if isinstance(settings.source, SyntheticSettings) and scores.exists():
        try:
            tables += _score_tables(read_json(scores))
        except DamagedFileError as error:
            out.add_row("scores against truth", str(error))
    return tables


def _rows(store: Store, path: Callable[[StationDay], Path]) -> int:
    """Return the rows of all tables of a kind; of damaged ones the states of station-days tell."""
    from ris_core.storage.tables import read_stamp

    count = 0
    for key in store.station_days():
        with suppress(OSError):  # there is none, or it is damaged
            count += read_stamp(path(key))[2]
    return count


def _score_tables(scores: dict[str, Any]) -> list[Table]:
    detection = Table(
        "SNR from (dB)",
        "true events",
        "recall",
        title=f"Detection: recall {scores['recall']:.2f}, precision {scores['precision']:.2f} of "
        f"{scores['true_events']} true events",
    )
    for row in scores["recall_by_snr"]:
        detection.add_row(f"{row['snr_low']:.0f}", str(row["events"]), f"{row['recall']:.2f}")
    clustering = Table("K", "method", "ARI", "NMI", "macro-F1", "ACC", title="Clustering of the detected events")
    for row in scores["clustering"]:
        values = [f"{row[n]:.2f}" for n in ("ari", "nmi", "macro_f1", "accuracy")]
        clustering.add_row(str(row["k"]), row["method"], *values)
    end = Table("family", "true events", "recall", "precision", title=f"End to end, champion K = {scores['k']}")
    for row in scores["end_to_end"]:
        end.add_row(row["family"], str(row["events"]), *(_share(row[n]) for n in ("recall", "precision")))
    return [detection, clustering, end]


def _share(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.2f}"
