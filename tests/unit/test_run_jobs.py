"""What `ris run` does when one of several runs of a job fails."""

from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, sds_path, sds_values, spoil, write_archive, write_yaml
from store import Store

from ris_core.config import load_settings
from ris_core.contracts.station_day import StationDay
from ris_dagster import jobs
from ris_dagster.adapter.run_tags import will_be_retried
from ris_dagster.definitions import build_definitions
from ris_dagster.method_runs import run_jobs


@pytest.fixture
def store(data_root: Path, tmp_path: Path) -> Store:
    (tmp_path / "archive").mkdir()
    values = sds_values(tmp_path / "archive") | {"dec": {"k": [5, 6]}}
    return Store(load_settings(write_yaml(tmp_path / "small.yaml", values)))


def _definitions(bad: str) -> dg.Definitions:
    """Return two jobs over numbers of clusters, the first of which fails for one of them."""
    counts = dg.StaticPartitionsDefinition(["5", "6"])

    @dg.asset(partitions_def=counts)
    def clusters(context: dg.AssetExecutionContext) -> None:
        if context.partition_key == bad:
            raise dg.Failure(f"no clusters for K = {bad}")

    @dg.asset(partitions_def=counts)
    def models() -> None: ...

    each = {jobs.CLUSTERS: clusters, jobs.DEC: models}
    return dg.Definitions([clusters, models], jobs=[dg.define_asset_job(name, [asset]) for name, asset in each.items()])


def test_the_other_numbers_of_clusters_go_on_when_one_fails(store: Store) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        failed = run_jobs(_definitions(bad="5"), instance, store.days, [jobs.CLUSTERS, jobs.DEC])
        assert [(done.run.job, done.run.partition, done.error) for done in failed] == [
            (jobs.CLUSTERS, "5", "no clusters for K = 5")
        ]
        made = instance.get_runs(dg.RunsFilter(job_name=jobs.DEC))
    assert len(made) == 2
    # The pages of a job and the timeline show the runs of the code location that the servers load.
    for run in made:
        assert run.remote_job_origin is not None and run.remote_job_origin.location_name == "ris"
        assert run.tags["user"] == "ris run"
        assert not will_be_retried(run)


@pytest.mark.parametrize(("champion", "made"), [("aec/dec", True), ("spectra/gmm", False)])
def test_a_representation_that_fails_stops_only_a_champion_that_needs_it(
    data_root: Path, tmp_path: Path, champion: str, made: bool
) -> None:
    (tmp_path / "archive").mkdir()
    more = {"candidates": ["aec/dec", "spectra/gmm"], "champion": {"candidate": champion}}
    store = Store(load_settings(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive") | more)))

    @dg.asset
    def fitted() -> None:
        raise dg.Failure("no noise spectra")

    @dg.asset
    def chosen() -> None: ...

    of_job = {"fit_spectra": fitted, jobs.CHAMPION: chosen}
    definitions = dg.Definitions(
        [fitted, chosen], jobs=[dg.define_asset_job(name, [asset]) for name, asset in of_job.items()]
    )
    with dg.DagsterInstance.ephemeral() as instance:
        failed = run_jobs(definitions, instance, store.days, list(of_job))
        assert [(done.run.job, done.error) for done in failed] == [("fit_spectra", "no noise spectra")]
        assert instance.get_runs_count(dg.RunsFilter(job_name=jobs.CHAMPION)) == made


def test_clusters_of_features_that_could_not_be_made_are_left_out_and_that_is_said(
    data_root: Path, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    more = {"candidates": ["aec/dec", "spectra/gmm"], "champion": {"candidate": None}, "dec": {"k": [5, 6]}}
    store = Store(load_settings(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive") | more)))

    @dg.asset
    def chosen() -> None:
        raise dg.Failure("no trial may be used")

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["5", "6"]))
    def models() -> None: ...

    of_job = {
        jobs.ENCODE: chosen,
        **dict.fromkeys([jobs.CLUSTERS, jobs.DEC, "train_spectra__gmm"], models),
    }
    definitions = dg.Definitions(
        [chosen, models], jobs=[dg.define_asset_job(name, [asset]) for name, asset in of_job.items()]
    )
    said: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        failed = run_jobs(definitions, instance, store.days, list(of_job), report=said.append)
        ran = {name: instance.get_runs_count(dg.RunsFilter(job_name=name)) for name in of_job}
    assert [(done.run.job, done.error) for done in failed] == [(jobs.ENCODE, "no trial may be used")]
    assert ran == {jobs.ENCODE: 1, jobs.CLUSTERS: 0, jobs.DEC: 0, "train_spectra__gmm": 2}
    assert f"[3/4] {jobs.DEC}: left out, since {jobs.ENCODE} failed" in said


@pytest.fixture
def days(data_root: Path, tmp_path: Path) -> Store:
    """Two stations, of which AA has waveforms and BB a file that is none."""
    archive = write_archive(tmp_path / "archive", ["AA", "BB"], DAYS[:1])
    spoil(sds_path(archive, "BB", DAYS[0]))
    values = sds_values(archive) | {"first_day": str(DAYS[0]), "last_day": str(DAYS[0])}
    return Store(load_settings(write_yaml(tmp_path / "small.yaml", values)))


def test_what_was_not_acquired_is_not_processed_and_is_said_once(days: Store) -> None:
    said: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        failed = run_jobs(
            build_definitions(days.settings),
            instance,
            days.days,
            ["acquire", "process", "label"],
            report=said.append,
        )
        processed = instance.get_materialized_partitions(dg.AssetKey("detections"))
    assert processed == {f"{DAYS[0]}|AA"}
    assert [done.run.job for done in failed][:1] == ["acquire"]
    assert "process" not in [done.run.job for done in failed]
    assert f"    1 station-day(s) not acquired, and left out: BB {DAYS[0]}" in said
    assert f"    1 station-day(s) not processed, and left out: BB {DAYS[0]}" in said
    # A single requested job that cannot be done at all is a failure that says why.
    with dg.DagsterInstance.ephemeral() as instance:
        days.acquisition(StationDay("AA", DAYS[0])).unlink()
        (done,) = run_jobs(build_definitions(days.settings), instance, days.days, ["process"])
    assert done.error == f"2 station-day(s) not acquired, and left out: AA {DAYS[0]}, BB {DAYS[0]}"
