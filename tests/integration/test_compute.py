import os
from pathlib import Path

import pytest
from builders import DAYS, opened, products, sds_values, write_archive, write_yaml

from ris_dagster.dask_adapter.schedulers import address_of
from ris_dagster.resources.compute import Compute, local_cluster

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

pytestmark = pytest.mark.usefixtures("blank_pictures")


def test_dask_workers_make_the_same_bytes_as_the_run_itself(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    threads = {name: os.environ.get(name) for name in THREADS}
    archive = write_archive(tmp_path / "archive", days=DAYS[:2])
    found = {}
    with local_cluster(2) as client:
        assert {name: os.environ.get(name) for name in THREADS} == threads
        for name, compute in (
            ("inline", Compute()),
            ("dask", Compute(kind="dask", workers=2, address=address_of(client))),
        ):
            monkeypatch.setenv("RIS_DATA", str(tmp_path / name))
            monkeypatch.delenv("DAGSTER_HOME", raising=False)
            with opened(
                write_yaml(tmp_path / "small.yaml", sds_values(archive, days=DAYS[:2])), compute=compute
            ) as network:
                assert network.run_block("acquire").success
                assert network.run_block("process").success
                found[name] = products(network.store)
    assert found["dask"] == found["inline"]
    assert len([name for name in found["dask"] if name.startswith("spectrograms/")]) == 4
    assert {name: os.environ.get(name) for name in THREADS} == threads


def test_a_failed_station_day_on_a_worker_is_named_like_any_other(data_root: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"])
    with opened(
        write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"])),
        compute=Compute(kind="dask", workers=1),
    ) as network:
        result = network.run_block("process")
        assert not result.success
        assert [
            f.attempts for k in network.store.station_days() if (f := network.store.journal.find("process", k))
        ] == [1] * 3
