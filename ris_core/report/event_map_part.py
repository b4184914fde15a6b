"""The map of all labelled events, coloured by class."""

from __future__ import annotations

from collections.abc import Sequence

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.event_map.event_map_run import load_event_map
from ris_core.figures.map_of_events import map_of_events
from ris_core.report.html_elements import Html, note, paragraph, picture
from ris_core.station_days.station_days import StationDays


def event_map(days: StationDays) -> Sequence[Html]:
    """Return the map with the classes of the catalogue, and what may be read from it."""
    places, said = load_event_map(days.layout)
    events = load_catalogue(days.layout, columns=["event_id", "label", "class_name"])
    events = events[events["label"] != NO_LABEL]
    shown = places.merge(events, on="event_id", how="inner")
    names = dict(zip(shown["label"].tolist(), shown["class_name"], strict=True))
    pieces = [
        picture(map_of_events(shown, said, names), "Map of events, coloured by class"),
        paragraph(f"{said['events']:,} events by {said['dimensions']} features of the model {said['model_version']}."),
        note(f"{said['note']} {said['metric']}."),
    ]
    left_out = said["events_of_other_champions"] + said["events_labelled_too_early"]
    if left_out:
        pieces.append(note(f"{left_out:,} events with labels of another champion or of earlier events are left out."))
    if len(places) > len(shown):
        pieces.append(note(f"{len(places) - len(shown):,} events of the map have no class in the catalogue."))
    return pieces
