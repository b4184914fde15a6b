"""StationXML beside an archive, and the positions of stations in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ris_core.listing import some
from ris_core.waveforms.inventories import ContradictionError, Inventories
from ris_core.waveforms.stationxml import NotStationXmlError

_FOLDERS = ("inventory", "inventories", "stationxml", "StationXML", "response", "responses", "metadata", "station")
_NAMED = 5

Position = tuple[float, float, float]
"""Latitude and longitude, degrees, and elevation, m."""


@dataclass(frozen=True)
class Described:
    """StationXML that describes stations.

    Attributes
    ----------
    place
        A folder, file, or several by ``*``; none if nothing describes a station.
    positions
        By station.
    missing
        Stations of which a channel is not described.
    notes
        In words: files that cannot be used, and contradictions.
    """

    place: Path | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def places_beside(root: Path) -> Iterator[Path]:
    """Yield where StationXML may lie: in or beside an archive's folder, or in a folder of a usual name there."""
    for folder in (root, root.parent):
        for place in (folder, *(folder / name for name in _FOLDERS)):
            with suppress(OSError):
                if any(place.glob("*.xml")):
                    yield place / "*.xml"


def described_stations(
    places: list[Path], network: str, location: str, channels: tuple[str, ...], stations: tuple[str, ...]
) -> Described:
    """Return the place that describes most stations, with their positions."""
    best = Described(missing=stations)
    for place in places:
        found = _described(place, network, location, channels, stations)
        if best.place is None or len(found.positions) > len(best.positions):
            best = found if found.positions or found.notes else best
    return best


def _described(
    place: Path, network: str, location: str, channels: tuple[str, ...], stations: tuple[str, ...]
) -> Described:
    positions: dict[str, Position] = {}
    missing: dict[str, None] = {}
    notes: list[str] = []
    for channel in channels:
        there = Inventories(place, network, location, channel)
        for station in stations:
            if not there.epochs(station):
                missing[station] = None
                continue
            try:
                inventory = there.inventory(station)
            except (ContradictionError, NotStationXmlError) as error:
                missing[station] = None
                notes.append(str(error))
                continue
            of_station = inventory.networks[-1].stations[-1]
            positions[station] = (
                float(of_station.latitude),
                float(of_station.longitude),
                float(of_station.elevation or 0.0),
            )
        notes += [problem for problem in there.problems() if problem not in notes]
    if len(notes) > _NAMED:
        notes[_NAMED:] = [f"{len(notes) - _NAMED} more remarks on {place}"]
    if missing and positions:
        notes.append(f"{place} describes {', '.join(channels)} not of {some(list(missing))}")
    return Described(place, positions, tuple(missing), tuple(notes))
