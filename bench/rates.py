"""Whether intervals of rates hold the true rate: ``python -m bench.rates --worlds 400``.

Each world has one station for 60 days with live time of nine tenths (gaps, and an hour each day) and three classes of
known rates: 8, 2 and 0.4 events a day. Events are independent, or come in swarms of 30 in 6 h. A fifth of labels are
wrong; the confusion is known from 20, 100 or 500 tested events of each class. Counts, rates and intervals are made by
the functions of the product. Then rates are made once for an archive of the published size (34 stations, two years).
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import RatesSettings
from ris_core.rates.calendar_bins import KINDS, WHOLE, hour_edges
from ris_core.rates.confusion import Confusion
from ris_core.rates.counted import count_by_hour
from ris_core.rates.exposure import HOUR_NS, is_live
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.rates.rate_table import class_rates

FIRST, DAYS = date(2015, 1, 1), 60
RATES = np.array([8.0, 2.0, 0.4]) / 24
SHARES = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
TESTED = (20, 100, 500)
SWARM, SWARM_HOURS = 30, 6.0


def _live(rng: np.random.Generator) -> NDArray[np.int64]:
    """Return live intervals (n, 2): 23 h a day, less a gap of some hours on a part of the days."""
    midnight = pd.Timestamp(FIRST).value + 24 * HOUR_NS * np.arange(DAYS, dtype=np.int64)
    gap = np.where(rng.uniform(size=DAYS) < 0.3, rng.uniform(0, 8, DAYS), 0)
    begin = rng.uniform(0, 23 - gap)
    start, end = np.stack([np.zeros(DAYS), begin + gap], 1), np.stack([begin, np.full(DAYS, 23.0)], 1)
    hours = np.stack([start, end], axis=-1).reshape(-1, 2)
    return np.repeat(midnight, 2)[:, None] + (hours * HOUR_NS).astype(np.int64)


def _times(rng: np.random.Generator, rate: float, swarms: bool) -> NDArray[np.int64]:
    """Return times of a class over all 60 days, ns since 1970."""
    span = 24.0 * DAYS
    if swarms:
        begin = rng.uniform(-SWARM_HOURS, span, rng.poisson(rate * (span + SWARM_HOURS) / SWARM))
        hours = (begin[:, None] + rng.uniform(0, SWARM_HOURS, (len(begin), SWARM))).reshape(-1)
    else:
        hours = rng.uniform(0, span, rng.poisson(rate * span))
    return np.asarray(pd.Timestamp(FIRST).value + (hours * HOUR_NS).astype(np.int64))


def _events(times: NDArray[np.int64], labels: NDArray[np.int64], station: Any = "A") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station": station,
            "time_on": pd.DatetimeIndex(times, tz="UTC"),
            "label": labels,
            "class_name": labels.astype(str),
            "assigned": True,
            "reviewed": pd.Series([None] * len(times), dtype=object),
        }
    )


def world(seed: int, swarms: bool, tested: int, settings: RatesSettings) -> pd.DataFrame:
    """Return for each class whether intervals hold its true rate: ``true`` labels, ``wrong`` ones, ``corrected``."""
    rng = np.random.default_rng(seed)
    intervals, edges = _live(rng), hour_edges(FIRST, (pd.Timestamp(FIRST) + pd.Timedelta(days=DAYS - 1)).date())
    live = pd.DataFrame(intervals, columns=["start", "end"]).apply(lambda values: pd.DatetimeIndex(values, tz="UTC"))
    live.insert(0, "station", "A")
    times = [_times(rng, rate, swarms) for rate in RATES]
    labels = np.repeat(np.arange(3), [len(each) for each in times])
    when = np.concatenate(times)
    inside = is_live(when, intervals)
    when, labels = when[inside], labels[inside]
    wrong = (rng.uniform(size=len(labels))[:, None] > SHARES[labels].cumsum(axis=1)).sum(axis=1).clip(max=2)
    counts = np.stack([rng.multinomial(tested, row) for row in SHARES]).astype(float)
    confusion = Confusion(("0", "1", "2"), counts, "drawn", (0, 1, 2))
    names = {number: str(number) for number in range(3)}
    found = [
        class_rates(count_by_hour(_events(when, own), live, ["A"], edges, names), settings, confusion, (WHOLE,)).table
        for own in (labels, wrong)
    ]
    true, mixed = (table[table["station"] == ALL_STATIONS].set_index("label").sort_index() for table in found)
    return pd.DataFrame(
        {
            "class": np.arange(3),
            "true": true["rate_low"].le(RATES) & true["rate_high"].ge(RATES),
            "wrong": mixed["rate_low"].le(RATES) & mixed["rate_high"].ge(RATES),
            "corrected": mixed["corrected_low"].le(RATES) & mixed["corrected_high"].ge(RATES),
            "width": (mixed["corrected_high"] - mixed["corrected_low"]) / (mixed["rate_high"] - mixed["rate_low"]),
            "dispersion": true["dispersion"],
        }
    )


def published_size(settings: RatesSettings) -> tuple[float, int]:
    """Return CPU-seconds and rows of the rates of 34 stations, two years, 430,000 events and eight classes."""
    rng, stations = np.random.default_rng(0), [f"S{number:02d}" for number in range(34)]
    first, last, n = date(2014, 12, 1), date(2016, 11, 30), 430_000
    days = pd.date_range(first, last, tz="UTC")
    live = pd.DataFrame({"station": np.repeat(stations, len(days)), "start": np.tile(days, len(stations))})
    live["end"] = live["start"] + pd.Timedelta(hours=23.5)
    when = days.as_unit("ns").asi8[rng.integers(0, len(days), n)] + (rng.uniform(0, 23.4, n) * HOUR_NS).astype(np.int64)
    events = _events(when, rng.integers(0, 8, n), rng.choice(stations, n))
    confusion = Confusion(tuple("01234567"), 80 * np.eye(8) + 3, "drawn", tuple(range(8)))
    started = time.process_time()
    table = class_rates(
        count_by_hour(events, live, stations, hour_edges(first, last)), settings, confusion, KINDS
    ).table
    return time.process_time() - started, len(table)


def main() -> None:
    """Print coverage by kind of events, number of tested events and class, and the time of the published size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=400, help="worlds of each kind")
    parser.add_argument("--draws", type=int, default=RatesSettings().draws, help="rates.draws")
    arguments = parser.parse_args()
    settings = RatesSettings(draws=arguments.draws)
    rows = []
    for swarms, tested in [(False, each) for each in TESTED] + [(True, TESTED[-1])]:
        worlds = pd.concat([world(seed, swarms, tested, settings) for seed in range(arguments.worlds)])
        for number, own in worlds.groupby("class"):
            rows.append(
                {
                    "events": "swarms" if swarms else "independent",
                    "tested": tested,
                    "class": number,
                    "true_labels": own["true"].mean(),
                    "wrong_labels": own["wrong"].mean(),
                    "corrected": own["corrected"].mean(),
                    "width": own["width"].median(),
                    "dispersion": own["dispersion"].median(),
                }
            )
    table = pd.DataFrame(rows)
    print(f"{arguments.worlds} worlds of each kind; coverage of 95 % intervals, median width over that of raw ones")
    print(table.round(3).to_string(index=False))
    seconds, length = published_size(settings)
    print(f"published size: {length:,} rows in {seconds:.1f} CPU-seconds")
    steady = table[table["events"] == "independent"]
    result = {
        "coverage_true_labels": round(float(steady["true_labels"].min()), 3),
        "coverage_wrong_labels": round(float(steady["wrong_labels"].min()), 3),
        "coverage_corrected": round(float(steady["corrected"].min()), 3),
        "coverage_swarms": round(float(table.loc[table["events"] == "swarms", "true_labels"].min()), 3),
        "cpu_seconds_published_size": round(seconds, 1),
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
