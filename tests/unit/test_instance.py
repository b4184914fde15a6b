"""Which Dagster instance a network gets."""

from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from builders import sds_values, write_yaml
from store import Store

from ris_core.config import load_settings
from ris_dagster.deployment import DeploymentError
from ris_dagster.instance import POSTGRES_VARIABLES, open_instance, prepare_home, storage_settings


@pytest.fixture
def store(data_root: Path, tmp_path: Path) -> Store:
    (tmp_path / "archive").mkdir()
    return Store(load_settings(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive"))))


def test_a_home_is_local_unless_another_is_asked_for(store: Store) -> None:
    home = prepare_home(store)
    assert home == store.dagster_home
    assert (home / "dagster.yaml").read_text() == storage_settings("local").read_text()


def test_settings_that_the_user_has_changed_stay(store: Store) -> None:
    home = prepare_home(store)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    prepare_home(store)
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_an_unknown_deployment_is_refused_by_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_DEPLOYMENT", "cluster")
    with pytest.raises(
        DeploymentError, match="RIS_DEPLOYMENT = 'cluster': must be one of local, postgres, dask, slurm"
    ):
        prepare_home(store)


def test_a_local_home_does_not_become_one_on_postgres(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_home(store)
    monkeypatch.setenv("RIS_DEPLOYMENT", "postgres")
    with pytest.raises(DeploymentError, match="was made for 'local'"):
        prepare_home(store)


def test_what_postgres_needs_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_DEPLOYMENT", "postgres")
    for name in POSTGRES_VARIABLES:
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("DAGSTER_POSTGRES_HOST")
    monkeypatch.delenv("DAGSTER_POSTGRES_DB")
    with pytest.raises(DeploymentError, match="DAGSTER_POSTGRES_HOST, DAGSTER_POSTGRES_DB is not set"):
        prepare_home(store)
    assert not (store.dagster_home / "dagster.yaml").exists()


def _open(store: Store, barrier: Barrier) -> None:
    barrier.wait()
    with open_instance(store) as instance:
        assert instance.get_runs_count() == 0


def test_commands_that_open_a_new_home_at_once_do_not_spoil_it(store: Store) -> None:
    context = get_context("fork")
    barrier = context.Barrier(4)
    together = [context.Process(target=_open, args=(store, barrier)) for _ in range(4)]
    for process in together:
        process.start()
    for process in together:
        process.join()
    assert [process.exitcode for process in together] == [0] * 4
