"""Rates of the classes: a map of the stations, counts, rates over time, hours of the day."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.catalogue.station_positions import positions
from ris_core.rates.calendar_bins import WHOLE
from ris_core.rates.rate_figures import TITLES, rate_figures
from ris_core.rates.rate_run import load_rates
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.report.html_elements import Html, items, note, picture, table
from ris_core.report.report_part import PartAbsentError
from ris_core.station_days.station_days import StationDays

_MAP = "map"


def station_map(days: StationDays) -> Sequence[Html]:
    """Return a map of the stations with the shares of the classes."""
    drawn = dict(_figures(days, {_MAP}))
    if _MAP not in drawn:
        raise PartAbsentError("no map could be drawn")
    return [drawn[_MAP]]


def rates(days: StationDays) -> Sequence[Html]:
    """Return the figures of the rates, and the rate of each class at each station over the whole time."""
    frame, said = load_rates(days.layout)
    whole = frame[frame["bin"] == WHOLE].sort_values(["label", "station"])
    level = f"{100 * float(said['level']):g} %"
    shown = pd.DataFrame(
        {
            "class": whole["class_name"],
            "station": whole["station"].replace({ALL_STATIONS: "all stations"}),
            "events": whole["events"],
            "share": 100 * whole["share"],
            "live": whole["live_hours"],
            "rate": _with_interval(whole, "rate", "rate_low", "rate_high"),
            "corrected": _with_interval(whole, "corrected_rate", "corrected_low", "corrected_high"),
            "dispersion": whole["dispersion"],
        }
    )
    titles = {
        "share": "share at the station (%)",
        "live": "live time (h)",
        "rate": f"rate (1/h, {level})",
        "corrected": "without confused classes (1/h)",
    }
    pieces = [piece for name, piece in _figures(days, set(TITLES) - {_MAP})]
    if said["no_live_time"]:
        counts = shown[["class", "station", "events", "share"]]
        why = note(f"There are counts and shares, but no rates: {said['no_live_time']}.")
        return [why, *pieces, table(counts, titles), items(map(str, said["doubts"]))]
    doubts = [str(said["correction"]), *map(str, said["doubts"])]
    return [
        *pieces,
        table(shown if shown["corrected"].any() else shown.drop(columns="corrected"), titles),
        note(
            "Rates are events per hour of live time, with exact Poisson intervals. These hold where the dispersion is "
            "about 1; where events swarm, it is greater and the intervals are too narrow."
        ),
        items(filter(None, doubts)),
    ]


def _figures(days: StationDays, wanted: set[str]) -> list[tuple[str, Html]]:
    frame, said = load_rates(days.layout)
    places = positions(days.settings, days.layout)
    drawn = rate_figures(frame, float(said["level"]), places)
    return [(name, picture(fig, TITLES[name])) for name, fig in drawn if name in wanted]


def _with_interval(frame: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    rows = zip(frame[value], frame[low], frame[high], strict=True)
    return ["" if pd.isna(at) else f"{at:.3g} ({below:.3g} to {above:.3g})" for at, below, above in rows]
