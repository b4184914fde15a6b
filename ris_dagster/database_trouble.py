"""Errors of the SQLite databases of Dagster and MLflow, each as one line with the file and the remedy."""

import os
import re
import shutil
import sqlite3
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

_SAID = re.compile(r"\(sqlite3\.\w+\) ([^\n]+)")
_DAMAGED = ("file is not a database", "malformed", "file is encrypted", "unsupported file format")
_FULL = ("database or disk is full",)
_READ_ONLY = ("attempt to write a readonly database", "unable to open database file")
_LOCKED, _IO = ("database is locked", "database table is locked"), ("disk I/O error",)
_LOOK_S = 20
_LEAST_FREE = 1_000_000

DAGSTER_REMEDY = (
    "end what uses it, move it away (with its -wal and -shm), and repeat the command: Dagster makes a new one. Its "
    "record of runs is lost; products and models are kept, and `ris backfill` records station-days again"
)
MLFLOW_REMEDY = (
    "end what uses it, move it away, and repeat the command: MLflow makes a new one. Its runs and versions are lost; "
    "products and models are kept, `ris run` registers the chosen models again, `ris run --again` trains and logs again"
)


def explained_database(error: BaseException, files: Sequence[Path]) -> str:
    """Return one line for an error of SQLite about one of some files; empty for another error."""
    for cause in causes(error):
        if (said := _said_of_sqlite(cause)) and (line := _of_database(said, files)):
            return line
    # A damaged page can contain anything: invalid text, or the name of a table that does not exist.
    return _of_damaged(files, str(error).splitlines()[0]) if str(error) and _through_database(error) else ""


def _through_database(error: BaseException) -> bool:
    """Return whether an error comes from SQLAlchemy or sqlite3."""
    frames = [frame for cause in causes(error) for frame in traceback.extract_tb(cause.__traceback__)]
    return any("sqlalchemy" in frame.filename or "sqlite3" in frame.filename for frame in frames)


def _of_damaged(files: Sequence[Path], said: str) -> str:
    broken = [path for path in files if why_damaged(path)]
    return "\n".join(f"{path}: damaged ({said}); {_remedy(path)}" for path in broken)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _said_of_sqlite(error: BaseException) -> str:
    """Return SQLite's words in its own error, SQLAlchemy's or MLflow's."""
    if isinstance(error, sqlite3.Error):
        return str(error)
    found = _SAID.search(str(error))
    return found[1].strip() if found else ""


def _of_database(said: str, files: Sequence[Path]) -> str:
    named = ", ".join(map(str, files)) or "a database of Dagster or MLflow"

    def says(words: tuple[str, ...]) -> bool:
        return any(word in said for word in words)

    full = {path.parent for path in files if shutil.disk_usage(path.parent).free < _LEAST_FREE}
    if says(_FULL) or (says(_IO) and full):
        where = ", ".join(map(str, sorted(full))) or named
        return f"{where}: a database cannot be written, the disk is full ({said}); free space there, then repeat this"
    if says(_DAMAGED) or says(_IO):
        return _of_damaged(files, said) or f"one of {named} cannot be read ({said}); look at the disk, put back a copy"
    if says(_READ_ONLY):
        closed = [path for path in files if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))]
        where = ", ".join(map(str, closed)) or named
        return f"{where}: a database that may not be written ({said}); give this user the right, for its folder as well"
    if says(_LOCKED):
        return (
            f"one of {named} is held by another process ({said}); repeat the command when that has ended. On a network "
            "file system locks may remain for ever: see docs/operations.md, Shared file systems"
        )
    return ""


def _remedy(path: Path) -> str:
    return MLFLOW_REMEDY if path.parent.name == "mlflow" or path.name == "mlflow.db" else DAGSTER_REMEDY


def why_damaged(path: Path) -> str:
    """Return the fault of a file that SQLite finds within some seconds; empty if there is none."""
    until = time.monotonic() + _LOOK_S
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        # The test took too long, or the file may not be read: neither means damage.
        return str(error) if "malformed" in str(error) else ""
    except (sqlite3.Error, UnicodeError) as error:  # SQLite's own message may contain bytes of the file
        return str(error)
    return "" if answer == "ok" else str(answer)
