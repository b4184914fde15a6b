"""What a network's store holds, as short tables for a terminal."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from ris_core.config import Settings, SyntheticSettings
from ris_core.station_days.state import State, StationDayState, why_outdated
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.disk_usage import Usage, usage_by_folder
from ris_core.storage.layout import Layout
from ris_core.truth.score_file import FILE, KeptScores, read_scores
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.model_summary import model_rows
from ris_dagster.score_comparison import compared_methods, comparison_table
from ris_dagster.terminal_table import TerminalTable


def status_table(settings: Settings, layout: Layout, states: Sequence[StationDayState]) -> TerminalTable:
    """Return what is there, missing, failed and out of date, with the size on disk and the size to expect.

    Parameters
    ----------
    settings, layout, states
        The network, and the state of its station-days (`ris_core.station_days.state.states_of`).
    """
    out = TerminalTable("", "", title=f"{layout.name}: {layout.root}", show_header=False)
    total = len(states)
    out.add_row("station-days", f"{total}")
    of_state = Counter(found.state for found in states)
    for state in State:
        out.add_row(f"  {state}", str(of_state[state]))
    out.add_row("  given up (`ris reset`)", str(sum(found.given_up for found in states)))
    outdated = Counter(stage for found in states for stage in found.outdated)
    for stage in BINDINGS.wanted_by(settings).names:
        out.add_row(f"  out of date: {stage}", str(outdated[stage]))
    out.add_row("events", str(sum(found.events for found in states)))
    out.add_row("label tables", str(sum(found.labelled for found in states)))
    for name, text in model_rows(layout, settings):
        out.add_row(name, text)
    usage = usage_by_folder(layout.root)
    out.add_row("size on disk", _megabytes(sum(found.size for found in usage.values())))
    for name, found in usage.items():
        out.add_row(f"  {name}", _megabytes(found.size))
    expected = _expected_size(settings, usage, total)
    if expected:
        out.add_row("station-days when complete", _megabytes(expected))
    return out


_NAMED_AT_MOST = 20
_STATION_DAY_FOLDERS = ("waveforms", "detections", "live", "spectrograms", "attributes", "labels")


def _expected_size(settings: Settings, usage: Mapping[str, Usage], station_days: int) -> float:
    """Return the bytes of all station-days by the mean size of the files that are there of each product."""
    if settings.imported:
        return 0.0  # only the file that is imported knows of which station-days it has events
    dropped = settings.retention.raw == "drop_after_processing"
    folders = [name for name in _STATION_DAY_FOLDERS if name in usage and not (dropped and name == "waveforms")]
    # A station-day has a raw file for each channel.
    files = {"waveforms": len(settings.channels)}
    return sum(usage[name].mean_size * station_days * files.get(name, 1) for name in folders)


def failures_table(states: Sequence[StationDayState]) -> TerminalTable | None:
    """Return the station-days whose last attempt failed, or none."""
    failed = [found for found in states if found.failed_stage]
    if not failed:
        return None
    out = TerminalTable("station", "day", "stage", "attempts", "error", title="Failed station-days")
    for found in failed:
        attempts = f"{found.attempts}, given up" if found.given_up else str(found.attempts)
        out.add_row(found.key.station, found.key.day.isoformat(), found.failed_stage, attempts, found.error)
    return out


def damage_lines(states: Sequence[StationDayState]) -> list[str]:
    """Return a line for each damaged file of station-days, with why and the remedy; of very many the first ones."""
    files = [line for found in states for line in found.damaged]
    if not files:
        return []
    more = [f"... and {len(files) - _NAMED_AT_MOST} more"] if len(files) > _NAMED_AT_MOST else []
    return [
        f"{len(files)} files of station-days are damaged or cannot be read:",
        *(f"  {line}" for line in [*files[:_NAMED_AT_MOST], *more]),
        "`ris verify --remove` removes what is damaged, `ris backfill` makes it again",
    ]


def outdated_lines(days: StationDays, states: Sequence[StationDayState]) -> list[str]:
    """Return a line for each stage with products that are out of date: why, of the first station-day."""
    lines = [f"  {stage}: {why}" for stage, why in why_outdated(days, states).items()]
    if not lines:
        return []
    return [
        "Out of date, for example:",
        *lines,
        "`ris backfill` makes it again; to keep what was made with other settings, give their former values in the "
        "settings file",
    ]


def odd_lines(states: Sequence[StationDayState]) -> list[str]:
    """Return a line for each station-day whose samples, or their absence, are worth a look; of many the first ones."""
    odd = [found for found in states if found.worth_a_look]
    if not odd:
        return []
    shown = [f"  {found.key}: {'; '.join(found.worth_a_look)}" for found in odd[:_NAMED_AT_MOST]]
    more = [f"  ... and {len(odd) - _NAMED_AT_MOST} more"] if len(odd) > _NAMED_AT_MOST else []
    return [f"{len(odd)} station-days are worth a look:", *shown, *more]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e10 else f"{size / 1e9:,.1f} GB"


def run_tables(settings: Settings, layout: Layout, states: Sequence[StationDayState]) -> list[TerminalTable]:
    """Return the short tables that end a run of the whole method; `ris status` and `truth_scores` have all of it."""
    out = TerminalTable("", "", title=f"{settings.network.title or settings.network.name}", show_header=False)
    out.add_row("stations", str(len(settings.stations)))
    out.add_row("days", str(len(settings.days())))
    out.add_row("station-days", f"{len(states)} ({sum(found.state is State.NO_DATA for found in states)} without data)")
    out.add_row("detections", str(sum(found.detections for found in states)))
    out.add_row("events", str(sum(found.events for found in states)))
    for name, text in model_rows(layout, settings, each_count=False):
        out.add_row(name, text)
    out.add_row("labels written", str(sum(found.labels for found in states)))
    tables = [out]
    scores = layout.analysis(FILE)
    if isinstance(settings.source, SyntheticSettings) and scores.exists():
        try:
            found = read_scores(scores)
        except DamagedFileError as error:
            out.add_row("scores against truth", str(error))
        else:
            for name, text in _score_rows(found):
                out.add_row(name, text)
            compared = comparison_table(compared_methods(settings, found))
            compared.caption = found.note or None
            tables.append(compared)
    return tables


def _score_rows(scores: KeptScores) -> list[tuple[str, str]]:
    """Return in a line each how many true events were detected, and how many labelled with the right family."""
    by_snr = [row for row in scores.recall_by_snr if row["events"]]
    of_loud = f"; of those from {by_snr[-1]['snr_low']:.0f} dB on {by_snr[-1]['recall']:.2f}" if by_snr else ""
    rows = [
        (
            "true events detected",
            f"recall {scores.recall:.2f} of {scores.true_events}{of_loud}; precision {scores.precision:.2f}",
        )
    ]
    for called, families in (("labelled rightly", scores.end_to_end), ("without reviews", scores.beside)):
        known = sorted(
            (row for row in families if row["recall"] is not None and not math.isnan(row["recall"])),
            key=lambda row: float(row["recall"]),
        )
        if known:
            worst, best = known[0], known[-1]
            said = f"from {worst['recall']:.2f} ({worst['family']}) to {best['recall']:.2f} ({best['family']})"
            rows.append((called, f"recall of the true families {said}"))
    return rows


def next_steps() -> list[str]:
    """Return three lines: what to do after a network has been run."""
    return [
        "Next:",
        "  `make ui` (`ris ui`): how it was made in Dagster, models side by side in MLflow, the events in the explorer",
        "  `ris review`, or *Review* in the explorer: name events, then `ris run` learns from what you said",
        "  `ris init NAME --archive FOLDER`: settings for your own archive, then `ris run --config NAME.yaml`",
    ]
