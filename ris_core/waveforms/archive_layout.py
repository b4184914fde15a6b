"""The files of an archive for a station-day, and similar files near their expected paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ris_core.config.archive_pattern import Component, components_of

SUFFIXES = (".mseed", ".miniseed", ".msd", ".ms", ".mseed3", ".ms3")
"""Suffixes that a file's name may have after its pattern; ``.gz`` may follow."""

_SUFFIX = re.compile(rf"(?:{'|'.join(re.escape(s) for s in SUFFIXES)})?(?:\.gz)?", re.IGNORECASE)
_ANY_SUFFIX = r"(?P<suffix>(?:\.[A-Za-z0-9]{1,8}){0,3})"
_CODE = r"[A-Za-z0-9]{1,8}"
_FIELD = {
    "year": r"\d{4}",
    "julday": r"\d{3}",
    "month": r"\d\d",
    "day_of_month": r"\d\d",
    "hour": r"\d\d",
    "network": _CODE,
    "station": _CODE,
    "location": r"(?:[A-Za-z0-9]{0,8}|--|__)",
    "channel": r"[A-Za-z0-9]{3}",
}
_NEAR_ENTRIES = 20_000
_NAMED = 5


@dataclass
class Budget:
    """The number of folder entries that may still be looked at, so that a search in a large archive ends."""

    entries: int

    @property
    def spent(self) -> bool:
        """Whether some entries were not looked at."""
        return self.entries < 0


@dataclass(frozen=True)
class Found:
    """A file whose name fits a pattern.

    Attributes
    ----------
    path
        The file.
    values
        Values of the pattern's fields in its name.
    suffix
        The rest of the name.
    same_case
        Whether upper and lower case are as expected.
    """

    path: Path
    values: Mapping[str, str]
    suffix: str
    same_case: bool

    @property
    def is_read(self) -> bool:
        """Whether a file with this suffix is read."""
        return self.same_case and _SUFFIX.fullmatch(self.suffix) is not None


def date_values(day: date) -> dict[str, str]:
    """Return the values of a day for the fields of a pattern."""
    return {
        "year": f"{day.year:04d}",
        "julday": f"{day.timetuple().tm_yday:03d}",
        "month": f"{day.month:02d}",
        "day_of_month": f"{day.day:02d}",
    }


class Layout:
    """The files of an archive by station and day.

    Parameters
    ----------
    root
        The archive's folder.
    pattern
        See `components_of`.
    network, location, channel
        The requested codes.
    """

    def __init__(self, root: Path, pattern: str, network: str, location: str, channel: str) -> None:
        self.root = root
        self.codes = {"network": network, "location": location, "channel": channel}
        self._components = components_of(pattern)

    def values(self, station: str, day: date) -> dict[str, str]:
        """Return the values of the fields for a station-day, except the hour."""
        return {**self.codes, "station": station, **date_values(day)}

    def expected(self, station: str, day: date) -> Path:
        """Return the expected path of a station-day; ``*`` and ``?`` stand for parts that the pattern leaves open."""
        values = {"hour": "*", **self.values(station, day)}
        return self.root.joinpath(*(_name(component, values) for component in self._components))

    def files(self, station: str, day: date) -> tuple[list[Path], list[tuple[Path, Path]]]:
        """Return a day's files in the order of their names, and unused files, each with the one used instead.

        Of files that differ only in their suffix, the one with the shortest name is used.

        Raises
        ------
        OSError
            A folder cannot be read; the message names it.
        """
        by_name: dict[str, list[Path]] = {}
        for found in walk(self.root, self._components, self.values(station, day), exactly=True):
            if found.is_read:
                whole = str(found.path)
                by_name.setdefault(whole[: len(whole) - len(found.suffix)], []).append(found.path)
        taken: list[Path] = []
        aside: list[tuple[Path, Path]] = []
        for _, paths in sorted(by_name.items()):
            first, *others = sorted(paths, key=lambda path: (len(path.name), path.name))
            taken.append(first)
            aside += [(other, first) for other in others]
        return taken, aside

    def nearly(self, station: str, day: date) -> list[str]:
        """Return in words which files of a station-day have almost the right name, the most similar first."""
        asked = {"station": station, **date_values(day)}
        found = list(self.search(asked, Budget(_NEAR_ENTRIES)))
        wanted = self.codes["channel"]

        def distance(near: Found) -> tuple[object, ...]:
            channel = near.values.get("channel", wanted).upper()
            other_order = sorted(channel) == sorted(wanted)
            other_network = near.values.get("network", "").upper() != self.codes["network"]
            return other_network, channel != wanted, not other_order, near.values.get("location", ""), near.path.name

        near = [f for f in sorted(found, key=distance) if not (f.is_read and not self.differences(f))]
        told = [f"{f.path.relative_to(self.root)} ({', '.join(self.differences(f))})" for f in near[:_NAMED]]
        return told + ([f"{len(near) - _NAMED} more"] if len(near) > _NAMED else [])

    def search(self, known: Mapping[str, str], budget: Budget) -> Iterator[Found]:
        """Yield files whose names fit the pattern with some fields in upper or lower case, within a budget."""
        yield from walk(self.root, self._components, known, False, budget)

    def there(self, name: str, known: Mapping[str, str], budget: Budget) -> list[str]:
        """Return the values of a field, like ``station``, in existing names, with some fields given."""
        return sorted(set(_values(self.root, self._components, name, known, budget)))

    def missing_folder(self, station: str, day: date) -> Path | None:
        """Return the first folder on the path to a station-day that does not exist; none if all exist."""
        values, folder = {"hour": "*", **self.values(station, day)}, self.root
        for component in self._components[:-1]:
            folder = folder / _name(component, values)
            if _is_open(component, values):
                return None
            if not folder.is_dir():
                return folder
        return None

    def differences(self, near: Found) -> list[str]:
        """Return in words how codes, case and suffix of a file differ from the expected ones."""
        differs = [
            f"{name} '{near.values[name]}' instead of '{code}'"
            for name, code in self.codes.items()
            if name in near.values and near.values[name].upper() != code
        ]
        if not near.same_case:
            differs.append("upper and lower case differ")
        if _SUFFIX.fullmatch(near.suffix) is None:
            differs.append(f"suffix '{near.suffix}', read are none, {', '.join(SUFFIXES)}, each with or without .gz")
        return differs


