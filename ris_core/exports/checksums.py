"""SHA256SUMS of a folder, and whether the files are still those."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ris_core.progress import track

FILE = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class NoChecksumsError(ValueError):
    """A folder has no SHA256SUMS that could be compared with its files."""


@dataclass(frozen=True)
class Compared:
    """Files of a folder beside its SHA256SUMS, as relative paths.

    Attributes
    ----------
    same, changed, missing, unknown
        As listed; with other bytes; listed but gone; there but not listed.
    """

    same: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all files are as listed, and no other is there."""
        return not (self.changed or self.missing or self.unknown)


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of all files of a folder, in the format of ``sha256sum``."""
    names = [name for name in _files(folder) if name != FILE]
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in track(names, "checksums", unit="file")]
    (folder / FILE).write_text("".join(lines), encoding="utf-8", newline="\n")


def compare_checksums(folder: Path) -> Compared:
    """Compare all files of a folder with its SHA256SUMS.

    Raises
    ------
    NoChecksumsError
        There is none, or it has a line that is none.
    """
    path = folder / FILE
    if not path.is_file():
        raise NoChecksumsError(f"{folder}: there is no {FILE}; a release is a folder that `ris release` has written")
    listed: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        said = _LINE.fullmatch(line)
        if said is None or not _is_inside(said[2]):
            raise NoChecksumsError(f"{path}, line {number}: not a SHA-256 and the path of a file of the folder")
        listed[said[2]] = said[1]
    there = [name for name in _files(folder) if name != FILE]
    both = [name for name in there if name in listed]
    found = {name: _sha256(folder / name) for name in track(both, "verify", unit="file")}
    same = [name for name in both if found[name] == listed[name]]
    changed = [name for name in both if found[name] != listed[name]]
    missing = sorted(set(listed) - set(there))
    return Compared(tuple(same), tuple(changed), tuple(missing), tuple(sorted(set(there) - set(listed))))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _files(folder: Path) -> list[str]:
    """Return the files of a folder as relative paths; links count as files, and are not followed to folders.

    What Python keeps of code that was run (``__pycache__``) is none of a release, and does not count.
    """
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path.as_posix() for path in found if "__pycache__" not in path.parts)


def _sha256(path: Path) -> str:
    if path.is_symlink():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
