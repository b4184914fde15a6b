"""Errors whose cause is outside of the platform, each as one line: too little memory, damaged or full databases."""

import os
from pathlib import Path

from ris_core.config import Settings
from ris_core.memory import memory_remedy, said_of_memory
from ris_core.storage.layout import Layout
from ris_dagster.database_trouble import causes, explained_database
from ris_dagster.remedies import with_remedy
from ris_dagster.resources.mlflow_store import sqlite_file, store_uri


def explained(error: BaseException, network: tuple[Settings, Layout] | None) -> str:
    """Return one line for an error that no code of ours can repair, with file and remedy; empty for another error.

    Errors of our own classes already have a complete message for the reader.
    """
    if type(error).__module__.split(".")[0] in ("ris_core", "ris_dagster"):
        return with_remedy(error)
    for cause in causes(error):
        if said := said_of_memory(cause):
            return (
                f"too little memory ({said}); {memory_remedy(network[0].training_set.in_memory if network else None)}"
            )
    return explained_database(error, databases(network[1])) if network is not None else ""


def databases(layout: Layout) -> list[Path]:
    """Return the existing SQLite files of Dagster and MLflow."""
    mlflow = sqlite_file(store_uri(layout.mlflow))
    home = Path(os.environ.get("DAGSTER_HOME") or layout.dagster_home)
    found = [*sorted(home.rglob("*.db")), *([mlflow] if mlflow is not None else [])]
    return [path for path in found if path.exists()]
