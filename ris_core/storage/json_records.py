"""JSON files with a digest of their content, so that a changed byte is noticed when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ris_core.storage.atomic import replacing
from ris_core.storage.damage import REMADE, DamagedFileError, check_regular, damage_named

DIGEST = "file_digest"
"""Key of the digest; files of earlier versions have none and are accepted without it."""
_INDENT = "\t"
"""Earlier versions indented with blanks. So a file whose digest lost its name does not pass for one of theirs."""


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, sorted and indented; a mapping gets the digest of its other content."""
    with replacing(path) as temporary:
        temporary.write_text(to_text(value), encoding="utf-8")


def to_text(value: Any) -> str:
    """Return the text that `write_json` writes."""
    # The digest is that of the value as it will be read: keys are text, tuples are lists.
    value = json.loads(json.dumps(value, allow_nan=True))
    if isinstance(value, dict):
        value = {**value, DIGEST: _digest(value)}
    return json.dumps(value, indent=_INDENT, sort_keys=True, allow_nan=True) + "\n"


def read_json(path: Path, remedy: str = REMADE) -> Any:
    """Return the value that `write_json` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not JSON, or a mapping that does not match its digest.
    """
    with damage_named(path, remedy):
        check_regular(path, remedy)
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
    if isinstance(value, dict) and (DIGEST in value or _INDENT in text):
        kept = value.pop(DIGEST, None)
        if kept != _digest(value):
            raise DamagedFileError(path, "its content does not match its digest", remedy)
    return value


def read_record(path: Path, fields: Mapping[str, type | tuple[type, ...]], remedy: str = REMADE) -> dict[str, Any]:
    """Return a mapping that has at least these fields, each of its type; raises the errors of `read_json`."""
    return checked_fields(path, read_json(path, remedy), fields, remedy)


def checked_fields(
    path: Path, value: Any, fields: Mapping[str, type | tuple[type, ...]], remedy: str = REMADE
) -> dict[str, Any]:
    """Return the value of `read_json` if it is a mapping with these fields, else raise `DamagedFileError`."""
    if not isinstance(value, dict):
        raise DamagedFileError(path, "not a mapping of fields", remedy)
    for name, kind in fields.items():
        if name not in value:
            raise DamagedFileError(path, f"'{name}' is missing", remedy)
        if not isinstance(value[name], kind):
            raise DamagedFileError(path, f"'{name}' cannot be {str(value[name])[:80]!r}", remedy)
    return value


def _digest(value: dict[str, Any]) -> str:
    """Return 12 hexadecimal digits of the SHA-256 of the canonical JSON of a mapping without its digest."""
    rest = {name: item for name, item in value.items() if name != DIGEST}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, allow_nan=True).encode()).hexdigest()[:12]
