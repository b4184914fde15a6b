"""Absolute places in MLflow's database: which there are, and how they follow a data root that was moved or copied.

MLflow has no command for this. It keeps the places of artifacts in several tables (experiments, runs, logged models,
versions of models), and paths in JSON (data sets, tags). So every column of text is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ris_dagster.relocation import Relocation

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

ARTIFACTS = ("mlflow", "artifacts")
"""Folders below a data root in which artifacts lie."""
_NO_PLACES = frozenset({"alembic_version", "metrics", "latest_metrics"})


class TooLongError(ValueError):
    """A place does not fit into its column; the message names both."""


@dataclass(frozen=True)
class Rewritten:
    """How many values of a column were rewritten.

    Attributes
    ----------
    table, column
        Where.
    rows
        Number of rows.
    """

    table: str
    column: str
    rows: int


def root_of_artifacts(location: str | None) -> Path | None:
    """Return the data root to which a place of artifacts belongs; None if it is of another kind."""
    parts = urlsplit(location or "")
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = Path(unquote(parts.path))
    return path.parents[1] if path.parts[-2:] == ARTIFACTS else None


def location_of(uri: str, experiment: str) -> str | None:
    """Return where the artifacts of an experiment go; None if the database has no such experiment.

    Parameters
    ----------
    uri
        Address of the database.
    experiment
        Name of the experiment.
    """
    from sqlalchemy import inspect, text

    engine = _engine(uri)
    with engine.connect() as connection:
        if not inspect(connection).has_table("experiments"):
            return None
        query = text("SELECT artifact_location FROM experiments WHERE name = :name")
        return connection.execute(query, {"name": experiment}).scalar()


def rewrite(uri: str, relocation: Relocation) -> list[Rewritten]:
    """Let all places in a database that lie in a data root follow it, in one transaction; return what was changed.

    Parameters
    ----------
    uri
        Address of the database, in SQLite or Postgres.
    relocation
        From where to where.

    Raises
    ------
    TooLongError
        A new place is longer than its column, which Postgres refuses; nothing was changed.
    """
    from sqlalchemy import MetaData, inspect

    engine = _engine(uri)
    with engine.begin() as connection:
        if not inspect(connection).has_table("experiments"):
            return []
        tables = MetaData()
        tables.reflect(connection)
        return [one for table in tables.sorted_tables for one in _rewrite_table(connection, table, relocation)]


def _engine(uri: str) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    return create_engine(uri, poolclass=NullPool)


def _rewrite_table(connection: "Connection", table: "Table", relocation: Relocation) -> Iterator[Rewritten]:
    from sqlalchemy import String

    keys, limited = list(table.primary_key.columns), connection.dialect.name != "sqlite"
    if table.name in _NO_PLACES or not keys:
        return
    for column in table.columns:
        if not isinstance(column.type, String) or column.primary_key:
            continue
        rows = 0
        for value, *key in connection.execute(_text_of(column, keys, relocation)).all():
            new = relocation.follow(value)
            if new == value:
                continue
            if limited and column.type.length is not None and len(new) > column.type.length:
                raise TooLongError(
                    f"{new} has {len(new)} characters, but {table.name}.{column.name} of MLflow's database takes "
                    f"{column.type.length}; give the data root a shorter path"
                )
            this: Any = table.update().values({column.name: new})
            for part, of_row in zip(keys, key, strict=True):
                this = this.where(part == of_row)
            connection.execute(this)
            rows += 1
        if rows:
            yield Rewritten(table.name, column.name, rows)


def _text_of(column: Any, keys: list[Any], relocation: Relocation) -> Any:
    from sqlalchemy import or_, select

    return select(column, *keys).where(or_(*(column.contains(text, autoescape=True) for text in relocation.spellings)))
