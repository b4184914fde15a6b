"""Rates per live hour against counts by hand: gaps, borders of bins, all stations, imported events, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from ris_core.config import RatesSettings
from ris_core.rates.calendar_bins import KINDS, hour_edges
from ris_core.rates.confusion import Confusion
from ris_core.rates.counted import CountedEvents, count_by_hour, series_of
from ris_core.rates.rate_schema import RATE_SCHEMA
from ris_core.rates.rate_table import NO_CONFUSION, ClassRates, class_rates

RIFT, THERMAL = 0, 3
NAMES = {RIFT: "rift", THERMAL: "thermal"}
EDGES = hour_edges(date(2015, 11, 30), date(2015, 12, 2))
Event = tuple[str, str, int] | tuple[str, str, int, str]


def events_of(rows: Sequence[Event]) -> pd.DataFrame:
    """Return a catalogue of events: station, time_on, class number and, where a reviewer named it, the class."""
    frame = pd.DataFrame([(*row, None)[:4] for row in rows], columns=["station", "time_on", "label", "reviewed"])
    frame["time_on"] = pd.to_datetime(frame["time_on"], utc=True, format="ISO8601")
    frame["time_peak"] = frame["time_on"] + pd.Timedelta(seconds=2)
    frame["class_name"] = frame["label"].map(NAMES)
    return frame.assign(assigned=True)


def live_of(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["station", "start", "end"])
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in ("start", "end")})


LIVE = live_of(
    ("A", "2015-11-30 12:00", "2015-12-01 00:00"),
    ("A", "2015-12-01 00:00", "2015-12-01 06:00"),
    ("A", "2015-12-01 06:30", "2015-12-01 08:00"),
    ("B", "2015-12-01 00:00", "2015-12-01 01:00"),
)
EVENTS = events_of(
    [
        ("A", "2015-11-30 23:59:59", RIFT),
        ("A", "2015-12-01 00:00:00", RIFT),
        ("A", "2015-12-01 00:30", RIFT),
        ("A", "2015-12-01 05:59:59", THERMAL),
        ("B", "2015-12-01 00:10", RIFT),
    ]
)


def counted(events: pd.DataFrame = EVENTS, live: pd.DataFrame | None = LIVE, **also: Any) -> CountedEvents:
    return count_by_hour(events, live, ["A", "B"], EDGES, **also)


def rows(found: ClassRates, kind: str, station: str = "A", label: int = RIFT) -> pd.DataFrame:
    table = found.table
    wanted = (table["bin"] == kind) & (table["station"] == station) & (table["label"] == label)
    return table[wanted].set_index("name")


RATES = class_rates(counted(), RatesSettings())


def test_rates_are_events_over_hours_of_live_time_with_the_exact_interval() -> None:
    day = rows(RATES, "day").loc["2015-12-01"]
    assert (day["events"], day["live_hours"]) == (2, 7.5)
    assert day["rate"] == pytest.approx(2 / 7.5)
    assert day["rate_low"] == pytest.approx(chi2.ppf(0.025, 4) / 2 / 7.5)
    assert day["rate_high"] == pytest.approx(chi2.ppf(0.975, 6) / 2 / 7.5)
    assert day["live_share"] == pytest.approx(7.5 / 24)
    assert day["share"] == pytest.approx(2 / 3)


def test_an_event_counts_in_the_bin_in_which_its_trigger_began() -> None:
    # The peak of the first event lies in December, its onset, which decides about live time, in November.
    assert rows(RATES, "month")["events"].to_dict() == {"2015-11": 1, "2015-12": 2}
    assert rows(RATES, "season")["events"].to_dict() == {"SON 2015": 1, "DJF 2015/16": 2}
    assert rows(RATES, "hour_of_day")["events"].loc[["23", "00"]].tolist() == [1, 2]


def test_bins_without_live_time_are_absent_and_those_without_events_are_zeros() -> None:
    assert list(rows(RATES, "day").index) == ["2015-11-30", "2015-12-01"]
    hours = rows(RATES, "hour_of_day")
    assert "08" not in hours.index and "11" not in hours.index
    assert hours.loc["07", "events"] == 0 and hours.loc["07", "rate_low"] == 0
    assert hours.loc["07", "rate_high"] == pytest.approx(3.6889, abs=1e-4)
    assert hours.loc["06", "live_hours"] == 0.5
    assert rows(RATES, "quarter").empty
    assert list(rows(RATES, "day", "B", THERMAL)["events"]) == [0]


def test_all_stations_together_add_events_and_hours() -> None:
    day = rows(RATES, "day", "all").loc["2015-12-01"]
    assert (day["events"], day["live_hours"], day["live_share"]) == (3, 8.5, pytest.approx(8.5 / 48))
    whole = rows(RATES, "whole", "all")
    assert whole["events"].tolist() == [4] and whole["live_hours"].tolist() == [20.5]


def test_hours_of_months_and_weeks_have_their_own_rows() -> None:
    assert rows(RATES, "month_hour")["events"].loc[["2015-11 23", "2015-12 00"]].tolist() == [1, 2]
    assert rows(RATES, "week")["events"].to_dict() == {"2015-W49": 3}
    assert set(RATES.table["bin"]) == set(KINDS) - {"quarter"}


def test_the_columns_are_those_of_the_schema_and_every_row_has_live_time() -> None:
    assert list(RATES.table.columns) == RATE_SCHEMA.names
    assert (RATES.table["live_hours"] > 0).all()
    assert not RATES.table.duplicated(["label", "station", "bin", "name"]).any()


def test_a_class_without_an_event_has_zeros_where_there_was_live_time() -> None:
    found = class_rates(counted(classes={7: "tremor"}), RatesSettings())
    assert rows(found, "whole", label=7)["events"].tolist() == [0]


def test_an_event_outside_of_live_time_is_said_and_not_counted() -> None:
    rows = [("A", "2015-12-02 12:00", RIFT), ("C", "2015-12-01", RIFT), ("A", "2016-01-01", RIFT)]
    lost = counted(events_of([*rows, ("A", "2015-12-01 06:29:59", RIFT)]))
    assert lost.outside == 4 and lost.events.sum() == 0


def test_imported_events_have_counts_and_shares_but_no_rates_and_no_zeros() -> None:
    found = class_rates(counted(live=None), RatesSettings())
    assert (found.table["events"] > 0).all()
    assert found.table[["rate", "rate_low", "live_hours", "corrected_rate"]].isna().all().all()
    assert rows(found, "day")["share"].to_dict() == {"2015-11-30": 1.0, "2015-12-01": pytest.approx(2 / 3)}
    assert not found.corrected


def test_swarms_are_overdispersed_and_steady_events_are_not() -> None:
    edges = hour_edges(date(2015, 1, 1), date(2015, 2, 19))
    live = live_of(("A", "2015-01-01", "2015-02-20"))
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2015-01-01")
    steady = start + pd.to_timedelta(rng.uniform(0, 1200, 2400), "h")
    swarms = start + pd.to_timedelta(np.repeat(rng.uniform(0, 1190, 60), 40) + rng.uniform(0, 3, 2400), "h")

    def spread(times: pd.DatetimeIndex) -> float:
        events = events_of([("A", str(time), RIFT) for time in times])
        table = class_rates(count_by_hour(events, live, ["A"], edges), RatesSettings(), kinds=("whole",)).table
        return float(table["dispersion"].iloc[0])

    assert spread(steady) == pytest.approx(1, abs=0.15)
    assert spread(swarms) > 5


def test_no_dispersion_is_claimed_from_few_hours() -> None:
    assert rows(RATES, "whole")["dispersion"].isna().all()


CONFUSION = Confusion(("rift", "thermal"), np.array([[180.0, 20.0], [40.0, 160.0]]), "a test", (RIFT, THERMAL))


def many(rift: int, thermal: int, reviewed: Sequence[str] = ()) -> pd.DataFrame:
    labels = [RIFT] * rift + [THERMAL] * thermal
    words = [*reviewed, *[None] * (len(labels) - len(reviewed))]
    return events_of([("A", "2015-12-01 01:00", label, word) for label, word in zip(labels, words, strict=True)])  # type: ignore[misc]


def test_rates_are_corrected_by_a_known_confusion() -> None:
    # 100 rift and 50 thermal events, of which the model would call 0.9 * 100 + 0.2 * 50 = 100 rift.
    found = class_rates(counted(many(100, 50)), RatesSettings(), CONFUSION)
    rift, thermal = (rows(found, "whole", label=label).iloc[0] for label in (RIFT, THERMAL))
    assert found.corrected and "a test" in found.correction
    assert rift["corrected_rate"] * 19.5 == pytest.approx(100, abs=1)
    assert thermal["corrected_rate"] * 19.5 == pytest.approx(50, abs=1)
    assert rift["corrected_low"] < rift["corrected_rate"] < rift["corrected_high"]
    # The interval carries the confusion, so it is wider than that of the counts alone.
    assert thermal["corrected_high"] - thermal["corrected_low"] > thermal["rate_high"] - thermal["rate_low"]


def test_events_that_reviewers_named_are_certain_but_still_random() -> None:
    found = class_rates(
        counted(many(20, 0, reviewed=["rift"] * 12 + ["thermal"] * 8), classes=NAMES), RatesSettings(), CONFUSION
    )
    rift, thermal = (rows(found, "whole", label=label).iloc[0] for label in (RIFT, THERMAL))
    assert rift["corrected_rate"] * 19.5 == pytest.approx(12)
    assert thermal["corrected_rate"] * 19.5 == pytest.approx(8)
    assert rift["corrected_low"] * 19.5 == pytest.approx(chi2.ppf(0.025, 24) / 2, rel=0.15)


def test_why_rates_are_not_corrected_is_said() -> None:
    assert RATES.correction == NO_CONFUSION
    few = Confusion(CONFUSION.classes, np.eye(2), "", CONFUSION.numbers)
    assert "rift: 1 tested events" in class_rates(counted(), RatesSettings(), few).correction
    others = Confusion(CONFUSION.classes, CONFUSION.counts, "", (RIFT, 9))
    found = class_rates(counted(), RatesSettings(), others)
    assert "does not know the classes thermal" in found.correction and not found.corrected
    assert found.table["corrected_rate"].isna().all()


def test_hourly_series_hold_hours_with_live_time_only() -> None:
    series = series_of(counted(), ["A"], [RIFT])
    assert len(series) == 20 and series["live_hours"].sum() == 19.5
    assert series.loc[series["time"] == pd.Timestamp("2015-12-01 00:00", tz="UTC"), "events"].tolist() == [2]
    imported = series_of(counted(live=None), ["A", "B"], [RIFT, THERMAL])
    assert imported["live_hours"].isna().all()
    assert series_of(counted(), [], [RIFT]).empty
