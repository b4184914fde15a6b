"""Paths of an archive's files: a pattern with named fields, checked when settings are loaded."""

from __future__ import annotations

import string
from dataclasses import dataclass

FIELDS = {
    "year": "four digits",
    "julday": "day of the year, three digits",
    "day": "the same as julday",
    "month": "two digits",
    "day_of_month": "two digits",
    "hour": "two digits; all files of the day are read",
    "network": "code",
    "station": "code",
    "location": "code, may be empty",
    "channel": "code",
}
"""The fields of a pattern and how they are written."""

LAYOUTS = {
    "SDS": "{year}/{network}/{station}/{channel}.D/{network}.{station}.{location}.{channel}.D.{year}.{julday}",
    "BUD": "{network}/{station}/{station}.{network}.{location}.{channel}.{year}.{julday}",
    "IDDS": "{year}/{network}/{station}/{channel}.D/{julday}/"
    "{network}.{station}.{location}.{channel}.D.{year}.{julday}.{hour}",
    "PDF": "{year}/{station}/{channel}.D/{network}.{station}.{location}.{channel}.D.{year}.{julday}",
}
"""Patterns with a name; the names are those of MSNoise."""


@dataclass(frozen=True)
class Piece:
    """Literal text of a pattern, in which ``*`` and ``?`` are wildcards, or a field."""

    text: str = ""
    field: str = ""


Component = tuple[Piece, ...]
"""The name of one folder, or of the file."""


def components_of(pattern: str) -> tuple[Component, ...]:
    """Return the parts of a pattern between its slashes; ``day`` becomes ``julday``.

    Parameters
    ----------
    pattern
        A name of `LAYOUTS`, or a path below the archive's root with fields in braces.

    Raises
    ------
    ValueError
        A field is unknown, station or date are missing, or the path leads out of the root; says what is allowed.
    """
    text = LAYOUTS.get(pattern, pattern)
    if "/" not in text and "{" not in text:
        raise ValueError(
            f"'{pattern}' is neither the name of a layout ({', '.join(LAYOUTS)}) nor a pattern like '{LAYOUTS['SDS']}'"
        )
    names = text.split("/")
    if text.startswith("/") or "\\" in text or "\0" in text or any(name in ("", ".", "..") for name in names):
        raise ValueError(
            f"'{pattern}' must be a path below source.root: without a slash at its beginning, a backslash, an empty "
            "part, '.' or '..'"
        )
    components = tuple(_pieces(name, pattern) for name in names)
    used = {piece.field for component in components for piece in component}
    if "station" not in used:
        raise ValueError(f"'{pattern}' has no {{station}}: it cannot distinguish the stations' files")
    if "year" not in used or not ("julday" in used or {"month", "day_of_month"} <= used):
        raise ValueError(
            f"'{pattern}' names no day: it needs {{year}} and {{julday}}, or {{year}}, {{month}} and {{day_of_month}}"
        )
    if "{day}" in text and "{month}" in text:
        raise ValueError(
            f"'{pattern}': {{day}} is the day of the year; beside {{month}} write {{julday}} or {{day_of_month}}"
        )
    return components


def _pieces(name: str, pattern: str) -> Component:
    found = []
    try:
        parsed = list(string.Formatter().parse(name))
    except ValueError as error:
        raise ValueError(f"'{pattern}': its braces do not match ({error})") from error
    for text, field, form, conversion in parsed:
        if text:
            found.append(Piece(text=text))
        if field is None:
            continue
        if field not in FIELDS:
            known = ", ".join(f"{{{known}}}" for known in FIELDS)
            raise ValueError(f"'{pattern}': the field {{{field}}} is not known; known are {known}")
        if form or conversion:
            raise ValueError(f"'{pattern}': write {{{field}}} without a format; it is always: {FIELDS[field]}")
        found.append(Piece(field="julday" if field == "day" else field))
    return tuple(found)
