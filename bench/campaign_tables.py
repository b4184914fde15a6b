"""The tables of `bench.campaign` in Markdown, for docs/benchmarks.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench.campaign_estimate import EVENTS, STATION_DAYS, TRAINING_EVENTS
from bench.campaign_summary import STAGES, Measured

_PUBLISHED = {
    "process": ("station-days", "spectrograms"),
    "training": ("autoencoder", "DEC"),
    "label": ("labels",),
}


def markdown(measured: Measured, found: Mapping[str, Any]) -> str:
    """Return the tables of a campaign: measured, extrapolated, how, limits, disk."""
    return "\n\n".join(
        [_head(measured, found), _stages(found), _hours(found), _parts(measured, found), _limits(found), _disk(found)]
    )


def _head(measured: Measured, found: Mapping[str, Any]) -> str:
    size, events = measured.size, found["events"]
    low, high = found["load"]
    lines = [
        f"{size.stations} stations x {size.days} days = {events['station_days']} station-days "
        f"({events['with_data']} with data, {events['with_gaps']} of them with gaps), {events['events']:,} events "
        f"({events['events'] / events['station_days']:.1f} a station-day; the paper's archive has "
        f"{EVENTS / STATION_DAYS:.1f}), profile `{measured.profile}`, {measured.workers} Dask workers, load average "
        f"before the commands {low:g} to {high:g}. The trainings are measured on {measured.copies:,} changed copies of "
        f"these events. Making the archive took {found['making_s']:.0f} s, which is not "
        "counted."
    ]
    if found["interrupted"]:
        lines.append(f"Interrupted, with the seconds of all starts: {', '.join(found['interrupted'])}.")
    if found["not_trained"]:
        jobs = ", ".join(found["not_trained"])
        lines.append(
            f"**Not trained, and lacking in all hours: {jobs}.** Take more station-days, so that the training works."
        )
    if found["failed_runs"]:
        lines.append(f"Runs that failed: {'; '.join(found['failed_runs'])}.")
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _stages(found: Mapping[str, Any]) -> str:
    rows = [
        [stage, f"{of['wall_s']:.1f}", f"{of['cpu_s']:.1f}", f"{of['peak_mb']:,.0f}"]
        for stage, of in found["stages"].items()
    ]
    sums = [sum(of[name] for of in found["stages"].values()) for name in ("wall_s", "cpu_s")]
    rows.append(["**all**", f"{sums[0]:.1f}", f"{sums[1]:.1f}", f"{found['peak_mb']:,.0f}"])
    return _table(["measured", "wall s", "CPU s", "peak memory, MB"], rows)


def _hours(found: Mapping[str, Any]) -> str:
    rows = []
    for stage, hours in found["hours_by_stage"].items():
        theirs = sum(found["published_seconds"][part] for part in _PUBLISHED.get(stage, ())) / 3600
        rows.append(
            [stage, f"{hours:.2f}", f"{theirs:.2f}" if theirs else "", f"{theirs / hours:.0f}" if theirs else ""]
        )
    ratio, known = found["ratio_to_published"], found["hours_34x730_with_a_champion"]
    theirs = sum(found["published_seconds"][part] for stage in STAGES for part in _PUBLISHED.get(stage, ())) / 3600
    rows.append(["raw to labels, with a champion", f"{known:.2f}", f"{theirs:.1f}", f"{theirs / known:.0f}"])
    rows.append(
        ["**raw to labels**", f"**{found['hours_34x730']:.2f}**", f"{found['published_hours']:.1f}", f"**{ratio:.0f}**"]
    )
    head = [f"extrapolated to {STATION_DAYS:,} station-days, {EVENTS:,} events", "h", "published code, h", "times"]
    return _table(head, rows)


def _parts(measured: Measured, found: Mapping[str, Any]) -> str:
    per_run = measured.days.settings.operations.station_days_per_run
    runs = math.ceil(STATION_DAYS / per_run)
    rows = []
    for stage in STAGES:
        cost = found["costs"][stage]
        each = max(0.0, cost["run"]["slope"] + cost["per_event_s"] * (EVENTS / STATION_DAYS - cost["events"]))
        seconds = found["hours_by_stage"][stage] * 3600
        start = cost["outside"]["fixed"] + cost["first_run_s"]
        look = cost["outside"]["slope"]
        rows.append(
            [
                stage,
                f"{start:.1f} s once",
                f"{look * 1e3:.2f} ms a station-day (look), {cost['run']['fixed']:.2f} s x {runs} runs, "
                f"{each * 1e3:.1f} ms a station-day, of it {cost['per_event_s'] * 1e3:.2f} ms an event",
                f"{start:.1f} + {look * STATION_DAYS:.0f} + {cost['run']['fixed'] * runs:.0f} + "
                f"{each * STATION_DAYS:.0f} = {seconds:,.0f}",
            ]
        )
    for job, of in found["training_jobs"].items():
        epochs = of["epochs"]
        size = f"{TRAINING_EVENTS:,} events" + (f" x {epochs:g} epochs" if epochs != 1 else "")
        grown = of["slope"] * TRAINING_EVENTS * epochs
        rows.append(
            [
                job,
                f"{of['fixed']:.1f} s",
                f"{of['slope'] * 1e6:.1f} µs an event" + (" and epoch" if epochs != 1 else "") + f", for {size}",
                f"{of['fixed']:.1f} + {grown:,.0f} = {of['fixed'] + grown:,.0f}",
            ]
        )
    line = found["draw"]
    rows.append(
        [
            "training set",
            f"{line['fixed']:.1f} s, growing with the station-days",
            f"{line['slope'] * 1e6:.1f} µs an event",
            f"{found['hours_by_stage']['training set'] * 3600:,.0f} with its command",
        ]
    )
    line = found["catalogue"]
    rows.append(
        [
            "catalogue and rates",
            "",
            f"{line['slope'] * 1e3:.2f} ms a station-day",
            f"{found['hours_by_stage']['catalogue and rates'] * 3600:,.0f} with its command",
        ]
    )
    return _table(["how", "fixed", "growing", "seconds"], rows)


def _limits(found: Mapping[str, Any]) -> str:
    rows = []
    for stage, of in found["limits"].items():
        parts = ", ".join(
            f"{name} {value * 1e3:.1f}" for name, value in of.items() if not name.endswith(("_s", "times"))
        )
        unit = "ms CPU a station-day" if parts else "ms an event and epoch"
        by_itself = f"{of['alone_s'] * 1e3:.1f}" if "alone_s" in of else ""
        scale = f"{of['measured_s'] * 1e3:.2f}", by_itself, f"{of['limit_s'] * 1e3:.2f}"
        rows.append(
            [stage, unit, *scale, f"**{of['times']:.1f}**", parts or "forward and backward of one batch in memory"]
        )
    return _table(["limits", "unit", "ours", "alone", "limit", "times", "limit's parts"], rows)


def _disk(found: Mapping[str, Any]) -> str:
    count = found["events"]["station_days"]
    rows = [
        [name, f"{size / 1e6:,.1f}", f"{size / count / 1e3:,.1f}"]
        for name, size in sorted(found["bytes"].items(), key=lambda one: -one[1])
        if size
    ]
    return _table(["on disk", "MB", "kB a station-day"], rows)
