"""Published data through the `ris` command: station-days that Dagster knows of, weights that are used, files out."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import h5py
import numpy as np
import pytest
import torch
from builders import Opened, failure_of, opened, products, ris, write_yaml
from published_builders import DAYS, published, published_values, state_dict_of, write_weights

from ris_core.access import read_detections, read_labels
from ris_core.config import PROJECT_ROOT
from ris_core.contracts.station_day import StationDay
from ris_core.models.weights import load_model
from ris_core.storage.json_records import read_json
from ris_dagster import jobs
from ris_dagster.analysis_jobs import LOOK
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs
from ris_dagster.partitions import partition_key, range_tags

ASSETS = ("raw_waveforms", "detections", "spectrograms")
ALL = [StationDay(station, day) for day in DAYS for station in ("AA", "BB")]
KEYS = {str(partition_key(key)) for key in ALL}
BEFORE = date(2015, 1, 2)
"""A day of the settings without an event in the file."""

pytestmark = pytest.mark.usefixtures("blank_pictures")


def values() -> dict[str, object]:
    # Enough epochs of small batches to beat the mean spectrogram.
    aec = {"grid": {"batch_size": [8], "learning_rate": [2e-3]}, "max_epochs": 40}
    return published_values() | {"first_day": BEFORE.isoformat(), "aec": aec}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("published")
    published(each=12).write(found / "events.h5")
    write_weights(found / "untrained.pt", seed=5)
    write_weights(found / "dec.pt", k=3)
    return found


@pytest.fixture
def network(data_root: Path, folder: Path, tmp_path: Path) -> Iterator[Opened]:
    """A fresh root into which the file and two weight files were imported by the command."""
    config = write_yaml(tmp_path / "published.yaml", values())
    weights = ("--weights", folder / "untrained.pt", "--weights", folder / "dec.pt")
    done = ris("import-h5", folder / "events.h5", *weights, "-c", config)
    assert done.exit_code == 0, done.output
    assert "48 events of 4 station-days: 4 written, 0 were there already; 4 recorded in Dagster" in done.output
    assert "model dec: kept in models/imported/dec" in done.output
    with opened(config) as network:
        yield network


def test_dagster_knows_imported_station_days_as_if_a_run_had_made_them(network: Opened, folder: Path) -> None:
    graph = network.definitions.resolve_asset_graph()
    for asset in ASSETS:
        assert network.instance.get_materialized_partitions(dg.AssetKey(asset)) == KEYS
        assert {network.stale(asset, key) for key in ALL} == {"FRESH"}
        found = network.materialization(asset, ALL[0])
        assert found is not None and found.tags is not None
        version = graph.get(dg.AssetKey(asset)).code_version
        assert found.tags["dagster/code_version"] == found.tags["dagster/data_version"] == version
        assert found.tags["dagster/partition/station"] == "AA"
    spectrograms = network.materialization("spectrograms", ALL[0])
    assert spectrograms is not None
    assert spectrograms.metadata["events"].value == 12
    assert spectrograms.metadata["reason"].value == "imported from events.h5: events without their continuous waveforms"

    again = ris("import-h5", folder / "events.h5", "-c", network.config)
    assert again.exit_code == 0
    assert "0 written, 4 were there already; 0 recorded in Dagster" in again.output
    assert len(network.instance.fetch_materializations(dg.AssetKey("spectrograms"), limit=100).records) == 4

    done = ris("status", "-c", network.config)
    cells = [[c.strip() for c in line.strip("│").split("│")] for line in done.output.splitlines() if "│" in line]
    rows = {c[0]: c[1] for c in cells if len(c) == 2}
    assert (rows["station-days"], rows["processed"], rows["not yet"], rows["events"]) == ("6", "4", "2", "48")
    assert (rows["imported dec"], rows["imported untrained"]) == ("dec", "aec")
    assert network.run(LOOK).success


def test_runs_over_imported_station_days_find_them_current_and_name_those_that_are_not_there(network: Opened) -> None:
    before = products(network.store)
    for job in ("acquire", "process"):
        there = network.run(job, **range_tags(("AA", "BB"), DAYS[0], DAYS[-1]))
        assert there.success
        absent = network.run(job, **range_tags(("AA", "BB"), BEFORE, DAYS[-1]))
        said = failure_of(absent)
        assert "2 of 6 station-days failed" in said
        assert "AA 2015-01-02: NoWaveformsError: AA 2015-01-02: this network's station-days are imported" in said
    found = network.materialization("spectrograms", ALL[0])
    assert found is not None and found.metadata["already_current"].value is True
    assert {n: c for n, c in products(network.store).items() if not n.startswith("failures/")} == before
    assert not {"acquire", "process"} & set(all_jobs(network.settings, BINDINGS))


def test_imported_events_and_weights_go_all_the_way_to_labels_and_out_again(
    network: Opened, folder: Path, tmp_path: Path
) -> None:
    assert network.run(jobs.DRAW).success
    assert network.run(jobs.TRIALS, "bs8_lr2e-3").success
    refused = network.run(jobs.ENCODE, config=_imported("untrained"))
    assert "imported = 'untrained' may not be used: validation MSE" in failure_of(refused)
    assert "there is no imported model of this name" in failure_of(network.run(jobs.ENCODE, config=_imported("none")))

    # A network that is good enough: the trial's own, as the published code would have saved it.
    trained, _ = load_model(network.store.aec("bs8_lr2e-3"))
    torch.save(state_dict_of(trained), tmp_path / "trained.pt")
    assert ris("import-h5", "--weights", tmp_path / "trained.pt", "-c", network.config).exit_code == 0
    chosen = network.run(jobs.ENCODE, config=_imported("trained"))
    assert chosen.success, failure_of(chosen)
    choice = read_json(network.store.aec_choice)
    trial = network.store.aec("bs8_lr2e-3") / "model.json"
    assert choice["imported"] == "trained"
    assert choice["val_mse"] == pytest.approx(read_json(trial)["metadata"]["metrics"]["val_mse"], rel=1e-4)
    run = _mlflow_run(network, choice["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["val_mse"] == pytest.approx(choice["val_mse"])
    assert run.data.params["imported"] == "trained"

    for job, key in ((jobs.CLUSTERS, "2"), (jobs.DEC, "2"), (jobs.CHAMPION, None)):
        done = network.run(job, key)
        assert done.success, failure_of(done)
    assert network.run_block("label").success
    assert network.instance.get_materialized_partitions(dg.AssetKey("label_tables")) == KEYS
    labels = read_labels(network.days)
    assert sorted(labels["event_id"]) == sorted(read_detections(network.days)["event_id"])
    assert "AEC validation MSE" in ris("status", "-c", network.config).output

    out = ris("export-h5", tmp_path / "out.h5", "-c", network.config)
    assert out.exit_code == 0
    assert "48 events of 4 station-days" in out.output
    with h5py.File(folder / "events.h5") as was, h5py.File(tmp_path / "out.h5") as now:
        for name in ("Spectrogram", "Trace"):
            np.testing.assert_allclose(now["4.0"][name][:], was["4.0"][name][:], rtol=4e-6, equal_nan=True)
        assert list(now["4.0/Catalogue"][:]) == list(was["4.0/Catalogue"][:])
    assert (tmp_path / "out.h5.csv").read_bytes() == (folder / "events.h5.csv").read_bytes()


def _imported(name: str) -> dict[str, object]:
    return {"ops": {"aec_weights": {"config": {"imported": name}}}}


def _mlflow_run(network: Opened, run_id: str) -> object:
    from mlflow import MlflowClient

    return MlflowClient(network.tracking.uri).get_run(run_id)


def test_what_is_wrong_is_said_once_and_nothing_is_imported(data_root: Path, folder: Path, tmp_path: Path) -> None:
    config = write_yaml(tmp_path / "published.yaml", values())
    bad = published(each=3)
    bad.spectrogram[4, 2, 3] = np.nan
    path = bad.write(tmp_path / "bad.h5")
    done = ris("import-h5", path, "--weights", folder / "dec.pt", "-c", config)
    assert done.exit_code == 1
    assert f"{path}: /4.0/Spectrogram, row 4 holds a value that is not finite" in done.output
    (tmp_path / "text.pt").write_text("no weights")
    done = ris("import-h5", folder / "events.h5", "--weights", tmp_path / "text.pt", "-c", config)
    assert done.exit_code == 1
    assert f"{tmp_path / 'text.pt'}: not a PyTorch file of plain weights" in done.output
    assert ris("import-h5", "-c", config).exit_code == 2
    root = data_root / "published"
    assert {each.name for each in root.iterdir()} == {"network.json", "place.json", "dagster"}
    done = ris("export-h5", tmp_path / "out.h5", "-c", config)
    assert done.exit_code == 1
    assert "there are no events to export" in done.output


def test_settings_that_cover_a_file_are_written_by_the_command(data_root: Path, folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "new.yaml"
    done = ris("import-h5", folder / "events.h5", "--write-config", config)
    assert done.exit_code == 0
    assert "network XX, 2 stations, 2015-01-03 ... 2015-01-04" in done.output
    assert not data_root.exists()
    assert ris("import-h5", folder / "events.h5", "-c", config).exit_code == 0
    assert (data_root / "xx_published" / "spectrograms" / "AA" / "2015-01-03.h5").is_file()


_KILLED = """
import os, signal, sys
from pathlib import Path
from ris_core.config import load_settings
from ris_core.published.importing import prepare
from ris_core.station_days.station_days import StationDays

network = StationDays.open(load_settings(sys.argv[1]))
for number, _ in enumerate(prepare(network, Path(sys.argv[2])).write(), start=1):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_import_that_was_killed_is_finished_by_the_same_command(
    data_root: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_yaml(tmp_path / "published.yaml", values())
    path = Path(shutil.copy(folder / "events.h5", tmp_path / "events.h5"))
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(config), str(path)], cwd=PROJECT_ROOT, check=False, timeout=300
    )
    assert done.returncode == -signal.SIGKILL
    root = data_root / "published"
    assert len(list(root.glob("acquisition/**/*.json"))) == 2
    assert len(list(root.glob("spectrograms/**/*.h5"))) == 2
    again = ris("import-h5", path, "-c", config)
    assert again.exit_code == 0
    assert "2 written, 2 were there already; 4 recorded in Dagster" in again.output
    with opened(config) as network:
        assert network.instance.get_materialized_partitions(dg.AssetKey("spectrograms")) == KEYS
        interrupted = products(network.store)
    monkeypatch.setenv("RIS_DATA", str(tmp_path / "other"))
    assert ris("import-h5", path, "-c", config).exit_code == 0
    with opened(config) as network:
        assert products(network.store) == interrupted
