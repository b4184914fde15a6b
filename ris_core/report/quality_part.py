"""The data: what there is of each station, what is missing, damaged or out of date."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.figures.network_overview import availability
from ris_core.report.html_elements import Html, heading, items, note, picture, table
from ris_core.station_days.state import state_table, states_of, why_outdated
from ris_core.station_days.station_days import StationDays

_MOST = 20
_TITLES = {
    "days": "station-days",
    "no data": "without data",
    "coverage": "mean coverage (%)",
    "gap_hours": "gaps (h)",
    "live_hours": "live time (h)",
    "out of date": "out of date",
}


def data_quality(days: StationDays) -> Sequence[Html]:
    """Return availability, a table of the stations, and what is wrong with station-days."""
    states = states_of(days)
    frame = state_table(states)
    pieces = [
        picture(availability(frame), "State of every station-day"),
        table(_stations(frame, days.settings.imported), _TITLES),
        note(
            "Live time: when a detection could start. Out of date: made with other settings, or from other samples, "
            "than those that there are now."
        ),
    ]
    for name, column in (("Failed", "error"), ("Damaged", "damaged"), ("Worth a look", "worth_a_look")):
        bad = frame[frame[column] != ""]
        if len(bad):
            said = [f"{row['station']} {row['day']}: {row[column]}" for row in bad.head(_MOST).to_dict("records")]
            more = [f"and {len(bad) - _MOST:,} more: see `ris status`"] if len(bad) > _MOST else []
            pieces += [heading(name), items([*(line.replace(f"{days.layout.root}/", "") for line in said), *more])]
    outdated = why_outdated(days, states)
    if outdated:
        lines = [f"{stage}: {why}" for stage, why in outdated.items()]
        pieces += [heading("Out of date"), items([*lines, "`ris backfill` makes them again"])]
    return pieces


def _stations(frame: pd.DataFrame, imported: bool) -> pd.DataFrame:
    rows = []
    for station, own in frame.groupby("station", sort=False):
        states = own["state"].value_counts()
        row: dict[str, object] = {"station": station, "days": len(own)}
        row |= {name: int(states.get(name, 0)) for name in ("processed", "no data", "failed", "damaged", "not yet")}
        row |= {
            "coverage": 100 * float(own["coverage"].mean()),
            "gap_hours": float(own["gap_seconds"].sum()) / 3600,
            "live_hours": float("nan") if imported else float(own["live_seconds"].sum()) / 3600,
            "events": int(own["events"].sum()),
            "out of date": int((own["outdated"] != "").sum()),
        }
        rows.append(row)
    return pd.DataFrame(rows)
