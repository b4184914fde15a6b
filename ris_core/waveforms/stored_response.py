"""Stored StationXML of acquisition: its last line is a comment with the digest of the file's name and all other bytes.

Without it, a changed bit of a gain or the file of another station would silently be another response. Files of earlier
versions lack this line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, check_regular, damage_named
from ris_core.waveforms.stationxml import NotStationXmlError, digest_of_text, elements, inventory_from, read_bounded

if TYPE_CHECKING:
    from obspy import Inventory

FETCH_IT_ANEW = "remove it, and `ris backfill` acquires it again"
_BEGIN, _END, _DIGITS = b"\n<!-- file_digest ", b" -->\n", 16
_LINE = re.compile(re.escape(_BEGIN) + rb"([0-9a-f]{%d})" % _DIGITS + re.escape(_END))
_LENGTH = len(_BEGIN) + _DIGITS + len(_END)


def write_response(path: Path, xml: bytes) -> None:
    """Write StationXML with its digest, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(xml + _BEGIN + _digest(path, xml) + _END)


def read_response(path: Path) -> bytes:
    """Return the StationXML that `write_response` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file does not match its digest, or has none and is not StationXML.
    """
    with damage_named(path, FETCH_IT_ANEW):
        check_regular(path, FETCH_IT_ANEW)
        content = read_bounded(path)
    xml, line = content[:-_LENGTH], content[-_LENGTH:]
    found = _LINE.fullmatch(line)
    # After one changed bit, one of the two signs of a digest is still there.
    if found is None and not (line.startswith(_BEGIN) or line.endswith(_END)):
        with damage_named(path, FETCH_IT_ANEW):
            for _ in elements(content, "FDSNStationXML"):  # without a digest, it must at least be whole XML
                pass
        return content
    if found is None or found[1] != _digest(path, xml):
        why = "name and bytes do not match their digest"
        raise DamagedFileError(path, why, FETCH_IT_ANEW)
    return xml


def read_stored_inventory(path: Path) -> Inventory:
    """Return the inventory in stored StationXML; raises as `read_response`, also if it is not StationXML."""
    try:
        return inventory_from(read_response(path))
    except NotStationXmlError as error:
        raise DamagedFileError(path, str(error), FETCH_IT_ANEW) from error


def digest_of_response(path: Path) -> str:
    """Return the `digest_of_text` of stored StationXML, read again only if size, time or inode have changed."""
    state = path.stat()
    return _digest_of_state(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=4096)
def _digest_of_state(path: Path, *_: int) -> str:
    return digest_of_text(read_response(path))


def _digest(path: Path, xml: bytes) -> bytes:
    return xxhash.xxh3_64(path.name.encode() + b"\n" + xml).hexdigest().encode()
