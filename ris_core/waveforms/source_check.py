"""Tests before a run whether a source has what the settings require: archive, codes, responses, data centre."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from ris_core.config import FdsnSettings, SdsSettings, Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.listing import some
from ris_core.waveforms.archive_layout import Budget, Found, Layout
from ris_core.waveforms.inventories import ContradictionError, Inventories, time_text
from ris_core.waveforms.stationxml import NotStationXmlError

if TYPE_CHECKING:
    from obspy import Inventory

_PROBES = 24
_ENTRIES = 10_000
_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """A finding that differs from the settings: something is missing or, if `wrong` is false, worth knowing."""

    wrong: bool
    text: str


def check_source(settings: Settings, ask: bool = False) -> list[Finding]:
    """Return what is missing although the settings name it; nothing if all exists.

    The whole archive is not searched: for each station some days are looked for and, if none of them exists, up to
    10,000 entries of its folders are read.

    Parameters
    ----------
    settings
        The network's settings.
    ask
        Whether the stations' metadata are requested from a data centre; otherwise the network is not used.
    """
    source = settings.source
    if isinstance(source, SdsSettings):
        return [*_archive(settings, source), *_responses(settings, source)]
    if isinstance(source, FdsnSettings):
        return list(_data_centre(settings, source, ask))
    return []


def _archive(settings: Settings, source: SdsSettings) -> Iterator[Finding]:
    if not source.root.is_dir():
        yield Finding(True, f"source.root = {source.root}: there is no such folder; is its disk mounted?")
        return
    with os.scandir(source.root) as entries:
        empty = next(entries, None) is None
    if empty:
        yield Finding(True, f"source.root = {source.root}: the folder is empty; is its disk mounted?")
        return
    for station in settings.stations:
        for channel in settings.channels:
            layout = Layout(source.root, source.pattern, settings.network.code, settings.location, channel)
            try:
                yield from _files(settings, layout, station.code, channel)
            except OSError as error:
                yield Finding(True, f"{_whose(settings, station.code, channel)}: {error}")


def _whose(settings: Settings, station: str, channel: str) -> str:
    """Return a station, and its channel if there are several, in words."""
    return f"station {station}" if len(settings.channels) == 1 else f"station {station}, {channel}"


def _files(settings: Settings, layout: Layout, station: str, channel: str) -> Iterator[Finding]:
    """Yield what exists instead if no file of a station's channel is found."""
    days = settings.days()
    if not days or any(layout.files(station, day)[0] for day in _spread(days)):
        return
    budget, others = Budget(_ENTRIES), Counter[str]()
    outside: list[date] = []
    for found in layout.search({"station": station}, budget):
        day, differs = day_of(found), layout.differences(found)
        if differs:
            others[", ".join(differs)] += 1
        elif day is not None and days[0] <= day <= days[-1]:
            return
        elif day is not None:
            outside.append(day)
    span = f"{settings.first_day} ... {settings.last_day or 'open'}"
    where = layout.expected(station, settings.first_day)
    text = f"{_whose(settings, station, channel)}: no file of {span} was found; the first one would be {where}"
    told = [f"{differs} ({count})" for differs, count in others.most_common(_NAMED)]
    told += [f"other days, {min(outside)} ... {max(outside)} ({len(outside)})"] if outside else []
    if told:
        text += f"; its files there have {'; '.join(told)}"
    elif stations := layout.there("station", {"network": settings.network.code}, Budget(_ENTRIES)):
        text += f"; there are stations {some(stations)}"
    elif networks := layout.there("network", {}, Budget(_ENTRIES)):
        text += f"; there are networks {some(networks)}"
    yield Finding(True, text + (" (not everything was looked at)" if budget.spent else ""))


def _spread(days: list[date]) -> list[date]:
    """Return some evenly spread days, including the first and the last."""
    if len(days) <= _PROBES:
        return days
    return [days[round(i * (len(days) - 1) / (_PROBES - 1))] for i in range(_PROBES)]


def day_of(found: Found) -> date | None:
    """Return the day in the name of a file; none if there is no such day."""
    values = {
        name: int(found.values[name]) for name in ("year", "julday", "month", "day_of_month") if name in found.values
    }
    try:
        if "julday" in values:
            day = date(values["year"], 1, 1) + timedelta(days=values["julday"] - 1)
            return day if day.year == values["year"] and values["julday"] > 0 else None
        return date(values["year"], values["month"], values["day_of_month"])
    except (ValueError, OverflowError):
        return None


