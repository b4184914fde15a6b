"""Where a data root was when absolute places in it were written: so one that was moved or copied is noticed.

No product names its place. The store of trainings does: it keeps the places of its files as absolute addresses.
"""

from __future__ import annotations

from pathlib import Path

from ris_core.storage.json_records import read_record, write_json

_REMEDY = "remove it: the next command writes it again, unless the data root was moved or copied meanwhile"


def place_record(root: Path) -> Path:
    """Return the path of the record of a data root's place."""
    return root / "place.json"


def recorded_place(root: Path) -> Path | None:
    """Return where a data root was when its place was recorded; None if that was never done.

    Raises
    ------
    DamagedFileError
        The record cannot be read.
    """
    record = place_record(root)
    return Path(read_record(record, {"root": str}, _REMEDY)["root"]) if record.exists() else None


def record_place(root: Path) -> None:
    """Record that a data root is where it is now."""
    write_json(place_record(root), {"root": str(root)})


def is_same_folder(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one folder, for example through a link or a second mount of the same disk."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def is_data_root(folder: Path) -> bool:
    """Return whether a folder is marked as the data root of a network."""
    try:
        return (folder / "network.json").is_file()
    except OSError:
        return False
