"""Writing files that others may have changed: nothing is overwritten that differs, unless it is asked for."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ris_core.storage.atomic import replacing


class _LeftAsItIsError(Exception):
    """A file stays as it is."""


@dataclass
class Placing:
    """Files written to a folder, each as a whole or not at all.

    Attributes
    ----------
    folder
        The folder.
    force
        Whether files that differ are replaced.
    written, same, differing
        Paths, relative to the folder, that were written; that were there with the same bytes; that were there with
        others and are left as they are.
    """

    folder: Path
    force: bool = False
    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a temporary path for a file of the folder, which then gets its name.

        Raises
        ------
        CannotWriteError
            The disk is full or the folder cannot be written.
        """
        path = self.folder / name
        try:
            with replacing(path) as temporary:
                yield temporary
                if path.exists():
                    if path.is_file() and filecmp.cmp(path, temporary, shallow=False):
                        self.same.append(name)
                        raise _LeftAsItIsError
                    if not self.force:
                        self.differing.append(name)
                        raise _LeftAsItIsError
                self.written.append(name)
        except _LeftAsItIsError:
            pass

    def write_text(self, name: str, text: str) -> None:
        """Write a text in UTF-8; as `writing`."""
        with self.writing(name) as temporary:
            temporary.write_bytes(text.encode())

    @property
    def names(self) -> list[str]:
        """All files of this export, in the order of their names."""
        return sorted({*self.written, *self.same, *self.differing})

    def strangers(self) -> list[str]:
        """Return files of the folder that are not of this export, as paths relative to the folder."""
        own = set(self.names)
        there = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return sorted(name for name in there if name not in own)