def _responses(settings: Settings, source: SdsSettings) -> Iterator[Finding]:
    traces = settings.response.detection_trace, settings.response.spectrogram_trace
    if source.inventory is None:
        if any(trace != "counts" for trace in traces):
            yield Finding(True, "source.inventory is not set, but response asks for traces of ground motion")
        return
    s = settings
    of_channels = {code: Inventories(source.inventory, s.network.code, s.location, code) for code in s.channels}
    there = of_channels[s.channel]
    try:
        if not there.files():
            yield Finding(True, f"source.inventory = {source.inventory}: there is no such file, or the folder is empty")
            return
        problems = there.problems()
    except OSError as error:
        yield Finding(True, f"source.inventory = {source.inventory}: {error}")
        return
    yield from (Finding(False, problem) for problem in problems[:_NAMED])
    if len(problems) > _NAMED:
        yield Finding(False, f"{len(problems) - _NAMED} more files of source.inventory cannot be used")
    for station in settings.stations:
        for code, described in of_channels.items():
            if not described.epochs(station.code):
                yield Finding(True, described.absence(station.code))
                continue
            try:
                yield from _coverage(settings, station.code, code, described.inventory(station.code))
            except (ContradictionError, NotStationXmlError) as error:
                yield Finding(True, f"{_whose(settings, station.code, code)}: {error}")


def _coverage(settings: Settings, station: str, code: str, inventory: Inventory) -> Iterator[Finding]:
    """Yield the parts of the settings' days without an epoch of a channel that has a response."""
    whose = _whose(settings, station, code)
    epochs = sorted(
        (
            -(1 << 62) if channel.start_date is None else int(channel.start_date.ns),
            1 << 62 if channel.end_date is None else int(channel.end_date.ns),
        )
        for network in inventory
        for of_station in network
        for channel in of_station
        if channel.code == code and channel.response is not None and channel.response.response_stages
    )
    if not epochs:
        yield Finding(True, f"{whose}: its StationXML holds no response")
        return
    last = settings.last_day or datetime.now(UTC).date()
    begin, end = StationDay(station, settings.first_day).start_ns, StationDay(station, last).end_ns
    gaps, reached = [], begin
    for first, until in epochs:
        if first > reached:
            gaps.append((reached, min(first, end)))
        reached = max(reached, until)
        if reached >= end:
            break
    if reached < end:
        gaps.append((reached, end))
    # StationXML often ends an epoch at 23:59:59.
    gaps = [(a, b) for a, b in gaps if b - a > NS]
    if gaps:
        told = ", ".join(f"{time_text(a)} ... {time_text(b)}" for a, b in gaps[:_NAMED])
        whole = gaps == [(begin, end)]
        yield Finding(whole, f"{whose}: no response in StationXML for {told}")


def _data_centre(settings: Settings, source: FdsnSettings, ask: bool) -> Iterator[Finding]:
    from ris_core.waveforms.fdsn import DataCentre
    from ris_core.waveforms.fdsn_credentials import credentials_from_environment
    from ris_core.waveforms.fdsn_errors import DataCentreError
    from ris_core.waveforms.fdsn_providers import is_known, known_providers

    if not is_known(source.provider):
        known = ", ".join(known_providers())
        yield Finding(True, f"source.provider = {source.provider}: ObsPy knows no such data centre; it knows {known}")
        return
    try:
        credentials_from_environment(source.provider)
    except DataCentreError as error:
        yield Finding(True, str(error))
        return
    if not ask:
        return
    centre = DataCentre(settings, source)
    for station in settings.stations:
        try:
            inventory = centre.inventory(station.code)
        except DataCentreError as error:
            yield Finding(True, str(error))
            continue
        for code in settings.channels:
            found = None if inventory is None else inventory.select(channel=code)
            if found is None or not found.networks:
                whose = _whose(settings, station.code, code)
                yield Finding(True, f"{whose}: {source.provider} has no StationXML of its channel")
            else:
                yield from _coverage(settings, station.code, code, found)
