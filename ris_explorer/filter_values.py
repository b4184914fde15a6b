"""Values of a filter, read from the text of an address: lists, times, ranges, polygons."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from ris_explorer.answers import RefusedError

_MOST_CORNERS, _MOST_EVENTS = 512, 5000
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?")
_CYCLE = re.compile(r"(\d{1,2})-(\d{1,2})")
_EVENT = re.compile(r"[!-~]{1,200}")


def listed(text: str) -> tuple[str, ...]:
    """Return the parts between commas, each once."""
    return tuple(dict.fromkeys(part for part in text.split(",") if part))


def whole_number(name: str, text: str) -> int:
    """Return a whole number; raises `RefusedError`."""
    try:
        return int(text)
    except ValueError:
        raise RefusedError(f"{name} = {text[:40]!r} is not a whole number") from None


def time_of(name: str, text: str) -> int | None:
    """Return a time of a request in ns since 1970 UTC, or None if it is empty; raises `RefusedError`."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        found = pd.Timestamp(time if time.tzinfo else time.replace(tzinfo=UTC))
        return int(found.as_unit("ns").value)
    except (ValueError, OverflowError):
        raise RefusedError(f"{name} = {text[:40]!r} is not a time like 2015-01-31T06:00Z") from None


def cycle_of(name: str, text: str, least: int, greatest: int) -> tuple[int, int] | None:
    """Return first and last of a range of hours or months, or None if it is empty; raises `RefusedError`."""
    if not text:
        return None
    match = _CYCLE.fullmatch(text)
    if match is None or not all(least <= int(part) <= greatest for part in match.groups()):
        raise RefusedError(f"{name} = {text[:40]!r} is not a range like {least}-{greatest}, both inclusive")
    return int(match[1]), int(match[2])


def range_of(name: str, text: str) -> tuple[float, float]:
    """Return both ends of a range, infinite where it has none; raises `RefusedError`."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise RefusedError(f"{name} = {text[:40]!r} is not a range like 0.2..0.9, 3.. or ..5")
    least, greatest = float(match[1] or "-inf"), float(match[2] or "inf")
    if least > greatest:
        raise RefusedError(f"{name} = {text[:40]!r}: the first end is greater than the second")
    return least, greatest


def one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    """Return one of the known words, or empty; raises `RefusedError`."""
    if text and text not in known:
        raise RefusedError(f"{name} = {text[:40]!r} is none of {', '.join(known)}")
    return text


def event_or_word(name: str, text: str) -> str:
    """Return what may be an identifier; raises `RefusedError`."""
    if text and not _EVENT.fullmatch(text):
        raise RefusedError(f"{name} = {text[:40]!r} is neither yes, no, nor the identifier of an event")
    return text


def events_of(text: str) -> tuple[str, ...]:
    """Return what may be identifiers of events; raises `RefusedError`."""
    found = listed(text)
    if len(found) > _MOST_EVENTS or not all(_EVENT.fullmatch(name) for name in found):
        raise RefusedError(f"events takes at most {_MOST_EVENTS} identifiers of events, with commas")
    return found


def polygon_of(text: str) -> tuple[tuple[float, float], ...]:
    """Return the corners (x, y) of a polygon, none if it is empty; raises `RefusedError`."""
    if not text:
        return ()
    try:
        corners = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in text.split(";")))
    except ValueError:
        raise RefusedError("lasso is not a polygon like 0.1,0.2;0.3,0.2;0.3,0.4") from None
    if not 3 <= len(corners) <= _MOST_CORNERS or not np.isfinite(corners).all():
        raise RefusedError(f"lasso takes 3 to {_MOST_CORNERS} corners of finite numbers")
    return corners
