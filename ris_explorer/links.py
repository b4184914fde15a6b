"""Addresses of pages of Dagster and MLflow about what the explorer shows; empty where the server is not known."""

from __future__ import annotations

from urllib.parse import quote

from ris_core.clustering.champion import Champion
from ris_core.contracts.station_day import StationDay
from ris_explorer.explorer import Addresses

# As `ris_dagster` names them.
_LABELS, _CHAMPION = "label_tables", "champion_model"
_LOCATION = "__repository__@ris"


def station_day_page(addresses: Addresses, key: StationDay, asset: str = _LABELS) -> str:
    """Return the address of a station-day among the partitions of an asset in Dagster.

    Parameters
    ----------
    addresses
        Of the servers.
    key
        The station-day.
    asset
        Name of the asset, like ``spectrograms``; by default the label tables.
    """
    partition = quote(f"{key.day.isoformat()}|{key.station}", safe="")
    return _of(addresses.dagster, f"/assets/{quote(asset)}?view=partitions&partition={partition}")


def champion_page(addresses: Addresses) -> str:
    """Return the address of the model that labels among Dagster's assets: its history, checks and figures."""
    return _of(addresses.dagster, f"/assets/{_CHAMPION}")


def run_page(addresses: Addresses, run_id: str) -> str:
    """Return the address of a run in Dagster."""
    return _of(addresses.dagster, f"/runs/{quote(run_id, safe='')}")


def sensor_page(addresses: Addresses, sensor: str) -> str:
    """Return the address of a sensor in Dagster, where it is switched on and off."""
    return _of(addresses.dagster, f"/locations/{_LOCATION}/sensors/{quote(sensor, safe='')}")


def model_pages(addresses: Addresses, champion: Champion) -> dict[str, str]:
    """Return the addresses of a champion's registered models in MLflow by their names, like ``demo-dec version 3``.

    The page of a version links to the run that trained it. There is none for a champion that is not registered.
    """
    return {
        f"{name} version {version}": f"{addresses.mlflow}/#/models/{quote(name, safe='')}/versions/{quote(version)}"
        for name, version in champion.mlflow_versions.items()
        if addresses.mlflow
    }


def training_run_page(addresses: Addresses, run_id: str) -> str:
    """Return the address of the run in MLflow that trained a model; empty if there is no such run."""
    return _of(addresses.mlflow, f"/#/runs/{quote(run_id, safe='')}") if run_id else ""


def _of(server: str, path: str) -> str:
    return server + path if server else ""
