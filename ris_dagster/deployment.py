"""Deployments: RIS_DEPLOYMENT names the storage of records and the workers on station-days."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from ris_core.relied_upon import UnsupportedVersionError

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
        Whether the platform makes and configures the Dagster home; on Kubernetes the chart does.
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
    """The deployment that RIS_DEPLOYMENT names cannot be used."""


def asked_deployment() -> Deployment | None:
    """Return the deployment that RIS_DEPLOYMENT names, None if it is not set.

    Raises
    ------
    DeploymentError
        There is no deployment of that name.
    """
    name = os.environ.get(VARIABLE, "")
    if not name:
        return None
    if name not in DEPLOYMENTS:
        raise DeploymentError(f"{VARIABLE} = {name!r}: must be one of {', '.join(DEPLOYMENTS)}")
    return DEPLOYMENTS[name]


@contextmanager
def way_back_named() -> Iterator[None]:
    """Add to an error of batches that do not fit the installed Dagster how to work without them."""
    try:
        yield
    except UnsupportedVersionError as error:
        raise UnsupportedVersionError(f"{error}; {BATCHES_VARIABLE}=0 does without it on the same home") from error


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
