"""What an archive of day files holds: networks, locations, channels, stations, days, sampling rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from ris_core.config.archive_pattern import LAYOUTS, components_of
from ris_core.contracts.seed_id import SeedId
from ris_core.listing import some
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.archive_layout import Budget, Found, walk
from ris_core.waveforms.content import content_of
from ris_core.waveforms.miniseed import NotMiniSeedError, scan
from ris_core.waveforms.record_reading import has_samples
from ris_core.waveforms.source_check import day_of

_ENTRIES = 3_000_000
_NAMED = 5
_TRIES = 5


class SurveyError(ValueError):
    """An archive cannot be described by settings yet; the message says what is there and which option decides."""


@dataclass
class Recorded:
    """The files of one channel of one station.

    Attributes
    ----------
    first, last
        The first and the last day with a file, UTC.
    files
        One file of each day.
    rates
        Sampling rates in the first and the last file that could be read, Hz.
    """

    first: date
    last: date
    files: dict[date, Path] = field(default_factory=dict)
    rates: set[float] = field(default_factory=set)


@dataclass(frozen=True)
class Survey:
    """What was found in an archive.

    Attributes
    ----------
    root
        The archive's folder.
    pattern
        Name of its layout, or its pattern.
    recorded
        What there is, by code.
    notes
        In words: files that cannot be read or do not hold what their names say, and entries that were not looked at.
    """

    root: Path
    pattern: str
    recorded: Mapping[SeedId, Recorded]
    notes: tuple[str, ...]


def survey(root: Path, pattern: str | None = None) -> Survey:
    """Look through an archive: names of all files, and the records of the first and last file of each channel.

    Parameters
    ----------
    root
        The archive's folder; nothing in it is written.
    pattern
        See `components_of`; by default that of the named layouts which most files fit.

    Raises
    ------
    SurveyError
        The folder is absent, or no file in it fits.
    ValueError
        The pattern cannot be used.
    OSError
        A folder cannot be read; the message names it.
    """
    if not root.is_dir():
        raise SurveyError(f"{root}: there is no such folder; give the one that holds the archive's years or networks")
    found_by = {name: _files(root, name) for name in ([pattern] if pattern else LAYOUTS)}
    name, (found, spent) = max(found_by.items(), key=lambda item: len(item[1][0]))
    if not found:
        fitting = f"the pattern {pattern}" if pattern else f"a known layout ({', '.join(LAYOUTS)})"
        there = some(sorted(entry.name for entry in root.iterdir())) or "nothing"
        raise SurveyError(
            f"{root}: no file there has a path of {fitting}; there is {there}. Give the folder above the years or "
            "networks, or the form of the paths with --pattern: docs/acquisition.md says how"
        )
    notes = ["not everything was looked at: the archive is very large"] if spent else []
    strange = [one.path for one in found if not one.is_read]
    if strange:
        names = some([str(path.relative_to(root)) for path in strange], _NAMED)
        notes.append(f"{len(strange)} files are left out, whose suffix or case is not that of the layout: {names}")
    recorded = _by_code([one for one in found if one.is_read], notes)
    if not recorded:
        raise SurveyError(f"{root}: no file there can be used\n  " + "\n  ".join(notes))
    return Survey(root, name, recorded, tuple(notes))


def _files(root: Path, pattern: str) -> tuple[list[Found], bool]:
    """Return the files whose path fits, and whether some entries were not looked at."""
    budget = Budget(_ENTRIES)
    return list(walk(root, components_of(pattern), {}, exactly=False, budget=budget)), budget.spent


def _by_code(found: list[Found], notes: list[str]) -> dict[SeedId, Recorded]:
    """Return what there is by code; codes that paths do not hold are those of the records."""
    groups: dict[tuple[str | None, ...], dict[date, Path]] = {}
    undated: list[str] = []
    for one in found:
        day = day_of(one)
        if day is None:
            undated.append(one.path.name)
            continue
        named = tuple(one.values.get(name) for name in ("network", "station", "location", "channel"))
        groups.setdefault(named, {})[day] = one.path
    if undated:
        notes.append(f"{len(undated)} files are left out, whose day does not exist: {some(undated, _NAMED)}")
    recorded: dict[SeedId, Recorded] = {}
    unreadable: list[str] = []
    for named, files in sorted(groups.items(), key=str):
        for code, rates in _contents(named, files, unreadable).items():
            own = recorded.setdefault(code, Recorded(min(files), max(files)))
            own.first, own.last = min(own.first, *files), max(own.last, *files)
            own.files.update(files)
            own.rates.update(rates)
    notes += unreadable[:_NAMED]
    if len(unreadable) > _NAMED:
        notes.append(f"{len(unreadable) - _NAMED} more files like these")
    return recorded


def _contents(
    named: tuple[str | None, ...], files: Mapping[date, Path], unreadable: list[str]
) -> dict[SeedId, set[float]]:
    """Return the codes and sampling rates in the first and in the last file that can be read.

    If the records have other codes than the path, the file is not used, and that is said.
    """
    contents: dict[SeedId, set[float]] = {}
    for days in (sorted(files), sorted(files, reverse=True)):
        for day in days[:_TRIES]:
            path = files[day]
            try:
                read = dict(_records(path))
            except (OSError, DamagedFileError) as error:
                said = str(error)
                unreadable.append(said if str(path) in said else f"{path}: {said}")
                continue
            ours = {code: rates for code, rates in read.items() if _fits(code, named)}
            if not ours:
                there = some([str(code) for code in read]) or "no samples"
                unreadable.append(f"{path}: its records hold {there}")
                continue
            for code, rates in ours.items():
                contents.setdefault(code, set()).update(rates)
            break
        else:
            break  # none can be read: they are not tried a second time
    # A file that is tried from both ends is said once.
    unreadable[:] = dict.fromkeys(unreadable)
    return contents


def _records(path: Path) -> Iterator[tuple[SeedId, set[float]]]:
    """Yield each code in a file with its sampling rates, Hz."""
    try:
        records = scan(content_of(path))
    except NotMiniSeedError as error:
        raise OSError(f"{path}: {error}") from error
    timed = has_samples(records)
    for identifier in np.unique(records.identifier[timed]).tolist():
        rates = records.sampling_rate[timed & (records.identifier == identifier)]
        yield SeedId(*(*identifier.split("."), "", "", "")[:4]), {float(f"{rate:.6g}") for rate in np.unique(rates)}


def _fits(code: SeedId, named: tuple[str | None, ...]) -> bool:
    """Return whether codes of records are those of a path, where the path has them."""
    return all(wanted is None or own == wanted.strip("-_") for own, wanted in zip(code, named, strict=True))
