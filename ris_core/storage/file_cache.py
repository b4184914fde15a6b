"""A cache of what files said of themselves, in one file of the data root.

The cache is divided into sections, one for each folder and kind of file, so that a pass reads only the sections of the
folders that it looks at. A section has a digest. A cache or a section that is absent, damaged or of another format is
taken as empty, and the files are read again: the cache saves time and is never needed.

The file consists of a line that names the format, a line of JSON (the length and digest of each section), a line with
the digest of that JSON, and the sections, each in JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import xxhash

from ris_core.storage.atomic import replacing
from ris_core.storage.damage import check_regular

FORMAT = b"RIS file cache, format 3\n"
"""Names the format and what the readers find; the number is raised when either changes."""

_LONGEST_INDEX = 2**26  # some 100 bytes for each folder
_DIGITS = 16

Section = dict[str, list[Any]]
"""By file name: size, time of writing and of change (ns since 1970), inode, and what the reader found.

Results are text, again JSON: of thousands of files only the requested ones become objects."""


@dataclass(frozen=True)
class _Slice:
    start: int
    end: int
    digest: str


class FileCache:
    """A cache as it was when it was opened; reads sections when they are wanted.

    Parameters
    ----------
    path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._data, self._slices = _opened(path)

    def section(self, name: str) -> Section:
        """Return a section; empty where it is unknown or damaged."""
        found = self._slices.get(name)
        if found is None:
            return {}
        text = self._data[found.start : found.end]
        if _digest(text) != found.digest:
            return {}
        section: Section = json.loads(text)
        return section

    def sections(self) -> dict[str, bytes]:
        """Return the names and bytes of all sections."""
        return {name: self._data[part.start : part.end] for name, part in self._slices.items()}


def save(path: Path, changed: Mapping[str, Section]) -> None:
    """Replace sections of the file and keep the others; an empty one is removed.

    Nothing is raised where the file cannot be written: the next pass reads the files again.
    """
    texts = FileCache(path).sections()
    for name, section in changed.items():
        texts.pop(name, None)
        if section:
            texts[name] = json.dumps(section, separators=(",", ":")).encode()
    index = json.dumps({name: [len(text), _digest(text)] for name, text in texts.items()}).encode()
    with suppress(OSError), replacing(path) as temporary:
        temporary.write_bytes(b"".join([FORMAT, index, b"\n", _digest(index).encode(), b"\n", *texts.values()]))


def _opened(path: Path) -> tuple[bytes, dict[str, _Slice]]:
    """Return the bytes of all sections, and the place of each; of a file that is not as it was written, nothing."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            slices = _index(file)
            return (file.read(), slices) if slices else (b"", {})
    except OSError:
        return b"", {}


def _index(file: BufferedIOBase) -> dict[str, _Slice]:
    """Return the place of each section behind the index; none if the index is damaged or the file has another size."""
    if file.readline(len(FORMAT)) != FORMAT:
        return {}
    text, digest = file.readline(_LONGEST_INDEX), file.readline(_DIGITS + 1)
    if digest != f"{_digest(text.rstrip())}\n".encode():
        return {}
    slices, start = {}, 0
    for name, (length, text_digest) in json.loads(text).items():
        slices[name] = _Slice(start, start + length, text_digest)
        start += length
    return slices if os.fstat(file.fileno()).st_size == file.tell() + start else {}


def _digest(text: bytes) -> str:
    return str(xxhash.xxh3_64_hexdigest(text))
