"""Seconds of an update of the catalogue: ``python -m bench.catalogue --folder FOLDER``.

One month of a large network is written with events at random times (34 stations and 18,000 events by default, as many
as a month of the paper's archive has), without any waveform. Then the catalogue is made: for the first time, with
nothing new, with other labels of one station-day, with other spectrograms of one station-day, and with other labels of
all, as after the choice of a champion. Last, families of repeating events are sought and part of it is read.

With ``--sources`` the associations of stations are scored instead, on truth catalogues of the synthetic network in
which every event of 10 dB or more is detected at its true peak and has its true class, or a wrong one in 20 % of cases:
pairs of detections of one source.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from bench.catalogue_network import CLASSES, settings_of, write_day, write_labels
from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.catalogue.repeaters_run import find_repeaters
from ris_core.config import Settings
from ris_core.contracts.station_day import DAY_NS, StationDay
from ris_core.progress import track
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import open_layout
from ris_core.synthetic.families import NAMES
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.truth.source_scores import source_scores

FIRST_DAY = date(2015, 1, 1)
_LEAST_SNR = 10.0
_STATIONS = (("S01", -81.5, -176.5), ("S02", -80.2, -178.0), ("S03", -78.3, 179.0))


class Seconds(NamedTuple):
    """Elapsed time, and processor time of all threads."""

    wall: float
    cpu: float


def made_network(folder: Path, stations: int, days: int, events: int) -> StationDays:
    """Return a network of labelled station-days in a folder; what is there already is not written again."""
    settings = settings_of(stations, FIRST_DAY, days, repeaters={})
    network = StationDays(settings, open_layout(settings, folder))
    rng = np.random.default_rng(0)
    keys = list(settings.station_days())
    counts = rng.multinomial(events, np.full(len(keys), 1 / len(keys)))
    for key, count in zip(track(keys, "station-days", unit="station-day"), counts, strict=True):
        own = np.random.default_rng([*key.station.encode(), key.day.toordinal()])
        # Whole microseconds, as in identifiers.
        when = key.start_ns + np.sort(own.choice(DAY_NS // 1000, count, replace=False)).astype(np.int64) * 1000
        if not network.layout.labels(key).exists():
            write_day(network.layout, key, when, own.integers(0, CLASSES, count))
    return network


def measured(network: StationDays) -> dict[str, Seconds]:
    """Return the time of each kind of update, and of reading."""
    layout = network.layout
    for folder in (layout.catalogue(1970, 1).parent.parent, layout.root / "cache"):
        shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(time.time_ns())
    keys = [key for key in network.settings.station_days() if layout.labels(key).exists()]

    def relabel(which: list[StationDay]) -> None:
        catalogue = load_catalogue(layout, columns=["event_id", "station", "time_on"])
        day = catalogue["time_on"].dt.date
        for key in which:
            count = int(((catalogue["station"] == key.station) & (day == key.day)).sum())
            write_labels(layout, key, rng.integers(0, CLASSES, count))

    def other_events(key: StationDay) -> None:
        when = key.start_ns + np.sort(rng.choice(DAY_NS // 1000, 20, replace=False)).astype(np.int64) * 1000
        write_day(layout, key, when, rng.integers(0, CLASSES, 20), seed=int(rng.integers(1, 1000)))

    found = {"first": _timed(lambda: update_catalogue(network))}
    found["nothing_new"] = _timed(lambda: update_catalogue(network))
    relabel(keys[40:41])
    found["one_day_labelled"] = _timed(lambda: update_catalogue(network))
    other_events(keys[41])
    found["one_day_processed"] = _timed(lambda: update_catalogue(network))
    relabel(keys)
    found["all_labelled_again"] = _timed(lambda: update_catalogue(network))
    found["repeaters"] = _timed(lambda: find_repeaters(network))
    found["read_all"] = _timed(lambda: load_catalogue(layout))
    found["read_one_station_two_columns"] = _timed(
        lambda: load_catalogue(layout, stations=["S01"], columns=["time_peak", "label"])
    )
    return found


def _timed(work: Callable[[], object]) -> Seconds:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Seconds(round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3))


def sources(seeds: int, days: int, events_per_day: float, least_velocity: float, wrong: float) -> list[dict[str, Any]]:
    """Return precision and recall of pairs over all seeds, of any two events, of one class, and of auto."""
    rows = []
    for seed in range(seeds):
        settings = Settings.model_validate(
            {
                "network": {"name": "bench", "code": "SY"},
                "stations": [{"code": c, "latitude": lat, "longitude": lon} for c, lat, lon in _STATIONS],
                "first_day": str(FIRST_DAY),
                "last_day": str(FIRST_DAY + timedelta(days=days - 1)),
                "source": {"kind": "synthetic", "seed": seed, "events_per_day": events_per_day},
            }
        )
        truth = SyntheticNetwork(settings).truth(settings.first_day, settings.last_day)
        truth = truth[truth["recorded"] & (truth["snr_db"] >= _LEAST_SNR)].sort_values("peak_time")
        events = pd.DataFrame(
            {
                "station": truth["station"].to_numpy(),
                "time_peak": truth["peak_time"].to_numpy(dtype="datetime64[ns]").astype(np.int64),
                "label": truth["family"].map(NAMES.index).to_numpy(),
            }
        )
        rng = np.random.default_rng(seed)
        label = events["label"].to_numpy()
        other = (label + rng.integers(1, len(NAMES), len(label))) % len(NAMES)
        events["label"] = np.where(rng.random(len(label)) < wrong, other, label)
        places = {code: (lat, lon) for code, lat, lon in _STATIONS}
        whole = pd.to_datetime([FIRST_DAY, FIRST_DAY + timedelta(days=days)], utc=True)
        live = pd.DataFrame({"station": list(places), "start": whole[0], "end": whole[1]})
        ways: dict[str, dict[str, Any]] = {
            "any": {"source_classes": "all"},
            "one class": {"source_classes": "all", "same_class": True},
            "classes above chance": {},
        }
        for name, values in ways.items():
            own = settings.catalogue.model_copy(update={"least_velocity": least_velocity, **values})
            found = source_scores(events, truth["source_id"].to_numpy(dtype=np.int64), places, own, live)
            rows.append({"pairs_of": name, "detected_a_day": len(events) / days / 3, **found.as_dict()})
    by_way = pd.DataFrame(rows).groupby("pairs_of", sort=False)
    sums = by_way[["true_pairs", "found_pairs", "correct_pairs", "sources", "whole_sources"]].sum()
    sums["precision"] = sums["correct_pairs"] / sums["found_pairs"]
    sums["recall"] = sums["correct_pairs"] / sums["true_pairs"]
    sums["detected_a_day"] = by_way["detected_a_day"].mean()
    given = {"events_per_day": events_per_day, "least_velocity": least_velocity, "wrong_labels": wrong}
    return [{**given, **row} for row in sums.reset_index().to_dict("records")]  # type: ignore[dict-item]  # columns are text


def main() -> None:
    """Measure, and print a table and a line ``RESULT {json}``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the network lies, or is written")
    parser.add_argument("--stations", type=int, default=34)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--events", type=int, default=18_000)
    parser.add_argument("--sources", action="store_true", help="score associations instead")
    parser.add_argument("--seeds", type=int, default=3, help="generator seeds, for --sources")
    rates = (10.0, 42.0, 200.0)
    parser.add_argument("--rates", type=float, nargs="+", default=rates, help="events a day, for --sources")
    arguments = parser.parse_args()
    console = Console(width=140)
    console.print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    if arguments.sources:
        rows = [
            row
            for rate in arguments.rates
            for velocity in (2.0, 6.0)
            for wrong in (0.0, 0.2)
            for row in sources(arguments.seeds, arguments.days, rate, velocity, wrong)
            if wrong == 0 or row["pairs_of"] != "any"
        ]
        table = Table(
            "events a day", "detected a day", "km/s", "wrong labels", "pairs of", "true", "found", "precision", "recall"
        )
        for row in rows:
            table.add_row(
                f"{row['events_per_day']:g}",
                f"{row['detected_a_day']:.0f}",
                f"{row['least_velocity']:g}",
                f"{row['wrong_labels']:.0%}",
                row["pairs_of"],
                *(f"{row[name]:.0f}" for name in ("true_pairs", "found_pairs")),
                *(f"{row[name]:.2f}" for name in ("precision", "recall")),
            )
        console.print(table)
        print("RESULT " + json.dumps({"sources": rows}))
        return
    if arguments.folder is None:
        parser.error("--folder is needed")
    network = made_network(arguments.folder, arguments.stations, arguments.days, arguments.events)
    found = measured(network)
    table = Table("what", "CPU s", "elapsed, s")
    for name, seconds in found.items():
        table.add_row(name.replace("_", " "), f"{seconds.cpu:.2f}", f"{seconds.wall:.2f}")
    console.print(table)
    what = {"stations": arguments.stations, "days": arguments.days, "events": arguments.events}
    print("RESULT " + json.dumps(what | {name: seconds._asdict() for name, seconds in found.items()}))


if __name__ == "__main__":
    main()
