"""What a pass over many station-days asks of the disk: what exists, when it was written, what files say of themselves.

`FilesOnDisk` asks the disk each time. `ris_core.storage.scanned_files` lists each folder once and remembers what files
said. Both raise what the direct readers raise, so a caller need not know which of the two it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ris_core.storage.damage import REMADE
from ris_core.storage.json_records import read_record

if TYPE_CHECKING:
    from ris_core.contracts.stamp import Stamp
    from ris_core.storage.spectrogram_file import SpectrogramInfo

T = TypeVar("T")

FieldTypes = Mapping[str, type | tuple[type, ...]]
"""Which fields a record has at least, each with its type (see `ris_core.storage.json_records.read_record`)."""


class Files(Protocol):
    """What is on disk, as seen by one pass."""

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder at a path."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names of what is in a folder; none where there is no such folder."""
        ...

    def modified(self, path: Path) -> float:
        """Return when a file was last written, in seconds since 1970; raises `FileNotFoundError`."""
        ...

    def stamp_of_table(self, path: Path) -> tuple[Stamp | None, str, int]:
        """Return provenance, content digest and number of rows of a Parquet table.

        Raises
        ------
        FileNotFoundError
            There is no such table.
        DamagedFileError
            Its footer is not what was written; the rows are not looked at.
        """
        ...

    def info_of_spectrograms(self, path: Path) -> SpectrogramInfo:
        """Return number of events, provenance and summary of a spectrogram file.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        DamagedFileError
            Its head is not what was written; the data are not looked at.
        """
        ...

    def record(self, path: Path, fields: FieldTypes, remedy: str = REMADE) -> dict[str, Any]:
        """Return a JSON record that has these fields, each of its type.

        Raises
        ------
        FileNotFoundError
            There is no such record.
        DamagedFileError
            It is not what was written, or lacks a field; the error carries the remedy.
        """
        ...

    def once(self, fact: Hashable, find: Callable[[], T]) -> T:
        """Return what ``find`` returns, or raise what it raises; a scan calls it once for each ``fact``."""
        ...


class FilesOnDisk:
    """Asks the disk each time: for single station-days, and where products are written in between."""

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder at a path."""
        return path.exists()

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names of what is in a folder; none where there is no such folder."""
        try:
            return sorted(entry.name for entry in folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def modified(self, path: Path) -> float:
        """Return when a file was last written, in seconds since 1970; raises `FileNotFoundError`."""
        return path.stat().st_mtime

    def stamp_of_table(self, path: Path) -> tuple[Stamp | None, str, int]:
        """Return provenance, content digest and number of rows of a Parquet table; raises as `Files` says."""
        from ris_core.storage.tables import read_stamp  # loads pandas, which most commands do without

        return read_stamp(path)

    def info_of_spectrograms(self, path: Path) -> SpectrogramInfo:
        """Return number of events, provenance and summary of a spectrogram file; raises as `Files` says."""
        from ris_core.storage.spectrogram_file import read_info

        return read_info(path)

    def record(self, path: Path, fields: FieldTypes, remedy: str = REMADE) -> dict[str, Any]:
        """Return a JSON record that has these fields, each of its type; raises as `Files` says."""
        return read_record(path, fields, remedy)

    def once(self, fact: Hashable, find: Callable[[], T]) -> T:
        """Return what ``find`` returns; it is called each time."""
        return find()
