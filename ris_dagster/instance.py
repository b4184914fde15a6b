"""The Dagster instance of a network: its home is in the data root, its settings come from a folder of deploy/."""

import importlib.util
import os
from pathlib import Path

import dagster as dg
import yaml
from filelock import FileLock

from ris_core.shipped_files import SHIPPED
from ris_core.storage.atomic import replacing
from ris_core.storage.layout import Layout
from ris_dagster.adapter.event_records import latest_record
from ris_dagster.deployment import VARIABLE, DeploymentError, Storage, asked_deployment, batches_wanted
from ris_dagster.resources.mlflow_store import MLFLOW_VARIABLES

POSTGRES_VARIABLES = tuple(f"DAGSTER_POSTGRES_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DB"))


class WrongHomeError(ValueError):
    """The Dagster home belongs to another network, which has the same asset keys."""


def storage_settings(storage: str) -> Path:
    """Return the dagster.yaml of a storage."""
    return SHIPPED / "deploy" / storage / "dagster.yaml"


def prepare_home(layout: Layout) -> Path:
    """Return the Dagster home (DAGSTER_HOME, else inside the data root), made and configured at first use.

    At first use the home gets the storage of the deployment that RIS_DEPLOYMENT names (local by default); later this
    cannot change. The workers on station-days may change from one command to the next.

    Raises
    ------
    WrongHomeError
        DAGSTER_HOME is the home of another network.
    DeploymentError
        RIS_DEPLOYMENT is unknown, has another storage than the home, or something that it needs is missing; or
        RIS_EVENT_BATCHES is neither 0 nor 1.
    """
    batches_wanted()
    home = Path(os.environ.get("DAGSTER_HOME") or layout.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    network = layout.name
    owner = _mark(home / "ris-network", network)
    if owner != network:
        raise WrongHomeError(
            f"DAGSTER_HOME = {home} belongs to network {owner}, not to {network}; "
            "unset DAGSTER_HOME or set it to another folder"
        )
    settings = home / "dagster.yaml"
    asked = asked_deployment()
    if asked is not None and not asked.own_home:
        if not settings.exists():
            raise DeploymentError(
                f"{VARIABLE} = {os.environ[VARIABLE]!r}: the chart puts dagster.yaml into DAGSTER_HOME, but {settings} "
                "is not there; set DAGSTER_HOME to the chart's dagsterHome, and run this in a pod of the chart"
            )
        return home
    # A home with settings but without a mark comes from an earlier version or from the user, and is not changed.
    first: Storage = "local" if settings.exists() or asked is None else asked.storage
    marker = home / "ris-deployment"
    storage = marker.read_text(encoding="utf-8").strip() if marker.exists() else first
    if asked is not None and asked.storage != storage:
        raise DeploymentError(
            f"{VARIABLE} = {os.environ[VARIABLE]!r}, but the Dagster home {home} was made for {storage!r} and its "
            f"records lie there; unset {VARIABLE}, or set DAGSTER_HOME to a new folder"
        )
    if storage == "postgres":
        _need_postgres()
    _mark(marker, storage)
    if not settings.exists():
        with FileLock(home / "first-use.lock"):
            if not settings.exists():
                _set_up(home, settings, storage)
    return home


def _set_up(home: Path, settings: Path, storage: str) -> None:
    """Write dagster.yaml, after the SQLite databases: two processes that make them at once would collide."""
    text = storage_settings(storage).read_text(encoding="utf-8")
    if storage == "local" and (home / "history" / "runs").exists():
        # Dagster's own commands have already used the home; another event log would not find their records.
        values = yaml.safe_load(text)
        del values["instance_class"]
        text = yaml.safe_dump(values, sort_keys=False)
    with replacing(settings) as temporary:
        temporary.write_text(text, encoding="utf-8")
        if storage == "local":
            dg.DagsterInstance.from_config(str(home), temporary.name).dispose()


def _mark(marker: Path, value: str) -> str:
    """Write a marker unless it exists; return its content."""
    if not marker.exists():
        with replacing(marker) as temporary:
            temporary.write_text(value + "\n", encoding="utf-8")
    return marker.read_text(encoding="utf-8").strip()


def _need_postgres() -> None:
    if importlib.util.find_spec("dagster_postgres") is None:
        raise DeploymentError("records in Postgres need dagster-postgres: pip install 'ris-dagster[postgres]'")
    missing = [name for name in POSTGRES_VARIABLES if not os.environ.get(name)]
    if missing:
        raise DeploymentError(
            f"the Dagster instance lies in Postgres, but {', '.join(missing)} is not set; "
            "deploy/postgres/dagster.yaml says what each one is"
        )
    if not any(os.environ.get(name) for name in MLFLOW_VARIABLES):
        raise DeploymentError(
            f"the Dagster instance lies in Postgres, but neither {' nor '.join(MLFLOW_VARIABLES)} is set; name a "
            "database of its own for MLflow (postgresql+psycopg2://USER:PASSWORD@HOST/mlflow), or an MLflow server"
        )


def open_instance(layout: Layout) -> dg.DagsterInstance:
    """Return the persistent instance of a network."""
    return dg.DagsterInstance.from_config(str(prepare_home(layout)))


def require_records(layout: Layout) -> None:
    """Read a little from each of the instance's databases; raises the library's error if one cannot be read.

    The servers would only write the error into their log, with a long trace.
    """
    with open_instance(layout) as instance:
        instance.get_runs(limit=1)
        latest_record(instance)
        instance.all_instigator_state()
