"""StationXML files in: what is none, or is damaged, is said with the file and the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.storage.damage import damage_named

if TYPE_CHECKING:
    from obspy import Inventory

GIVE_IT_ANEW = "put the station's StationXML in its place"
FETCH_IT_ANEW = "remove it, and acquire the station's days again ('ris backfill --stage acquire --again')"

_BEGINNING = 4096
_RESP = re.compile(rb"\s*(#|B\d{3}F\d{2})")
_DATALESS = re.compile(rb"\d{6}V")


class NotStationXmlError(OSError):
    """A file is metadata in another format; the message names the file, the format, and how it is converted."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            f"{path}: is {found}, not StationXML; convert it with ObsPy: "
            "obspy.read_inventory(OLD).write(NEW, format='STATIONXML')"
        )


def read_stationxml(path: Path, remedy: str = GIVE_IT_ANEW) -> Inventory:
    """Read a StationXML file.

    Parameters
    ----------
    path, remedy
        The file, and what to do where it is damaged.

    Raises
    ------
    NotStationXmlError
        It is RESP text or dataless SEED.
    DamagedFileError
        It is no StationXML that can be read.
    """
    from obspy import read_inventory

    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    for pattern, found in ((_RESP, "RESP text"), (_DATALESS, "dataless SEED")):
        if pattern.match(beginning):
            raise NotStationXmlError(path, found)
    with damage_named(path, remedy):
        return read_inventory(str(path), format="STATIONXML")
