"""Where the platform runs: RIS_DEPLOYMENT names where records lie and what works on station-days."""

import os
from typing import Literal, NamedTuple

VARIABLE = "RIS_DEPLOYMENT"
BATCHES_VARIABLE = "RIS_EVENT_BATCHES"

Storage = Literal["local", "postgres"]
Workers = Literal["own", "dask", "slurm"]


class Deployment(NamedTuple):
    """A storage and a compute.

    Attributes
    ----------
    storage
        ``local``: SQLite beside the data; ``postgres``: Dagster and MLflow on Postgres.
    workers
        ``own``: the run's process or a Dask cluster of its own; ``dask``: a scheduler that already runs; ``slurm``: the
        workers of `ris workers`.
    own_home
        Whether the Dagster home is made and configured here; on Kubernetes the chart does it.
    """

    storage: Storage
    workers: Workers
    own_home: bool = True


DEPLOYMENTS = {
    "local": Deployment("local", "own"),
    "postgres": Deployment("postgres", "own"),
    "dask": Deployment("local", "dask"),
    "slurm": Deployment("local", "slurm"),
    "postgres+dask": Deployment("postgres", "dask"),
    "postgres+slurm": Deployment("postgres", "slurm"),
    "k8s": Deployment("postgres", "dask", own_home=False),
}


class DeploymentError(ValueError):
    """What RIS_DEPLOYMENT asks for cannot be had as things stand."""


def asked_deployment() -> Deployment | None:
    """Return the deployment that RIS_DEPLOYMENT names, None where it is not set.

    Raises
    ------
    DeploymentError
        There is none of that name.
    """
    name = os.environ.get(VARIABLE, "")
    if not name:
        return None
    if name not in DEPLOYMENTS:
        raise DeploymentError(f"{VARIABLE} = {name!r}: must be one of {', '.join(DEPLOYMENTS)}")
    return DEPLOYMENTS[name]


def batches_wanted() -> bool:
    """Return whether Dagster's events are written in batches: unless RIS_EVENT_BATCHES is ``0``.

    Raises
    ------
    DeploymentError
        RIS_EVENT_BATCHES is neither ``0`` nor ``1``.
    """
    asked = os.environ.get(BATCHES_VARIABLE, "")
    if asked not in ("", "0", "1"):
        raise DeploymentError(f"{BATCHES_VARIABLE} = {asked!r}: must be 0 or 1")
    return asked != "0"
