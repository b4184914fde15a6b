"""The Dagster instance of a network: its home lies in the data root, its settings come from a folder of deploy/."""

import importlib.util
import os
from pathlib import Path

import dagster as dg
import yaml

from ris_core.config import PROJECT_ROOT
from ris_core.storage.atomic import replacing
from ris_core.storage.store import Store

DEPLOYMENTS = ("local", "postgres")
POSTGRES_VARIABLES = tuple(f"DAGSTER_POSTGRES_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DB"))


class WrongHomeError(ValueError):
    """The Dagster home belongs to another network: their asset keys are the same and would be mixed up."""


class DeploymentError(ValueError):
    """The Dagster instance that RIS_DEPLOYMENT asks for cannot be opened as things stand."""


def deployment_settings(name: str) -> Path:
    """Return the dagster.yaml of a deployment (``local`` or ``postgres``)."""
    return PROJECT_ROOT / "deploy" / name / "dagster.yaml"


def prepare_home(store: Store) -> Path:
    """Return the Dagster home (DAGSTER_HOME, else inside the data root), made and configured at first use.

    RIS_DEPLOYMENT (``local`` or ``postgres``; local by default) chooses what it is configured with; later it stays
    what it is.

    Raises
    ------
    WrongHomeError
        DAGSTER_HOME is the home of another network.
    DeploymentError
        RIS_DEPLOYMENT is unknown or not what the home was made with, or what Postgres needs is not there.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or store.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    owner, network = _mark(home / "ris-network", store.settings.network.name)
    if owner != network:
        raise WrongHomeError(
            f"DAGSTER_HOME = {home} belongs to network {owner}, not to {network}; "
            "unset DAGSTER_HOME or set it to another folder"
        )
    settings = home / "dagster.yaml"
    asked = os.environ.get("RIS_DEPLOYMENT", "")
    if asked and asked not in DEPLOYMENTS:
        raise DeploymentError(f"RIS_DEPLOYMENT = {asked!r}: must be one of {', '.join(DEPLOYMENTS)}")
    # A home with settings but without a mark was made before homes were marked, or by the user: it is left as it is.
    first = "local" if settings.exists() else asked or "local"
    deployment, _ = _mark(home / "ris-deployment", first)
    if asked and asked != deployment:
        raise DeploymentError(
            f"RIS_DEPLOYMENT = {asked!r}, but the Dagster home {home} was made for {deployment!r} and its records lie "
            f"there; unset RIS_DEPLOYMENT, or set DAGSTER_HOME to a new folder"
        )
    if deployment == "postgres":
        _need_postgres()
    if not settings.exists():
        text = deployment_settings(deployment).read_text(encoding="utf-8")
        if deployment == "local" and (home / "history").exists():
            # Dagster's own commands have used the home already; another storage would not find their records.
            values = yaml.safe_load(text)
            del values["instance_class"]
            text = yaml.safe_dump(values, sort_keys=False)
        with replacing(settings) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return home


def _mark(marker: Path, value: str) -> tuple[str, str]:
    """Write a marker unless it stands; return what it says and what was to be written."""
    if not marker.exists():
        with replacing(marker) as temporary:
            temporary.write_text(value + "\n", encoding="utf-8")
    return marker.read_text(encoding="utf-8").strip(), value


def _need_postgres() -> None:
    if importlib.util.find_spec("dagster_postgres") is None:
        raise DeploymentError("RIS_DEPLOYMENT = 'postgres' needs dagster-postgres: pip install 'ris-dagster[postgres]'")
    missing = [name for name in POSTGRES_VARIABLES if not os.environ.get(name)]
    if missing:
        raise DeploymentError(
            f"the Dagster instance lies in Postgres, but {', '.join(missing)} is not set; "
            "deploy/postgres/dagster.yaml says what each one is"
        )


def open_instance(store: Store) -> dg.DagsterInstance:
    """Return the persistent instance of a network."""
    return dg.DagsterInstance.from_config(str(prepare_home(store)))