def walk(
    folder: Path,
    components: tuple[Component, ...],
    known: Mapping[str, str],
    exactly: bool,
    budget: Budget | None = None,
    same_case: bool = True,
) -> Iterator[Found]:
    """Yield the files below a folder that fit the components of a pattern.

    Parameters
    ----------
    folder
        The folder of the first component.
    components
        The remaining components.
    known
        Values of fields; other fields may have any value.
    exactly
        Whether upper and lower case must be as in `known`.
    budget
        Limits the number of entries that are looked at.
    same_case
        Whether upper and lower case were as expected so far.

    Raises
    ------
    OSError
        A folder cannot be read; the message names it.
    """
    component, *rest = components
    if rest and exactly and not _is_open(component, known):
        name = _name(component, known)
        yield from walk(folder / name if name else folder, tuple(rest), known, exactly, budget, same_case)
        return
    form = _regex(component, known, last=not rest, exactly=exactly)
    right = re.compile(form.pattern)
    for name in _names(folder, budget, files=not rest):
        match = form.fullmatch(name)
        if match is None:
            continue
        values = {**known, **{k: v for k, v in match.groupdict().items() if k != "suffix"}}
        as_is = same_case and right.fullmatch(name) is not None
        if rest:
            yield from walk(folder / name, tuple(rest), values, exactly, budget, as_is)
        else:
            yield Found(folder / name, values, match["suffix"], as_is)


def _values(
    folder: Path, components: tuple[Component, ...], wanted: str, known: Mapping[str, str], budget: Budget
) -> Iterator[str]:
    """Yield the values of a field, from the first folder or file name that contains it."""
    component, *rest = components
    there = any(piece.field == wanted for piece in component)
    form = _regex(component, known, last=not rest, exactly=False)
    for name in _names(folder, budget, files=not rest):
        match = form.fullmatch(name)
        if match is None:
            continue
        if there:
            yield match[wanted]
        elif rest:
            yield from _values(folder / name, tuple(rest), wanted, {**known, **match.groupdict()}, budget)


def _names(folder: Path, budget: Budget | None, files: bool) -> list[str]:
    """Return the sorted names of a folder's entries if files are searched, or else of the folders in it."""
    try:
        with os.scandir(folder) as entries:
            names = []
            for entry in entries:
                if budget is not None:
                    budget.entries -= 1
                    if budget.spent:
                        break
                # An entry of this name that cannot be read (a folder, a link that leads nowhere) is not absent.
                if files or _is_folder(entry):
                    names.append(entry.name)
            return sorted(names)
    except (FileNotFoundError, NotADirectoryError):
        refuse_broken_link(folder)
        return []
    except OSError as error:
        raise OSError(f"{folder}: the folder cannot be looked into ({error.strerror or error})") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link that leads to itself
        return entry.is_dir()
    return False


def refuse_broken_link(path: Path) -> None:
    """Raise `OSError` if a path, or a folder on it, is a link that leads nowhere."""
    for part in (path, *path.parents):
        if part.is_symlink() and not part.exists():
            raise OSError(f"{part}: a link to {part.readlink()}, which is not there; is its disk mounted?")


def _is_open(component: Component, known: Mapping[str, str]) -> bool:
    """Return whether several names may fit a component."""
    return any(p.field not in known if p.field else any(sign in p.text for sign in "*?") for p in component)


def _name(component: Component, values: Mapping[str, str]) -> str:
    return "".join(values[piece.field] if piece.field else piece.text for piece in component)


def _regex(component: Component, known: Mapping[str, str], last: bool, exactly: bool) -> re.Pattern[str]:
    parts, named = [], set()
    for piece in component:
        if not piece.field:
            signs = {"*": "[^/]*?", "?": "[^/]"}
            parts.append("".join(signs.get(sign, re.escape(sign)) for sign in piece.text))
        elif piece.field in known:
            parts.append(re.escape(known[piece.field]))
        elif piece.field in named:
            parts.append(f"(?P={piece.field})")
        else:
            named.add(piece.field)
            parts.append(f"(?P<{piece.field}>{_FIELD[piece.field]})")
    return re.compile("".join(parts) + (_ANY_SUFFIX if last else ""), re.NOFLAG if exactly else re.IGNORECASE)
