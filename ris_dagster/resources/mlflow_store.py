"""The address of the MLflow store, without its password, and a lock for actions of a single process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ris_core.masking import masked
from ris_dagster.mlflow_adapter.server import records_in_folders

MLFLOW_VARIABLES = ("MLFLOW_TRACKING_URI", "RIS_MLFLOW_DATABASE")
_SQLITE = "sqlite:///"
_PASSWORD_OF_LIBPQ = "PGPASSWORD"  # noqa: S105 - the name of a variable
_LOCK_NUMBER = 7_421_905  # our own number; a database distinguishes advisory locks only by their numbers


class MlflowStoreError(ValueError):
    """The address of the MLflow store cannot be used, or the store does not answer."""


def store_uri(folder: Path) -> str:
    """Return the address of the MLflow store: MLFLOW_TRACKING_URI, RIS_MLFLOW_DATABASE, or SQLite in a folder.

    The address appears in Dagster's resource page, messages and command lines. So a database's password is removed from
    it and given to libpq through the environment of this process and its children (PGPASSWORD).

    Raises
    ------
    MlflowStoreError
        The address contains a password that cannot be given in another way.
    """
    for variable in MLFLOW_VARIABLES:
        if uri := os.environ.get(variable):
            return _without_password(variable, uri)
    return f"{_SQLITE}{folder / 'mlflow.db'}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a store in SQLite; none for another store."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def _without_password(variable: str, uri: str) -> str:
    if uri.startswith("http"):
        if "@" in uri:
            raise MlflowStoreError(
                f"{variable} contains credentials ('@'), which would be shown wherever the address is; "
                "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead"
            )
        return uri
    folder = "://" not in uri or uri.startswith("file:")
    if folder and not records_in_folders():
        raise MlflowStoreError(
            f"{variable} = {uri!r} is a folder, in which MLflow no longer records; give the address of a server "
            "(http://HOST:5000), of a database (postgresql+psycopg2://USER@HOST/mlflow) or of a file (sqlite:////PATH)"
        )
    if folder or uri.startswith(_SQLITE):
        return uri
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        # Its own message would repeat the address with the password.
        raise MlflowStoreError(
            f"{variable} is not an address of a database; write it like postgresql+psycopg2://USER:PASSWORD@HOST:5432/mlflow"
        ) from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        # The address names the driver, because the meaning of "postgresql://" differs between versions of SQLAlchemy.
        url = url.set(drivername="postgresql+psycopg2")
        if "password" in url.query:
            raise MlflowStoreError(f"{variable}: write the password as USER:PASSWORD@HOST, not as '?password='")
        if url.password is not None:
            os.environ[_PASSWORD_OF_LIBPQ] = str(url.password)
            url = url._replace(password=None)
    elif url.password is not None:
        raise MlflowStoreError(f"{variable}: only addresses of Postgres may contain a password, this is {url!r}")
    return url.render_as_string(hide_password=True)


@contextmanager
def locked(uri: str) -> Iterator[None]:
    """Hold the store's lock: a file beside SQLite, or an advisory lock in Postgres; a server has its own locks.

    Raises
    ------
    MlflowStoreError
        The database does not answer.
    """
    if (file := sqlite_file(uri)) is not None:
        path = file.with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path):
            yield
    elif uri.startswith("postgresql"):
        with _advisory_lock(uri):
            yield
    else:
        yield


@contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    # Not in a transaction, which would stay open as long as the lock.
    engine = create_engine(uri, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except OperationalError as error:
        said = masked(" ".join(str(error.orig).split()))
        raise MlflowStoreError(
            f"the MLflow database {uri} does not answer ({said}); start it, or correct RIS_MLFLOW_DATABASE"
        ) from None
    with connection:
        connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _LOCK_NUMBER})
        yield
