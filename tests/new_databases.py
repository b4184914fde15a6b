"""New databases of Dagster and MLflow as copies of ones that these have made: their migrations take a second or two."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

from ris_dagster import instance
from ris_dagster.deployment import Storage
from ris_dagster.resources.mlflow_store import locked, sqlite_file
from ris_dagster.resources.tracking_store import TrackingStore

_set_up, _prepare = instance._set_up, TrackingStore.prepare


def make_dagster(folder: Path) -> None:
    """Let Dagster make the databases of a home in a folder."""
    _set_up(folder, folder / "dagster.yaml", "local")


def make_mlflow(folder: Path) -> None:
    """Let MLflow make its database in a folder."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").search_experiments()


@contextmanager
def copied(dagster: Callable[[], Path], mlflow: Callable[[], Path]) -> Iterator[None]:
    """Within the block and this process, give new homes and data roots databases that lie in two folders.

    Parameters
    ----------
    dagster, mlflow
        Return the folders that `make_dagster` and `make_mlflow` have filled; called when one is needed.
    """

    def set_up(home: Path, settings: Path, storage: Storage) -> None:
        if storage == "local" and not (home / "history").exists():
            for path in (folder := dagster()).rglob("*.db"):
                _copy(path, home / path.relative_to(folder))
        _set_up(home, settings, storage)

    def prepare(store: TrackingStore) -> str:
        if (file := sqlite_file(store.uri)) is not None:
            with locked(store.uri):
                if not file.exists():
                    _copy(mlflow() / "mlflow.db", file)
        return _prepare(store)

    with patch.object(instance, "_set_up", set_up), patch.object(TrackingStore, "prepare", prepare):
        yield


def _copy(made: Path, new: Path) -> None:
    """Copy a database, with what its journal holds."""
    new.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)
