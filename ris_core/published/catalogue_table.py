"""The CSV table beside a published file: its rows are compared with the catalogue inside the file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from ris_core.storage.published_file import CATALOGUE, PublishedFileError

LONGEST_TEXT = 64
"""Most characters of a code or a time in a catalogue."""
_LONGEST_LINE = 2**20
_TOLERANCE = 1e-9  # relative: numbers are written with fewer digits in the table


class CatalogueTable:
    """The CSV table of a published file, read row by row together with the catalogue."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> CatalogueTable:
        if self.path.exists() and not self.path.is_file():
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read (not a file)")
        try:
            self._file = self.path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read ({error.strerror})") from error
        self._read = 0
        self._reader = csv.DictReader(self._lines())
        try:
            with self._named():
                names = self._reader.fieldnames or ()
            missing = [name for name in ("station", "dt_peak") if name not in names]
            if missing:
                raise PublishedFileError(
                    f"{self.path}: there is no column {', '.join(missing)}; a CSV with the columns of {CATALOGUE} is "
                    "needed"
                )
        except PublishedFileError:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise csv.Error(f"a line of more than {_LONGEST_LINE} characters")
            yield line

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (csv.Error, UnicodeDecodeError) as error:
            raise PublishedFileError(f"{self.path}: not a CSV table near row {self._read} ({error})") from error
        except OSError as error:
            raise PublishedFileError(f"{self.path}: the catalogue cannot be read ({error.strerror})") from error

    def compare(self, entries: Sequence[dict[str, Any]], first: int) -> None:
        """Compare the next rows with entries of the catalogue; raises `PublishedFileError` naming the row.

        Parameters
        ----------
        entries, first
            Entries of the catalogue, and the row of the first one.
        """
        with self._named():
            rows = list(islice(self._reader, len(entries)))
        self._read += len(rows)
        for number, (entry, row) in enumerate(zip_longest(entries, rows), start=first):
            if row is None:
                raise PublishedFileError(f"{self.path}: it ends after {number} rows; {CATALOGUE} has more")
            for name, value in entry.items():
                if name in row and not _same(value, row[name]):
                    raise PublishedFileError(
                        f"{self.path}: row {number}: {name} is {short(repr(row[name]))}, but {short(repr(value))} in "
                        f"{CATALOGUE}; the rows must be those of the file, in its order"
                    )

    def finish(self, events: int) -> None:
        """Raise `PublishedFileError` if the table has more rows than the catalogue, which has `events`."""
        with self._named():
            more = sum(1 for _ in self._reader)
        if more:
            raise PublishedFileError(f"{self.path}: it has {events + more} rows, but {CATALOGUE} {events}")


def _same(value: object, text: str | None) -> bool:
    if text is None:
        return False
    if isinstance(value, str):
        return value == text or (bool(text) and _is_same_time(value, text))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return text.strip().lower() in ("", "nan", "none")
    try:
        return math.isclose(float(str(value)), float(text), rel_tol=_TOLERANCE)
    except ValueError:
        return str(value) == text


def _is_same_time(value: str, text: str) -> bool:
    if max(len(value), len(text)) > LONGEST_TEXT:
        return False
    try:
        return bool(pd.Timestamp(value) == pd.Timestamp(text))
    except (ValueError, TypeError, OverflowError):
        return False


def short(text: bytes | str) -> str:
    """Return the beginning of a text, for messages."""
    shown = text if isinstance(text, str) else text.decode(errors="replace")
    return shown if len(shown) <= 120 else shown[:120] + "…"
