"""Responses from StationXML files of any names: those of one channel are found, merged and compared."""

from __future__ import annotations

import copy
import glob
import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.contracts.seed_id import SeedId
from ris_core.listing import some
from ris_core.waveforms.content import TooLargeError
from ris_core.waveforms.stationxml import (
    HEAD,
    UNKNOWN,
    NotStationXmlError,
    digest_of_text,
    elements,
    inventory_from,
    read_bounded,
    what_else,
)

if TYPE_CHECKING:
    from obspy import Inventory

_FOREVER = 1 << 62
_NAMED = 5


class NoStationXmlError(FileNotFoundError):
    """No StationXML describes a station's channel; the message says what exists instead."""


class ContradictionError(ValueError):
    """Two files describe one channel and time differently; the message names both."""


@dataclass(frozen=True)
class Epoch:
    """One channel element of a file.

    Attributes
    ----------
    start_ns, end_ns
        Its time, ns since 1970 UTC; a far time if it is open.
    content, response
        Digests of all its content, and of its response.
    """

    start_ns: int
    end_ns: int
    content: str
    response: str


@dataclass(frozen=True)
class _File:
    """The description of one channel code at all stations of a network, in one file."""

    path: Path
    problem: str = ""
    text_digest: str = ""
    epochs: dict[str, tuple[Epoch, ...]] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)


_State = tuple[str, int, int, int]


class Inventories:
    """All StationXML that a setting names, limited to one network, location and channel.

    The content of a file is cached as long as its size, time and inode are the same.

    Parameters
    ----------
    place
        A folder of files with any names, one file, or several by ``*``, ``?`` and ``[…]``.
    network, location, channel
        Codes.
    """

    def __init__(self, place: Path, network: str, location: str, channel: str) -> None:
        self.place = place
        self._codes = network, location, channel

    def code(self, station: str) -> str:
        """Return NET.STA.LOC.CHAN of a station's channel."""
        network, location, channel = self._codes
        return str(SeedId(network, station, location, channel))

    def digest(self, station: str) -> str:
        """Return a digest of the description of the station's channel, or ``none``; bad content does not make it raise.

        If a file NET.STA.xml is the only description, it is the digest of that file's text.
        """
        return self._view.digest(station)

    def epochs(self, station: str) -> list[tuple[Path, Epoch]]:
        """Return the epochs of a station's channel, by time, each with its file; equal epochs once."""
        return self._view.epochs(station)

    def channels(self, station: str) -> list[str]:
        """Return the existing codes NET.STA.LOC.CHAN of a station."""
        return sorted({code for file in self._view.files for code in file.channels.get(station, ())})

    def stations(self) -> list[str]:
        """Return the codes of the described stations of the network, with any channels."""
        return sorted({station for file in self._view.files for station in file.channels})

    def files(self) -> list[Path]:
        """Return the files that were read."""
        return [file.path for file in self._view.files]

    def problems(self) -> list[str]:
        """Return path and reason for each file that is not StationXML or cannot be read."""
        return [f"{file.path}: {file.problem}" for file in self._view.files if file.problem]

    def inventory(self, station: str) -> Inventory:
        """Return the description of a station's channel from all files.

        Raises
        ------
        NoStationXmlError
            There is none; the message says what exists instead, and which files could not be read.
        ContradictionError
            Files give different responses for the same time.
        NotStationXmlError
            ObsPy cannot read the description; the message names the files.
        """
        from obspy import Inventory

        found = self.epochs(station)
        if not found:
            raise NoStationXmlError("; ".join([self.absence(station), *self.problems()[:_NAMED]]))
        self._refuse_contradictions(station, found)
        merged = Inventory(networks=[], source="")
        for file in self._view.describing(station):
            try:
                merged.networks += inventory_from(file.documents[station]).networks
            except NotStationXmlError as error:
                raise NotStationXmlError(f"{file.path}: {error}") from error
        return merged

    @property
    def _view(self) -> _View:
        return _view(tuple(_states(self.place)), self._codes)

    def absence(self, station: str) -> str:
        """Return in words that nothing describes a station's channel, and what exists instead."""
        why = f"{self.place}: source.inventory is set, but no StationXML there describes {self.code(station)}"
        there, stations = self.channels(station), self.stations()
        if not self.files():
            return f"{why}; there is no file"
        if there:
            return f"{why}; of this station there is {some(there)}"
        return f"{why}; there are stations {some(stations)}" if stations else why

    def _refuse_contradictions(self, station: str, found: list[tuple[Path, Epoch]]) -> None:
        for i, (path, epoch) in enumerate(found):
            for other_path, other in found[i + 1 :]:
                overlap = epoch.start_ns < other.end_ns and other.start_ns < epoch.end_ns
                if path != other_path and overlap and epoch.response != other.response:
                    raise ContradictionError(
                        f"{path} and {other_path} give different responses of {self.code(station)} for the time from "
                        f"{time_text(max(epoch.start_ns, other.start_ns))} to "
                        f"{time_text(min(epoch.end_ns, other.end_ns))}; remove what is wrong from one of them"
                    )


@dataclass(frozen=True)
class _View:
    """The content of all files at one moment."""

    files: tuple[_File, ...]
    network: str

    @cached_property
    def _by_station(self) -> dict[str, list[_File]]:
        found: dict[str, list[_File]] = defaultdict(list)
        for file in self.files:
            for station in file.epochs:
                found[station].append(file)
        return found

    def describing(self, station: str) -> list[_File]:
        return self._by_station.get(station, [])

    def epochs(self, station: str) -> list[tuple[Path, Epoch]]:
        found: dict[str, tuple[Path, Epoch]] = {}
        for file in self.describing(station):
            for epoch in file.epochs[station]:
                found.setdefault(epoch.content, (file.path, epoch))
        return sorted(found.values(), key=lambda item: (item[1].start_ns, item[1].end_ns, item[1].content))

    def digest(self, station: str) -> str:
        contents = [epoch.content for _, epoch in self.epochs(station)]
        own = next((file for file in self.files if file.path.name == f"{self.network}.{station}.xml"), None)
        if own is not None and {e.content for e in own.epochs.get(station, ())} == set(contents):
            return own.text_digest
        return hashlib.sha256("".join(contents).encode()).hexdigest()[:12] if contents else "none"


