"""What `ris run` does when one of several runs of a job fails."""

from pathlib import Path

import dagster as dg
import pytest
from builders import sds_values, write_yaml

from ris_core.config import load_settings
from ris_core.storage.store import Store
from ris_dagster import jobs
from ris_dagster.stages import run_jobs


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
        failed = run_jobs(_definitions(bad="5"), instance, store, [jobs.CLUSTERS, jobs.DEC])
        assert [(done.run.job, done.run.partition, done.error) for done in failed] == [
            (jobs.CLUSTERS, "5", "no clusters for K = 5")
        ]
        assert instance.get_runs_count(dg.RunsFilter(job_name=jobs.DEC)) == 2
