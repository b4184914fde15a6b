"""Lines of the review log: a decision as JSON, with a digest of itself and that of the line before."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from ris_core.contracts.decision import Decision, Kind
from ris_core.storage.damage import DamagedFileError

FIRST = "0" * 16
"""What the first line has as the digest of the line before."""
REMEDY = (
    "put back a copy of it from before the change; without one, `ris review salvage` keeps the sound lines and names "
    "the others"
)
_LATER = "use the version of this platform that wrote it, or a later one"
_FORMAT = 1
_TEXT = ("kind", "reviewer", "class_name", "reason", "model", "note", "id")
_TEXTS = ("event_ids", "former", "withdrawn")
_FIELDS = {*_TEXT, *_TEXTS, "bulk", "time", "before"}


class LaterFormatError(DamagedFileError):
    """A later version of the platform wrote a decision that this one does not know."""


def to_line(decision: Decision, before: str) -> tuple[bytes, str]:
    """Return the line of a decision after the line with the digest `before`, and its own digest."""
    values: dict[str, Any] = {name: getattr(decision, name) for name in _TEXT}
    values |= {name: list(getattr(decision, name)) for name in _TEXTS}
    values |= {"bulk": decision.bulk, "time": decision.time.isoformat(timespec="microseconds")}
    values |= {"format": _FORMAT, "before": before}
    digest = _digest(values)
    text = json.dumps({**values, "digest": digest}, sort_keys=True, ensure_ascii=False)
    return text.encode() + b"\n", digest


def of_line(path: Path, number: int, line: bytes, before: str | None) -> tuple[Decision, str]:
    """Return the decision of a line, and its digest.

    Parameters
    ----------
    path, number
        The log and the number of the line, from 1, for messages.
    line
        Without its newline.
    before
        Digest of the line before it; None does not look at it.

    Raises
    ------
    DamagedFileError
        The line is not what was written, or does not follow the line before it.
    LaterFormatError
        A later version wrote it.
    """

    def damaged(why: str) -> DamagedFileError:
        return DamagedFileError(path, f"line {number}: {why}", REMEDY)

    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged(f"not JSON: {line[:60]!r}") from error
    if not isinstance(values, dict):
        raise damaged(f"not a decision: {line[:60]!r}")
    digest = values.pop("digest", None)
    if not isinstance(digest, str) or digest != _digest(values):
        raise damaged("it does not match its digest, so it was changed")
    if before is not None and values.get("before") != before:
        raise damaged("it does not follow the line before it: lines were removed, moved or inserted there")
    _require_known(path, number, values)
    try:
        return _decision(values), digest
    except (TypeError, ValueError) as error:
        raise damaged(str(error)) from error


def _require_known(path: Path, number: int, values: dict[str, Any]) -> None:
    version, kind = values.pop("format", None), values.get("kind")
    if version != _FORMAT:
        what = f"of format {version!r}"
    elif kind not in get_args(Kind):
        what = f"of the kind {kind!r}"
    elif other := sorted(values.keys() ^ _FIELDS):
        what = f"that differs in the fields {', '.join(other)}"
    else:
        return
    raise LaterFormatError(path, f"line {number}: a decision {what[:200]}, which this version does not know", _LATER)


def _decision(values: dict[str, Any]) -> Decision:
    rest = {name: value for name, value in values.items() if name != "before"}
    if not all(isinstance(rest[name], str) for name in (*_TEXT, "time")) or not isinstance(rest["bulk"], bool):
        raise TypeError("a field has another type")
    for name in _TEXTS:
        if not isinstance(rest[name], list) or not all(isinstance(item, str) for item in rest[name]):
            raise TypeError(f"{name} is not a list of text")
        rest[name] = tuple(rest[name])
    return Decision(**{**rest, "time": datetime.fromisoformat(rest["time"])})


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