def time_text(time_ns: int) -> str:
    """Return a time (ns since 1970 UTC) in words; ``open`` for no end."""
    from obspy import UTCDateTime

    return "open" if abs(time_ns) >= _FOREVER else str(UTCDateTime(ns=time_ns))[:19]


def _states(place: Path) -> list[_State]:
    """Return path, size, time and inode of each file that a setting names, by path."""
    if place.is_dir():
        with os.scandir(place) as entries:
            found = [(e.path, e.stat()) for e in entries if not e.name.startswith(".") and e.is_file()]
    else:
        # A name of an existing file is that file, even if it contains wildcards.
        paths = [place] if place.exists() else [Path(name) for name in glob.iglob(str(place))]  # noqa: PTH207 - from any root
        found = [(str(path), path.stat()) for path in paths if path.is_file()]
    return sorted((path, s.st_size, s.st_mtime_ns, s.st_ino) for path, s in found)


@lru_cache(maxsize=8)
def _view(states: tuple[_State, ...], codes: tuple[str, str, str]) -> _View:
    return _View(tuple(_read(state, codes) for state in states), codes[0])


@lru_cache(maxsize=4096)
def _read(state: _State, codes: tuple[str, str, str]) -> _File:
    path, xml = Path(state[0]), b""
    try:
        with path.open("rb") as file:
            other = what_else(file.read(HEAD))
        if other and path.suffix.lower() != ".xml":
            # Other files beside StationXML: a note, or waveforms.
            return _File(path, "" if other == UNKNOWN else other)
        xml = read_bounded(path)
        return _parsed(path, xml, *codes)
    except TooLargeError as error:
        return _File(path, str(error).removeprefix(f"{path}: "))
    except OSError as error:
        return _File(path, f"cannot be read ({error.strerror or error})")
    except NotStationXmlError as error:
        return _File(path, str(error), digest_of_text(xml))
    except (ValueError, TypeError) as error:
        # lxml reads names that it refuses to write.
        return _File(path, f"no StationXML that can be used ({error}); get it again", digest_of_text(xml))


def _parsed(path: Path, xml: bytes, network: str, location: str, channel: str) -> _File:
    epochs: dict[str, list[Epoch]] = defaultdict(list)
    channels: dict[str, dict[str, None]] = defaultdict(dict)
    kept: dict[str, list[Any]] = defaultdict(list)
    for element in elements(xml, "Channel"):
        of_station = element.getparent()
        of_network = None if of_station is None else of_station.getparent()
        if of_network is None or of_network.getparent() is None:
            raise NotStationXmlError("a channel is outside of a station and network; get it again")
        station = (of_station.get("code") or "").strip()
        place = (element.get("locationCode") or "").strip().replace("--", "")
        code = (element.get("code") or "").strip()
        if (of_network.get("code") or "").strip() == network:
            channels[station][str(SeedId(network, station, place, code))] = None
            if (place, code) == (location, channel):
                element.set("locationCode", place)
                epochs[station].append(_epoch(element))
                kept[station].append(element)
                continue
        # Memory is freed for channels that are not needed.
        element.clear()
    return _File(
        path,
        text_digest=digest_of_text(xml),
        epochs={station: tuple(found) for station, found in epochs.items()},
        documents={station: _document(found) for station, found in kept.items()},
        channels={station: tuple(codes) for station, codes in channels.items()},
    )


def _epoch(element: Any) -> Epoch:
    response = element.find("{*}Response")
    return Epoch(
        _time(element, "startDate", -_FOREVER),
        _time(element, "endDate", _FOREVER),
        _canonical_digest(element),
        "" if response is None else _canonical_digest(response),
    )


def _time(element: Any, name: str, default: int) -> int:
    from obspy import UTCDateTime

    text = element.get(name)
    if not text:
        return default
    try:
        return int(UTCDateTime(text).ns)
    except Exception as error:  # ObsPy raises errors of several kinds
        raise NotStationXmlError(f"{name}='{text[:40]}' of a channel is not a time; get it again") from error


def _canonical_digest(element: Any) -> str:
    from lxml import etree

    alone = copy.deepcopy(element)
    alone.tail = None
    return hashlib.sha256(etree.tostring(alone, method="c14n2", strip_text=True)).hexdigest()


def _document(wanted: list[Any]) -> bytes:
    """Return StationXML with only some channels, each in its station and network."""
    from lxml import etree

    root = wanted[0].getroottree().getroot()
    out = _without(root, "Network")
    for element in wanted:
        of_station = element.getparent()
        network, station = _without(of_station.getparent(), "Station"), _without(of_station, "Channel")
        station.append(copy.deepcopy(element))
        network.append(station)
        out.append(network)
    return bytes(etree.tostring(out))


def _without(element: Any, tag: str) -> Any:
    """Return a copy of an element without its children of a name."""
    from lxml import etree

    copied = etree.Element(element.tag, element.attrib, element.nsmap)
    for child in element:
        if not (isinstance(child.tag, str) and child.tag.rpartition("}")[2] == tag):
            copied.append(copy.deepcopy(child))
    return copied
