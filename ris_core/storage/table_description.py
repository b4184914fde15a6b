"""What a reader of a table must know, in one place: the data dictionary is made of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class TableDescription:
    """A table on disk for the data dictionary.

    Attributes
    ----------
    name
        What it is called.
    path
        Where it lies below the data root, with placeholders in capitals like ``day=DAY.parquet``.
    about
        What one row is, and what else a reader must know, in whole sentences.
    schema
        Its columns; their metadata are ``description``, ``unit``, ``range`` and ``source``.
    read_with
        The function of `ris_core.access` that reads it; empty if there is none.
    """

    name: str
    path: str
    about: str
    schema: pa.Schema = field(repr=False)
    read_with: str = ""


def about_column(column: pa.Field) -> dict[str, str]:
    """Return what a column says of itself: ``description``, ``unit``, ``range`` and ``source``, as far as there."""
    return {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}


def as_markdown(tables: Sequence[TableDescription]) -> str:
    """Return the data dictionary of tables as Markdown: a section for each, with a row for each column."""
    return "\n".join(line for table in tables for line in _section(table))


def _section(table: TableDescription) -> list[str]:
    lines = ["", f"## {table.name}", "", f"`{table.path}`", "", table.about]
    if table.read_with:
        lines[-1] += f" Read it with `ris_core.access.{table.read_with}`."
    lines += ["", "| column | type | unit | meaning | source |", "|---|---|---|---|---|"]
    for column in table.schema:
        said = about_column(column)
        meaning = said.get("description", "")
        if "range" in said:
            meaning += f" ({said['range']})"
        cells = [f"`{column.name}`", _kind(column), said.get("unit", ""), meaning, said.get("source", "")]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _kind(column: pa.Field) -> str:
    """Return the type of a column in words, and whether values may be absent."""
    kind = column.type
    text = "time (UTC, ns)" if pa.types.is_timestamp(kind) else str(kind)
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        text = f"list of {kind.value_type}"
    return text + (", or none" if column.nullable else "")
