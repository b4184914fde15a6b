"""What RIS_DEPLOYMENT and its companions choose, and where the MLflow store lies."""

import os
from pathlib import Path

import pytest

from ris_dagster.resources.compute import Compute
from ris_dagster.resources.mlflow_store import MlflowStoreError, locked, store_uri

SECRET = "horse/staple@1"  # noqa: S105 - of nothing
QUOTED = "horse%2Fstaple%401"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("inline", "")),
        ({"RIS_DEPLOYMENT": "local"}, ("inline", "")),
        ({"RIS_DEPLOYMENT": "postgres", "RIS_COMPUTE": "dask"}, ("dask", "")),
        ({"RIS_DASK_ADDRESS": "tcp://h:1"}, ("dask", "tcp://h:1")),
        ({"RIS_DEPLOYMENT": "dask", "RIS_DASK_ADDRESS": "tls://h:1"}, ("dask", "tls://h:1")),
        ({"RIS_DEPLOYMENT": "k8s", "RIS_DASK_ADDRESS": "tcp://h:1"}, ("dask", "tcp://h:1")),
        ({"RIS_DEPLOYMENT": "postgres+dask", "RIS_DASK_ADDRESS": "tcp://h:1"}, ("dask", "tcp://h:1")),
        ({"RIS_DEPLOYMENT": "slurm"}, ("slurm", "")),
        ({"RIS_DEPLOYMENT": "postgres+slurm", "RIS_COMPUTE": "dask"}, ("slurm", "")),
    ],
)
def test_the_environment_chooses_what_works_on_station_days(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = Compute.from_environment()
    assert (found.kind, found.address) == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RIS_DEPLOYMENT": "slurm+postgres"}, "must be one of local, postgres, dask"),
        ({"RIS_DEPLOYMENT": "dask"}, "needs RIS_DASK_ADDRESS"),
        ({"RIS_DEPLOYMENT": "slurm", "RIS_DASK_ADDRESS": "tcp://h:1"}, "`ris workers` starts the scheduler"),
        ({"RIS_DEPLOYMENT": "slurm", "RIS_COMPUTE": "inline"}, "unset one of them"),
        ({"RIS_COMPUTE": "slurm"}, "RIS_COMPUTE = 'slurm': must be inline or dask"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        Compute.from_environment()


def test_the_password_of_a_database_does_not_stay_in_its_address(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setenv("RIS_MLFLOW_DATABASE", f"postgresql://ris:{QUOTED}@db.example:5433/mlflow?sslmode=require")
    assert store_uri(tmp_path) == "postgresql+psycopg2://ris@db.example:5433/mlflow?sslmode=require"
    assert os.environ["PGPASSWORD"] == SECRET


def test_a_tracking_server_comes_before_a_database(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("RIS_MLFLOW_DATABASE", "postgresql://db.example/mlflow")
    assert store_uri(tmp_path) == "postgresql+psycopg2://db.example/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example/team")
    assert store_uri(tmp_path) == "https://mlflow.example/team"


@pytest.mark.parametrize(
    ("variable", "uri", "message"),
    [
        ("MLFLOW_TRACKING_URI", f"https://me:{SECRET}@mlflow.example", "set MLFLOW_TRACKING_USERNAME"),
        ("MLFLOW_TRACKING_URI", f"mysql+pymysql://me:{QUOTED}@db.example/mlflow", "only addresses of Postgres"),
        ("RIS_MLFLOW_DATABASE", f"postgresql://me:{QUOTED}@db.example:port/mlflow", "not an address of a database"),
    ],
)
def test_an_address_that_would_show_its_password_is_refused_without_showing_it(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, uri: str, message: str
) -> None:
    monkeypatch.setenv(variable, uri)
    with pytest.raises(MlflowStoreError, match=message) as caught:
        store_uri(tmp_path)
    assert "horse" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_database_that_does_not_answer_is_named_without_its_password(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setenv("RIS_MLFLOW_DATABASE", f"postgresql://ris:{QUOTED}@127.0.0.1:1/mlflow")
    message = r"127\.0\.0\.1.* does not answer.*RIS_MLFLOW_DATABASE"
    with pytest.raises(MlflowStoreError, match=message) as caught, locked(store_uri(tmp_path)):
        pass
    assert "horse" not in str(caught.value)
