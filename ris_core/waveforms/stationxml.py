"""Foreign StationXML: bounded, without entities, and with errors that say what else a file is."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.waveforms.content import TooLargeError

if TYPE_CHECKING:
    from obspy import Inventory

LARGEST_MB = 256.0
"""Greatest size of StationXML, MB: the responses of some ten thousand channels."""

UNKNOWN = "neither StationXML nor anything else that is known"

_CONVERT = "convert it to StationXML, for instance with ObsPy: read_inventory(FILE).write(NEW, format='STATIONXML')"
_WRITTEN_BY = re.compile(rb"<(Source|Sender|Module|ModuleURI|Created)(?:/>|>[^<]*</\1>)")
HEAD = 4096
"""Number of bytes that show the kind of a file."""


class NotStationXmlError(ValueError):
    """Some bytes are not readable StationXML; the message says what they are and what to do."""


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a StationXML file; raises `TooLargeError` naming it, and `OSError` if it cannot be read."""
    size = path.stat().st_size
    if size > LARGEST_MB * 1e6:
        raise TooLargeError(f"{path}: {size / 1e6:.0f} MB; StationXML may have at most {LARGEST_MB:.0f} MB; cut it up")
    return path.read_bytes()


def digest_of_text(xml: bytes) -> str:
    """Return 12 hexadecimal digits of the SHA-256 of StationXML without its time of writing and its writer."""
    parts, at = [], 0
    for match in _WRITTEN_BY.finditer(xml):
        parts.append(xml[at : match.start()].rstrip())
        at = match.end()
    return hashlib.sha256(b"".join([*parts, xml[at:]])).hexdigest()[:12]


def elements(xml: bytes, tag: str) -> Any:
    """Iterate over the elements of a name, as they end; no entity is expanded and nothing else is opened.

    Raises
    ------
    NotStationXmlError
        While iterating: the bytes are something else, do not parse, or declare a document type.
    """
    from lxml import etree

    other = what_else(xml[:HEAD])
    if other:
        raise NotStationXmlError(other)
    parts = etree.iterparse(
        io.BytesIO(xml), events=("start", "end"), resolve_entities=False, load_dtd=False, no_network=True
    )
    try:
        _, root = next(parts)
        name = _local_name(root)
        if name != "FDSNStationXML":
            raise NotStationXmlError(f"XML of another kind ('{name}'), no StationXML; {_CONVERT}")
        if root.getroottree().docinfo.doctype:
            raise NotStationXmlError("StationXML with a document type, which may hide anything; remove its DOCTYPE")
        for event, element in parts:
            if event == "end" and _local_name(element) == tag:
                yield element
    except etree.XMLSyntaxError as error:
        raise NotStationXmlError(f"no XML that can be read ({error}); get it again") from error


def _local_name(element: Any) -> str:
    """Return the name of an element without its namespace; lxml's own `QName` refuses odd ones. Comments have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def inventory_from(xml: bytes) -> Inventory:
    """Return the inventory in StationXML; raises `NotStationXmlError`."""
    from obspy import read_inventory

    # ObsPy's own parser expands entities, so it only gets text without entities.
    for _ in elements(xml, "FDSNStationXML"):
        pass
    try:
        return read_inventory(io.BytesIO(xml), format="STATIONXML")
    except Exception as error:  # ObsPy raises errors of every kind for unexpected values
        said = " ".join(str(error).split())[:300]
        raise NotStationXmlError(f"ObsPy cannot read it as StationXML ({type(error).__name__}: {said})") from error


def what_else(head: bytes) -> str:
    """Return the kind of a file from its first bytes, and what to do, if it is not XML; else nothing."""
    if re.match(rb"\d{6}[VAST]", head):
        return f"dataless SEED, no StationXML; {_CONVERT}"
    if re.search(rb"^\s*B05\dF\d\d", head, re.MULTILINE):
        return f"RESP text, no StationXML; {_CONVERT}"
    if head.startswith(b"\x1f\x8b"):
        return "packed with gzip; unpack it"
    if not head.strip():
        return "empty"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<" and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return UNKNOWN
    return ""
