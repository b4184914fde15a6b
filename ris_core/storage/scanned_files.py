"""What is on disk, for one pass over many station-days: each folder is listed once, each file read once.

What a file said of itself is kept in a cache in the data root and read again only where the file's size, times or inode
have changed. A damaged file stays damaged in the cache. A changed bit that leaves the times of a file as they are is
seen by `ris_core.verification`, which reads all bytes, and not here.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from ris_core.contracts.stamp import Stamp
from ris_core.storage import file_cache, tables
from ris_core.storage.damage import REMADE, DamagedFileError
from ris_core.storage.file_cache import FileCache, Section
from ris_core.storage.files import FieldTypes
from ris_core.storage.json_records import checked_fields, read_json
from ris_core.storage.spectrogram_file import SpectrogramInfo, read_info

T = TypeVar("T")

WORTH_SAVING = 200
"""Files that a pass must have read before the cache is written again."""
_SETTLED_NS = 2_000_000_000
"""A file that changed less than this before it was read is not cached: the next change may get the same time."""
_FACTS = 1000
"""Facts that are kept at once, those that were wanted last: enough for some hundred station-days."""


class _Fact(NamedTuple):
    value: Any
    failed: OSError | None


def cache_path(root: Path) -> Path:
    """Return the path of the cache in a data root."""
    return root / "cache" / "files"


class ScannedFiles:
    """The files of one data root in one pass; see `ris_core.storage.files.Files`.

    What is written during the pass may be missed. As a context manager it saves the cache at the end.

    Parameters
    ----------
    root
        The data root.
    worth_saving
        Files that must have been read before the cache is written again.
    """

    def __init__(self, root: Path, worth_saving: int = WORTH_SAVING) -> None:
        self._root = os.fspath(root)
        self._cache_path = cache_path(root)
        self._worth_saving = worth_saving
        self._folders: dict[str, dict[str, os.DirEntry[str]]] = {}
        self._sections: dict[tuple[str, str], Section] = {}
        self._read: dict[tuple[str, str], set[str]] = {}
        self._unsettled: set[tuple[str, str]] = set()
        self._facts: OrderedDict[Hashable, _Fact] = OrderedDict()

    def __enter__(self) -> ScannedFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.save()

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder at a path."""
        folder, _, name = os.fspath(path).rpartition(os.sep)
        entry = self._entries(folder).get(name)
        return entry is not None and (not entry.is_symlink() or path.exists())

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names of what is in a folder; none where there is no such folder."""
        return sorted(self._entries(os.fspath(folder)))

    def modified(self, path: Path) -> float:
        """Return when a file was last written, in seconds since 1970; raises `FileNotFoundError`."""
        folder, _, name = os.fspath(path).rpartition(os.sep)
        return self._status(folder, name).st_mtime

    def stamp_of_table(self, path: Path) -> tuple[Stamp | None, str, int]:
        """Return provenance, content digest and number of rows of a Parquet table; raises as `Files` says."""
        return self.once(("table", path), lambda: self._stamp_of_table(path))

    def info_of_spectrograms(self, path: Path) -> SpectrogramInfo:
        """Return number of events, provenance and summary of a spectrogram file; raises as `Files` says."""
        return self.once(("spectrograms", path), lambda: self._info_of_spectrograms(path))

    def record(self, path: Path, fields: FieldTypes, remedy: str = REMADE) -> dict[str, Any]:
        """Return a JSON record that has these fields, each of its type; raises as `Files` says."""
        try:
            return checked_fields(path, self._said("record", path, read_json), fields, remedy)
        except DamagedFileError as error:
            raise DamagedFileError(path, error.why, remedy) from error

    def once(self, fact: Hashable, find: Callable[[], T]) -> T:
        """Return what ``find`` returned, or raise what it raised, when the fact was first wanted in this pass."""
        known = self._facts.get(fact)
        if known is None:
            known = self._facts[fact] = _found(find)
            if len(self._facts) > _FACTS:
                self._facts.popitem(last=False)
        else:
            self._facts.move_to_end(fact)
        if known.failed is not None:
            raise known.failed.with_traceback(None)
        found: T = known.value
        return found

    def save(self) -> None:
        """Write what was read into the cache, if it was much; a cache that cannot be written stays as it is."""
        if sum(map(len, self._read.values())) < self._worth_saving:
            return
        changed: dict[str, Section] = {}
        for kind, folder in self._read:
            entries = self._folders[folder]
            changed[self._name(kind, folder)] = {
                name: said
                for name, said in self._sections[kind, folder].items()
                if name in entries and (folder, name) not in self._unsettled
            }
        file_cache.save(self._cache_path, changed)
        self._read.clear()

    @cached_property
    def _cache(self) -> FileCache:
        return FileCache(self._cache_path)

    def _entries(self, folder: str) -> dict[str, os.DirEntry[str]]:
        found = self._folders.get(folder)
        if found is None:
            found = {}
            try:
                with os.scandir(folder) as entries:
                    found = {entry.name: entry for entry in entries}
            except (FileNotFoundError, NotADirectoryError):
                pass
            self._folders[folder] = found
        return found

    def _status(self, folder: str, name: str) -> os.stat_result:
        entry = self._entries(folder).get(name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{folder}{os.sep}{name}")
        return entry.stat()  # read once: the entry keeps the answer

    def _said(self, kind: str, path: Path, read: Callable[[Path], Any]) -> Any:
        """Return what a file says of itself: by the cache where the file is the same, else by its reader."""
        folder, _, name = os.fspath(path).rpartition(os.sep)
        status = self._status(folder, name)
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        section = self._sections.get((kind, folder))
        if section is None:
            section = self._sections[kind, folder] = self._cache.section(self._name(kind, folder))
        known = section.get(name)
        if known is None or known[:4] != state:
            known = section[name] = [*state, *_answer(path, read)]
            self._read.setdefault((kind, folder), set()).add(name)
            if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < _SETTLED_NS:
                self._unsettled.add((folder, name))
        text, why, remedy = known[4:]
        if why is not None:
            raise DamagedFileError(path, why, remedy)
        return json.loads(text)

    def _stamp_of_table(self, path: Path) -> tuple[Stamp | None, str, int]:
        stamp, content, rows = self._said("table", path, _table)
        return _stamp(stamp), content, rows

    def _info_of_spectrograms(self, path: Path) -> SpectrogramInfo:
        found = self._said("spectrograms", path, _spectrograms)
        return SpectrogramInfo(
            **found | {"stamp": _stamp(found["stamp"]), "components": tuple(found["components"])},
        )

    def _name(self, kind: str, folder: str) -> str:
        """Return the name of a section: it stays the same where the data root is moved."""
        inner = os.path.relpath(folder, self._root) if folder.startswith(self._root) else folder
        return f"{kind} {inner}"


def _found(find: Callable[[], Any]) -> _Fact:
    try:
        return _Fact(find(), None)
    except OSError as error:
        return _Fact(None, error)


def _answer(path: Path, read: Callable[[Path], Any]) -> list[Any]:
    """Return the value as JSON, damage and remedy; what says nothing of the content is raised and not kept."""
    try:
        return [json.dumps(read(path)), None, None]
    except DamagedFileError as error:
        return [None, error.why, error.remedy]


def _table(path: Path) -> list[Any]:
    stamp, content, rows = tables.read_stamp(path)
    return [None if stamp is None else stamp.as_dict(), content, rows]


def _spectrograms(path: Path) -> dict[str, Any]:
    info = read_info(path)
    return vars(info) | {"stamp": None if info.stamp is None else info.stamp.as_dict()}


def _stamp(values: dict[str, str] | None) -> Stamp | None:
    return None if values is None else Stamp.from_mapping(values)
