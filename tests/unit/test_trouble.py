"""Too little memory and broken databases are reported in one line; other errors are not changed."""

import sqlite3
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import sds_values
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from store import Store

from ris_core.config import Settings
from ris_core.memory import TooLittleMemoryError, memory_named, said_of_memory
from ris_core.storage.damage import DamagedFileError
from ris_dagster.database_trouble import DAGSTER_REMEDY, MLFLOW_REMEDY, explained_database, why_damaged
from ris_dagster.trouble import databases, explained

SETTINGS = Settings.model_validate(sds_values(Path("archive")))
QUERY = "SELECT count(*) FROM runs"


@pytest.fixture
def store(data_root: Path) -> Store:
    """A store with the databases of Dagster and MLflow, each with one row."""
    found = Store(SETTINGS, data_root / "small")
    for path in (found.dagster_home / "history" / "runs.db", found.mlflow / "mlflow.db"):
        path.parent.mkdir(parents=True)
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE runs (name TEXT UNIQUE)")
            connection.execute("INSERT INTO runs VALUES ('one')")
        connection.close()
    return found


def failed(path: Path, query: str = QUERY, options: str = "") -> Exception:
    """Return the error that SQLAlchemy raises for a query, as Dagster and MLflow ask."""
    engine = create_engine(f"sqlite:///file:{path}?uri=true{options}", poolclass=NullPool)
    with pytest.raises(Exception) as caught, engine.begin() as connection:
        connection.execute(text(query))
    return caught.value


@pytest.mark.parametrize("content", [b"this is no database " * 99, b"\0" * 8192])
def test_a_damaged_database_is_named_with_what_is_lost(store: Store, content: bytes) -> None:
    runs, mlflow = databases(store)
    for path, remedy in ((runs, DAGSTER_REMEDY), (mlflow, MLFLOW_REMEDY)):
        good = path.read_bytes()
        path.write_bytes(content)
        assert explained(failed(path), (SETTINGS, store)) == f"{path}: damaged (file is not a database); {remedy}"
        path.write_bytes(good)
        assert why_damaged(path) == ""


def test_a_damaged_page_is_found_whatever_the_error_was(store: Store) -> None:
    path = databases(store)[0]
    data = bytearray(path.read_bytes())
    data[400:] = bytes(255 - byte for byte in data[400:])
    path.write_bytes(data)
    assert why_damaged(path)
    assert explained(failed(path), (SETTINGS, store)).startswith(f"{path}: damaged (")
    # The name of a table that cannot be decoded ends in an error of Python's.
    try:
        failed(path)
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte") from failed(path)
    except UnicodeDecodeError as error:
        assert f"{path}: damaged" in explained(error, (SETTINGS, store))


def test_databases_that_are_full_closed_or_held_are_told_from_damaged_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, mlflow = files = databases(store)
    insert = "INSERT INTO runs VALUES ('two')"
    closed = failed(runs, insert, "&mode=ro")
    assert "a database that may not be written (attempt to write a readonly database)" in explained(
        closed, (SETTINGS, store)
    )
    absent = failed(runs.with_name("no.db"), QUERY, "&mode=rw")
    assert "may not be written (unable to open database file)" in explained(absent, (SETTINGS, store))
    holder = sqlite3.connect(mlflow, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    held = failed(mlflow, QUERY, "&timeout=0")
    assert "is held by another process (database is locked)" in explained(held, (SETTINGS, store))
    holder.close()
    full = sqlite3.OperationalError("database or disk is full")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1, 1, 0 if path == mlflow.parent else 10**9))
    said = explained_database(full, files)
    assert said.startswith(f"{mlflow.parent}: a database cannot be written, the disk is full (")


def test_errors_that_are_not_known_keep_their_traceback(store: Store) -> None:
    path = databases(store)[0]
    assert explained(failed(path, "INSERT INTO runs VALUES ('one')"), (SETTINGS, store)) == ""
    assert explained(failed(path, "SELECT * FROM nothing"), (SETTINGS, store)) == ""
    assert explained(KeyError("a fault of ours"), (SETTINGS, store)) == ""
    assert explained(KeyError("before there was a network"), None) == ""
    assert explained(DamagedFileError("a.json", "why", "do this"), None) == "a.json: damaged (why); do this"


def test_too_little_memory_is_understood_whichever_library_says_it() -> None:
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**60, np.uint8)
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(2**60)
    for caught in (of_numpy, of_torch):
        said = explained(caught.value, None)
        assert said.startswith("too little memory (") and "training_set.in_memory lower" in said
        assert "\n" not in said
    assert said_of_memory(OSError(12, "Cannot allocate memory", "a.h5"))
    assert said_of_memory(MemoryError()) == "MemoryError"
    assert said_of_memory(RuntimeError("shapes do not fit")) == ""
    assert said_of_memory(OSError(2, "No such file")) == ""


def test_what_needs_the_memory_and_what_is_set_are_part_of_the_error() -> None:
    expected = r"the set \(9 GB\): too little memory \(no room\); set training_set.in_memory \(now 2 GB\) lower"
    in_memory = SETTINGS.training_set.in_memory
    with pytest.raises(TooLittleMemoryError, match=expected), memory_named("the set (9 GB)", in_memory):
        raise MemoryError("no room")
    with pytest.raises(TooLittleMemoryError, match=r"^the set \(9 GB\)"), memory_named("outside"):  # noqa: SIM117
        with memory_named("the set (9 GB)", in_memory):
            raise MemoryError("no room")
    with pytest.raises(ValueError, match="another one"), memory_named("the set", in_memory):
        raise ValueError("another one")
