"""What the network is, and how many events of which model it has."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.catalogue.station_positions import positions
from ris_core.clustering.champion import champion_or_none
from ris_core.report.cautions import reviews, taught_by_simulation
from ris_core.report.html_elements import Html, heading, note, pairs, paragraph, table
from ris_core.station_days.station_days import StationDays


def overview(days: StationDays) -> Sequence[Html]:
    """Return what the events are from, which model labels them, and the stations."""
    settings, layout = days.settings, days.layout
    events = load_catalogue(
        layout, columns=["station", "time_peak", "label", "assigned", "reviewed", "probability_kind"]
    )
    labelled = events[events["label"] != NO_LABEL]
    champion = champion_or_none(layout)
    said: dict[str, object] = {
        "network": f"{settings.network.name} ({settings.network.code})",
        "waveforms": settings.source.kind,
        "channels": ", ".join(settings.channels),
        "events": f"{len(events):,}, of which {len(labelled):,} are labelled and "
        f"{int(labelled['assigned'].sum()):,} are clear members of their class",
        "reviewed": _reviewed(days),
    }
    if len(events):
        said["first and last event"] = f"{_second(events['time_peak'].min())} to {_second(events['time_peak'].max())}"
    if champion is not None:
        said["model"] = f"{champion.candidate}, {champion.k} classes, {champion.model_version}; {champion.origin}"
        by = "those of a simulated reviewer" if taught_by_simulation(days) else "those of reviewers"
        said["classes are"] = by if champion.reviewed else "clusters that no reviewer has named"
    pieces = [
        pairs(said),
        paragraph(
            "Events are detections of single stations: one source that several stations heard counts at each of them. "
            "No event is located."
        ),
        heading("Stations"),
        table(_stations(days, events), {"latitude": "latitude (°)", "longitude": "longitude (°)"}),
    ]
    kinds = {str(kind) for kind in labelled["probability_kind"].unique()}
    if "membership" in kinds:
        pieces.append(
            note("Memberships come from the clusterer. They are not the chance that the class of an event is right.")
        )
    return pieces


def _reviewed(days: StationDays) -> str:
    count, simulated = reviews(days)
    return f"{count:,} events" + (f", {simulated:,} of them by a simulated reviewer" if simulated else "")


def _second(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _stations(days: StationDays, events: pd.DataFrame) -> pd.DataFrame:
    known, counts = positions(days.settings, days.layout), events["station"].value_counts()
    rows = [
        {
            "station": code,
            "latitude": known[code][0] if code in known else None,
            "longitude": known[code][1] if code in known else None,
            "events": int(counts.get(code, 0)),
        }
        for code in days.stations
    ]
    return pd.DataFrame(rows)
