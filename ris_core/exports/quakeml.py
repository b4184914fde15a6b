"""Events of a station and month as QuakeML 1.2 (Schorlemmer et al. 2013), written as text.

An event has a pick (trigger on), amplitudes in the time of the trigger, and a comment with its class. It has no origin:
nothing is located. ObsPy would make the same of objects at a thousandth of the speed; tests read the files with it and
compare them with the schema.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa

from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.contracts.station_day import NS

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">\n'
)
_USED = (
    "event_id",
    "time_on",
    "time_peak",
    "time_off",
    "label",
    "class_name",
    "probability",
    "probability_kind",
    "novelty",
    "assigned",
    "reviewed",
    "peak_counts",
    "peak_acceleration",
    "snr",
    "found_by",
    "model_version",
)
_TAIL = "  </eventParameters>\n</q:quakeml>\n"
# What XML 1.0 cannot hold even as a reference, and controls that it discourages.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_IDS = re.compile(r"[^\w\-.*()+?~'=,;#/&]", re.ASCII)


@dataclass(frozen=True)
class QuakeMlWords:
    """What all files of an export have in common.

    Attributes
    ----------
    network_name
        Name of the data root, a part of the identifiers.
    authority
        Authority of the identifiers.
    event_types
        Type of the events of a class, by number.
    made_by
        Program and version.
    """

    network_name: str
    authority: str
    event_types: Mapping[int, str]
    made_by: str

    def identifier(self, *parts: str) -> str:
        """Return a resource identifier; characters that it may not have are written as ``~``."""
        path = "/".join(_NOT_IN_IDS.sub("~", part) for part in (self.network_name, *parts))
        return f"smi:{self.authority}/ris/{path}"


def quakeml_pieces(events: pa.Table, words: QuakeMlWords, station: str, month: str) -> Iterator[str]:
    """Yield the text of a file piece by piece; the same events give the same text.

    Parameters
    ----------
    events
        Rows with the columns of `CATALOGUE_SCHEMA`, of one station.
    words
        What all files have in common.
    station, month
        Name the set of events, like S01 and 2015-01.
    """
    said = (
        f"Detections of the station {station}, {month} (UTC month of the peak), one event each. They are not located: "
        "there is no origin. The class of an event is in its comment, as JSON."
    )
    yield _HEAD
    yield f"  <eventParameters publicID={quoteattr(words.identifier('catalogue', station, month))}>\n"
    yield f"    <comment><text>{_text(said)}</text></comment>\n"
    yield f"    <creationInfo><author>{_text(words.made_by)}</author></creationInfo>\n"
    columns = [
        events[name].cast(pa.int64()).to_pylist() if name.startswith("time_") else events[name].to_pylist()
        for name in _USED
    ]
    single = {name for name in _USED if pa.types.is_float32(events[name].type)}
    for values in zip(*columns, strict=True):
        row = dict(zip(_USED, values, strict=True))
        yield _event({name: _shortest(v) if name in single else v for name, v in row.items()}, words)
    yield _TAIL


def _event(row: Mapping[str, Any], words: QuakeMlWords) -> str:
    event_id = row["event_id"]
    network, station, location, channel = event_id.split(".", 4)[:4]
    place = f" locationCode={quoteattr(location)}" if location else ""
    waveform = (
        f"<waveformID networkCode={quoteattr(network)} stationCode={quoteattr(station)}{place} "
        f"channelCode={quoteattr(channel)}/>"
    )
    pick = words.identifier("pick", event_id)
    kind = words.event_types.get(row["label"], "")
    lines = [
        f"    <event publicID={quoteattr(words.identifier('event', event_id))}>",
        *([f"      <type>{kind}</type>"] if kind else []),
        f"      <comment><text>{_text(_comment(row))}</text></comment>",
        f"      <pick publicID={quoteattr(pick)}>",
        f"        <time><value>{_time(row['time_on'])}</value></time>",
        f"        {waveform}",
        "        <evaluationMode>automatic</evaluationMode>",
        f"        <comment><text>Trigger on. {_text(row['found_by'])}</text></comment>",
        "      </pick>",
        *_amplitude(row, words, "peak_counts", "other", "Signed peak of the conditioned trace, counts", pick, waveform),
        *_amplitude(
            row,
            words,
            "peak_acceleration",
            "m/(s*s)",
            "Signed peak ground acceleration in the band of the response",
            pick,
            waveform,
        ),
        "    </event>\n",
    ]
    return "\n".join(lines)


def _amplitude(
    row: Mapping[str, Any], words: QuakeMlWords, name: str, unit: str, about: str, pick: str, waveform: str
) -> list[str]:
    value = row[name]
    if value is None or not math.isfinite(value):
        return []
    on, peak, off = row["time_on"], row["time_peak"], row["time_off"]
    window = []
    if on <= peak <= off:
        window = [
            f"        <timeWindow><begin>{(peak - on) / NS!r}</begin><end>{(off - peak) / NS!r}</end>"
            f"<reference>{_time(peak)}</reference></timeWindow>"
        ]
    return [
        f"      <amplitude publicID={quoteattr(words.identifier('amplitude', name, row['event_id']))}>",
        f"        <genericAmplitude><value>{float(value)!r}</value></genericAmplitude>",
        "        <category>point</category>",
        f"        <unit>{unit}</unit>",
        *window,
        f"        <pickID>{_text(pick)}</pickID>",
        f"        {waveform}",
        "        <evaluationMode>automatic</evaluationMode>",
        f"        <comment><text>{about}</text></comment>",
        "      </amplitude>",
    ]


def _comment(row: Mapping[str, Any]) -> str:
    """Return what is known of an event's class as JSON; what is absent has no key."""
    said: dict[str, Any] = {"kind": "class", "class": row["label"], "name": row["class_name"]}
    if row["label"] != NO_LABEL:
        said |= {"probability": row["probability"], "probability_kind": row["probability_kind"]}
        said |= {"assigned": row["assigned"], "novelty": row["novelty"], "model": row["model_version"]}
    said |= {"reviewed": row["reviewed"], "snr_db": row["snr"]}
    known = {
        key: value
        for key, value in said.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
    return json.dumps(known, ensure_ascii=False)


def _shortest(value: float | None) -> float | None:
    """Return a number of single precision with the fewest digits that tell it apart."""
    return None if value is None else float(str(np.float32(value)))


def _text(text: str) -> str:
    """Return text as XML holds it; characters that it cannot hold are written as in JSON."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", escape(text))


def _time(time_ns: int) -> str:
    seconds, fraction = divmod(time_ns, NS)
    digits = f"{fraction // 1_000:06d}" if fraction % 1_000 == 0 else f"{fraction:09d}"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{digits}Z"
