"""The Dagster instance of a network: its home lies in the data root, its settings come from deploy/local."""

import os
from pathlib import Path

import dagster as dg

from ris_core.config import PROJECT_ROOT
from ris_core.storage.store import Store

LOCAL_SETTINGS = PROJECT_ROOT / "deploy" / "local" / "dagster.yaml"


class WrongHomeError(ValueError):
    """The Dagster home belongs to another network: their asset keys are the same and would be mixed up."""


def prepare_home(store: Store) -> Path:
    """Return the Dagster home (DAGSTER_HOME, else inside the data root), made and configured at first use.

    Raises
    ------
    WrongHomeError
        DAGSTER_HOME is the home of another network.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or store.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    marker, name = home / "ris-network", store.settings.network.name
    if not marker.exists():
        marker.write_text(name + "\n", encoding="utf-8")
    elif marker.read_text(encoding="utf-8").strip() != name:
        raise WrongHomeError(
            f"DAGSTER_HOME = {home} belongs to network {marker.read_text(encoding='utf-8').strip()}, not to {name}; "
            "unset DAGSTER_HOME or set it to another folder"
        )
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(LOCAL_SETTINGS.read_text(encoding="utf-8"), encoding="utf-8")
    return home


def open_instance(store: Store) -> dg.DagsterInstance:
    """Return the persistent instance of a network."""
    return dg.DagsterInstance.from_config(str(prepare_home(store)))
