"""The Dagster instance of a network: its home lies in the data root, its settings come from deploy/local."""

import os
from pathlib import Path

import dagster as dg

from ris_core.config import PROJECT_ROOT
from ris_core.storage.store import Store

LOCAL_SETTINGS = PROJECT_ROOT / "deploy" / "local" / "dagster.yaml"


def prepare_home(store: Store) -> Path:
    """Return the Dagster home (DAGSTER_HOME, else inside the data root), made and configured at first use."""
    home = Path(os.environ.get("DAGSTER_HOME") or store.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(LOCAL_SETTINGS.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(store: Store) -> dg.DagsterInstance:
    """Return the persistent instance of a network."""
    return dg.DagsterInstance.from_config(str(prepare_home(store)))
