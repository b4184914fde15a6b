"""A new network from an archive: survey, choice, and StationXML beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ris_core.new_network.archive_choice import Chosen, Wanted, choose
from ris_core.new_network.archive_survey import SurveyError, survey
from ris_core.new_network.positions import described_stations, places_beside
from ris_core.new_network.settings_text import NewNetwork


@dataclass(frozen=True)
class InArchive:
    """What an archive says of a network.

    Attributes
    ----------
    new
        What its settings say.
    chosen
        What they describe of the archive.
    notes
        In words: what is left out, cannot be read, or is not known.
    """

    new: NewNetwork
    chosen: Chosen
    notes: tuple[str, ...]


def network_in(
    archive: Path,
    name: str,
    preset: str | None,
    wanted: Wanted,
    pattern: str | None = None,
    inventory: Path | None = None,
    days: tuple[date | None, date | None] = (None, None),
) -> InArchive:
    """Look into an archive and return what the settings of a network say.

    Parameters
    ----------
    archive, pattern
        See `survey`.
    name, preset
        Of the new network.
    wanted
        What to choose where there is more than one.
    inventory
        StationXML; by default it is looked for in and beside the archive.
    days
        First and last day; by default those of the archive.

    Raises
    ------
    SurveyError
        The archive has nothing that can be used, or several things and none is asked for.
    """
    root = archive.expanduser().absolute()
    if "${" in str(root):
        raise SurveyError(f"{root}: settings read ${{NAME}} as a variable of the environment; rename the folder")
    found = survey(root, pattern)
    chosen = choose(found, wanted)
    places = [inventory.expanduser().absolute()] if inventory else list(places_beside(root))
    described = described_stations(places, chosen.network, chosen.location, chosen.channels, chosen.stations)
    notes = [*found.notes, *chosen.notes, *described.notes]
    source = {"kind": "sds", "root": str(root)} | ({} if found.pattern == "SDS" else {"pattern": found.pattern})
    beside: list[str] = []
    if described.place is not None and not described.missing:
        source["inventory"] = str(described.place)
    else:
        beside.append("Without StationXML of every station amplitudes are in counts. Name it to have ground motion:")
        beside.append("inventory: /path/to/stationxml")
    if without := [code for code in chosen.stations if code not in described.positions]:
        where = f"in {inventory}" if inventory else "in or beside the archive"
        notes.append(
            f"no position of {len(without)} of {len(chosen.stations)} stations: no StationXML {where} describes them; "
            "name it with --inventory, or write latitude and longitude into the file"
        )
    if len(chosen.rates) > 1:
        notes.append(f"samples have several rates: {', '.join(f'{rate:g}' for rate in chosen.rates)} Hz")
    new = NewNetwork(
        name,
        preset,
        chosen.network,
        chosen.location,
        chosen.channels,
        chosen.stations,
        days[0] or chosen.first_day,
        days[1] or chosen.last_day,
        source,
        described.positions,
        min(chosen.rates, default=None),
        tuple(beside),
    )
    return InArchive(new, chosen, tuple(notes))
