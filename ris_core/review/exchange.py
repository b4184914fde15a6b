"""Review logs as CSV, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ris_core.contracts.decision import Decision, class_name
from ris_core.storage.atomic import replacing

COLUMNS = (
    *("id", "time", "reviewer", "kind", "event_ids", "class_name"),
    *("former", "withdrawn", "bulk", "reason", "model", "note"),
)
_SIMPLE = "event_id"
_BETWEEN = {"event_ids": " ", "withdrawn": " ", "former": ";"}
_DEFAULTS = {"kind": "label", "reason": "free", "bulk": "false"}
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class ReviewTableError(ValueError):
    """A file is not a table of reviews; the message says what it needs."""


@dataclass(frozen=True)
class ReadTable:
    """The decisions of a CSV file.

    Attributes
    ----------
    decisions
        In the order of the rows.
    left_out
        In words, the rows that are left out, with their lines.
    """

    decisions: tuple[Decision, ...]
    left_out: tuple[str, ...]


def write_csv(path: Path, decisions: Sequence[Decision]) -> None:
    """Write decisions as CSV (UTF-8), one row each, from which `read_csv` gives the same decisions."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for decision in decisions:
        row: dict[str, Any] = {name: getattr(decision, name) for name in COLUMNS}
        row |= {name: sign.join(row[name]) for name, sign in _BETWEEN.items()}
        row["time"] = decision.time.isoformat(timespec="microseconds")
        row["bulk"] = "true" if decision.bulk else "false"
        writer.writerow(row)
    with replacing(path) as temporary:
        temporary.write_bytes(text.getvalue().encode())


def read_csv(path: Path, known: Collection[str], logged: Sequence[Decision], reviewer: str) -> ReadTable:
    """Return the decisions of a CSV file: one of `write_csv`, or a table of `event_id` and `class_name`.

    A row that cannot be used is left out: of events that the data root does not have, of a name that cannot be one. A
    row without `id` gets one from its content, so that the same file can be read again without adding anything.

    Parameters
    ----------
    path
        UTF-8, with a header; columns are parted by commas or semicolons.
    known
        Identifiers of all processed events.
    logged
        The decisions that the log has; a row that would change one of them is left out.
    reviewer
        Who decided, where a row does not say so.

    Raises
    ------
    ReviewTableError
        The file is no such table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewTableError(f"{path}: it is not text in UTF-8 ({error}); save it as CSV in UTF-8") from error
    head = text.splitlines()[0] if text.strip() else ""
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = set(reader.fieldnames or ())
    twice = sorted({str(name) for name in reader.fieldnames or () if list(reader.fieldnames or ()).count(name) > 1})
    if twice or {_SIMPLE, "event_ids"} <= names:
        why = f"the column {twice[0]} is there twice" if twice else f"it has both {_SIMPLE} and event_ids"
        raise ReviewTableError(f"{path}: {why}, so that it is not clear what is meant; leave one of them")
    if not {_SIMPLE, "event_ids"} & names or "class_name" not in names or (other := names - {*COLUMNS, _SIMPLE}):
        extra = f"; {', '.join(sorted(map(str, other)))} are not known" if "class_name" in names and other else ""
        raise ReviewTableError(
            f"{path}: its first line must name the columns event_id and class_name, or those of `ris review export` "
            f"({', '.join(COLUMNS)}){extra}"
        )
    decisions: list[Decision] = []
    left_out: list[str] = []
    events, first = set(known), {decision.id: decision for decision in logged}
    try:
        for row in reader:
            line = reader.line_num
            try:
                decision = _decision(row, reviewer, first)
                _require(decision, events, first)
            except (ValueError, TypeError, OverflowError) as error:
                left_out.append(f"line {line}: {error}")
                continue
            decisions.append(decision)
            first[decision.id] = decision
    except csv.Error as error:
        raise ReviewTableError(f"{path}: line {reader.line_num} is not CSV ({error})") from error
    return ReadTable(tuple(decisions), tuple(left_out))


def _require(decision: Decision, events: Collection[str], first: dict[str, Decision]) -> None:
    absent = [name for name in decision.event_ids if name not in events]
    if absent:
        raise ValueError(
            f"{len(absent)} of {len(decision.event_ids)} events are not among the processed ones, as {absent[0]}"
        )
    if first.get(decision.id, decision) != decision:
        raise ValueError(f"there is another decision with the id {decision.id}, which cannot be changed: withdraw it")


def _decision(row: dict[Any, Any], reviewer: str, first: dict[str, Decision]) -> Decision:
    if None in row or None in row.values():
        raise ValueError("it has more or fewer columns than the first line")
    values = {name: str(value).strip() for name, value in row.items() if name != "note"}
    values = {**_DEFAULTS, "reviewer": reviewer, **{name: value for name, value in values.items() if value}}
    found: dict[str, Any] = {name: values.get(name, "") for name in ("kind", "reviewer", "reason", "model")}
    found["note"] = str(row.get("note") or "")
    for name, sign in _BETWEEN.items():
        found[name] = tuple(part.strip() for part in values.get(name, "").split(sign) if part.strip())
    if _SIMPLE in values:
        found["event_ids"] = (values[_SIMPLE],)
    found["class_name"] = class_name(values["class_name"]) if "class_name" in values else ""
    bulk = values["bulk"].casefold()
    if bulk not in (*_TRUE, *_FALSE):
        raise ValueError(f"bulk is {bulk!r}; it must be true or false")
    found["bulk"] = bulk in _TRUE
    if "time" in values:
        time = datetime.fromisoformat(values["time"])
        if time.tzinfo is None:
            raise ValueError(f"time is {values['time']}; it needs a time zone, like +00:00")
        found["time"] = time.astimezone(UTC)
    if "id" not in values and (read_before := first.get(_id_of(found))) is not None:
        return read_before
    found["id"] = values.get("id") or _id_of(found)
    return Decision(**found)


def _id_of(found: dict[str, Any]) -> str:
    """Return an identifier that is the same for the same content."""
    text = repr(sorted((name, str(value)) for name, value in found.items()))
    return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4))
