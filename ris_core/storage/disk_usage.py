"""How much of the disk each folder of a data root takes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a folder takes, with all folders in it.

    Attributes
    ----------
    size
        Bytes of all files.
    files
        Number of files, without temporary ones.
    """

    size: int
    files: int

    @property
    def mean_size(self) -> float:
        """Bytes of a file on average; 0 if there is none."""
        return self.size / self.files if self.files else 0.0


def usage_by_folder(root: Path) -> dict[str, Usage]:
    """Return the usage of each folder of a data root, by its name."""
    return {folder.name: _usage(folder) for folder in sorted(path for path in root.iterdir() if path.is_dir())}


def _usage(folder: Path | os.DirEntry[str]) -> Usage:
    size = files = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner = _usage(entry)
                size, files = size + inner.size, files + inner.files
                continue
            with suppress(FileNotFoundError):  # a temporary file of a run, gone meanwhile
                if entry.is_file():
                    size += entry.stat().st_size
                    files += not entry.name.startswith(".")
    return Usage(size, files)
