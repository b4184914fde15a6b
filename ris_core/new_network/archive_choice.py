"""Which of an archive's networks, locations and channels the settings describe; several are chosen by options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date

from ris_core.contracts.seed_id import SeedId
from ris_core.listing import some
from ris_core.new_network.archive_survey import Recorded, Survey, SurveyError

_VERTICAL = "Z"


@dataclass(frozen=True)
class Wanted:
    """What the user asks for; none where the archive shall decide."""

    network: str | None = None
    location: str | None = None
    channels: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """One network with the channels of one instrument.

    Attributes
    ----------
    network, location, channels, stations
        Codes.
    first_day, last_day
        Of all stations together, UTC.
    rates
        Sampling rates of the samples, Hz.
    station_days
        Number of station-days with a file of the first channel.
    notes
        In words: what there is beside, and what is left out.
    """

    network: str
    location: str
    channels: tuple[str, ...]
    stations: tuple[str, ...]
    first_day: date
    last_day: date
    rates: tuple[float, ...]
    station_days: int
    notes: tuple[str, ...]


def choose(found: Survey, wanted: Wanted) -> Chosen:
    """Return what the settings shall describe.

    Raises
    ------
    SurveyError
        There are several networks, locations or instruments and none is asked for, or what is asked for is not there;
        names the option and what there is.
    """
    notes: list[str] = []
    here = dict(found.recorded)
    network = _one("networks", "--network", {c.network for c in here}, wanted.network, lambda c: _count(here, c, 0))
    here = {code: own for code, own in here.items() if code.network == network}
    if wanted.stations:
        there = {code.station for code in here}
        if absent := [code for code in wanted.stations if code not in there]:
            raise SurveyError(f"--stations: {', '.join(absent)} not found; there is {some(sorted(there), 20)}")
        here = {code: own for code, own in here.items() if code.station in wanted.stations}
    channels = _channels({code.channel for code in here}, wanted.channels, notes)
    here = {code: own for code, own in here.items() if code.channel in channels}
    asked = None if wanted.location is None else wanted.location.replace("--", "")
    location = _one(
        "location codes", "--location", {c.location for c in here}, asked, lambda code: _count(here, code, 2)
    )
    left = sorted({code.station for code in here if code.location != location})
    here = {code: own for code, own in here.items() if code.location == location}
    stations = _stations(here, channels, wanted.stations, notes)
    if others := [code for code in left if code not in stations]:
        notes.append(f"left out, since they have no location '{location or '--'}': {some(others)}")
    here = {code: own for code, own in here.items() if code.station in stations}
    rates = sorted({rate for own in here.values() for rate in own.rates})
    return Chosen(
        network,
        location,
        channels,
        stations,
        min(own.first for own in here.values()),
        max(own.last for own in here.values()),
        tuple(rates),
        sum(len(own.files) for code, own in here.items() if code.channel == channels[0]),
        tuple(notes),
    )


def _count(here: Iterable[SeedId], code: str, place: int) -> int:
    """Return the number of stations that have a code at a place of the identifier."""
    return len({seed_id.station for seed_id in here if seed_id[place] == code})


def _one(what: str, option: str, there: Collection[str], wanted: str | None, stations: Callable[[str], int]) -> str:
    if wanted is not None:
        if wanted not in there:
            raise SurveyError(f"{option} {wanted}: not found; there is {_told(there, stations)}")
        return wanted
    if len(there) > 1:
        raise SurveyError(f"several {what}: {_told(there, stations)}; choose one with {option}")
    return next(iter(there))


def _told(codes: Collection[str], stations: Callable[[str], int]) -> str:
    return some([f"{code or '--'} ({stations(code)} stations)" for code in sorted(codes)], 20)


def _channels(there: set[str], wanted: tuple[str, ...], notes: list[str]) -> tuple[str, ...]:
    """Return the channels that are asked for, else the only one, else the vertical one of the only instrument."""
    told = some(sorted(there), 20)
    if wanted:
        if absent := [code for code in wanted if code not in there]:
            raise SurveyError(f"--channels: {', '.join(absent)} not found; there is {told}")
        return wanted
    if len(there) == 1:
        return tuple(there)
    vertical = [code for code in there if code.endswith(_VERTICAL)]
    if len(vertical) != 1 or len({code[:2] for code in there}) > 1:
        raise SurveyError(f"several channels: {told}; choose one, or those of one instrument, with --channels")
    instrument = [vertical[0], *sorted(there - set(vertical))]
    notes.append(f"{vertical[0]} of {told} is taken; all of them: --channels {','.join(instrument)}")
    return (vertical[0],)


def _stations(
    here: dict[SeedId, Recorded], channels: tuple[str, ...], wanted: tuple[str, ...], notes: list[str]
) -> tuple[str, ...]:
    """Return the stations that have all channels, in the order that is asked for, else by code."""
    have = {code.station: {other.channel for other in here if other.station == code.station} for code in here}
    without = sorted(station for station, own in have.items() if own != set(channels))
    strange = sorted(s for s in have if not s.isalnum() or s != s.upper() or len(s) > 8)
    for why, codes in ((f"not all of {', '.join(channels)}", without), ("codes that settings cannot hold", strange)):
        if codes:
            notes.append(f"left out ({why}): {some(codes)}")
    stations = [code for code in wanted or sorted(have) if code in have and code not in (*without, *strange)]
    if not stations:
        raise SurveyError("no station is left\n  " + "\n  ".join(notes))
    return tuple(stations)
