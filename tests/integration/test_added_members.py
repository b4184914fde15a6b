"""A detector, a representation and a clusterer that are added, each by one small module: from waveforms to labels."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import amplitude_detector
import mlflow
import numpy as np
import octave_representation
import pandas as pd
import pytest
import ward_clusterer
import yaml
from amplitude_detector import AmplitudeDetector
from builders import (
    DAYS,
    STATIONS,
    Opened,
    labelling_jobs,
    opened,
    own_environment,
    sds_values,
    write_archive,
    write_yaml,
)
from members import added
from mlflow import MlflowClient
from mlflow.entities import Run
from octave_representation import OctaveSettings
from plugin_builders import install_plugin, with_plugins
from store import Store
from ward_clusterer import WardSettings

from ris_core.config import CLUSTERERS, REPRESENTATIONS, load_settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.detectors.registry import DETECTORS
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.json_records import read_json
from ris_dagster import jobs
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs

PAGE = (Path(__file__).parents[2] / "docs/extending.md").read_text(encoding="utf-8")
MODULES = {
    module.__name__: Path(str(module.__file__)).read_text(encoding="utf-8")
    for module in (amplitude_detector, octave_representation, ward_clusterer)
}
RIS = "from ris_dagster.cli import app; app()"
PREDICT = """
import json, mlflow, numpy as np
model = mlflow.pyfunc.load_model({folder!r})
print(json.dumps(model.predict(np.load({values!r}))["label"].tolist()))
"""
FIRST = StationDay(STATIONS[0], DAYS[0])
K = 3
"""Pitches of the archive's events (`builders.write_day`)."""

pytestmark = pytest.mark.usefixtures("blank_pictures")


def shown(kind: str) -> str:
    """Return the only block of a kind in docs/extending.md."""
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(block)


def write(folder: Path) -> Path:
    """Write an archive, and settings that use all three members as the page shows it."""
    archive = write_archive(folder / "archive", days=DAYS[:2])
    values: dict[str, Any] = sds_values(archive, days=DAYS[:2]) | yaml.safe_load(shown("yaml"))
    values["dec"]["k"] = [K]
    return write_yaml(folder / "small.yaml", values)


@pytest.fixture(scope="module", autouse=True)
def members() -> Iterator[None]:
    """The three members, known in this process."""
    with (
        added(DETECTORS, AmplitudeDetector),
        added(REPRESENTATIONS, OctaveSettings, "octave_representation:OctaveBands"),
        added(CLUSTERERS, WardSettings, "ward_clusterer:WardClusterer"),
    ):
        yield


@pytest.fixture(scope="module")
def network(members: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network of the three members, from waveforms to labels."""
    folder = tmp_path_factory.mktemp("members")
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        with opened(write(folder)) as found:
            names = labelling_jobs(found.settings)
            failed = run_jobs(found.definitions, found.instance, found.store.days, names)
            assert not failed, failed
            yield found


def labels_of(store: Store, key: StationDay) -> pd.DataFrame:
    """Return the labels of a station-day; each event has one."""
    labels = tables.read_table(store.labels(key))
    events = spectrogram_file.read_column(store.spectrograms(key), "event_id")
    assert labels["event_id"].tolist() == [str(name) for name in events]
    return labels


def agreement(store: Store) -> float:
    """Return the share of events whose label is the most frequent one of their pitch."""
    pairs = []
    for key in store.station_days():
        detections = tables.read_table(store.detections(key)).set_index("event_id")
        labels = labels_of(store, key)
        on = detections.loc[labels["event_id"], "time_on"].astype("int64").to_numpy() - key.start_ns
        number = np.round((on / NS - 6 * 3600 - 45) / 35).astype(int)
        pairs += list(zip((number % K).tolist(), labels["label"].tolist(), strict=True))
    found = pd.DataFrame(pairs, columns=["pitch", "label"])
    counts = pd.crosstab(found["pitch"], found["label"])
    return float(counts.max(axis=1).sum() / counts.to_numpy().sum())


def runs_of(network: Opened) -> list[Run]:
    client = MlflowClient(network.tracking.uri)
    experiment = client.get_experiment_by_name(network.settings.network.name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def test_the_added_detector_finds_the_events_and_names_them(network: Opened) -> None:
    for key in network.store.station_days():
        found = tables.read_table(network.store.detections(key))
        assert len(found) > 10
        assert set(found["found_by"]) == {"amplitude 500"}
        assert set(found["outcome"]) == {"event"}


def test_no_autoencoder_is_trained_for_candidates_that_have_none(network: Opened) -> None:
    assert not network.settings.has_autoencoder
    names = all_jobs(network.settings, BINDINGS)
    assert {"fit_octaves", "fit_spectra", "train_octaves__ward", "train_spectra__ward"} <= set(names)
    assert not {"train_autoencoders", "train_dec"} & set(names)


def test_labels_of_the_added_members_are_the_pitches_of_the_events(network: Opened) -> None:
    champion = read_json(network.store.champion)
    assert champion["k"] == K
    assert agreement(network.store) > 0.95


def test_models_lie_under_the_names_of_their_candidate(network: Opened) -> None:
    for candidate in network.settings.candidate_names:
        said = read_json(network.store.candidate(candidate, K) / "model.json")
        kind = "ward"
        assert (said["spec"]["name"], said["spec"]["clusterer"]["kind"]) == (str(candidate), kind)
        assert said["spec"]["representation"]["kind"] == candidate.representation


def test_runs_in_mlflow_are_called_after_the_candidates(network: Opened) -> None:
    runs = runs_of(network)
    assert {run.info.status for run in runs} == {"FINISHED"}
    names = [run.info.run_name for run in runs]
    for candidate in network.settings.candidate_names:
        assert names.count(candidate.with_k(K)) == 1


def test_what_is_current_is_not_made_again(network: Opened) -> None:
    lines: list[str] = []
    names = labelling_jobs(network.settings)
    before = len(runs_of(network))
    days = network.store.days
    assert run_jobs(network.definitions, network.instance, days, names, report=lines.append) == []
    for job in ("fit_octaves", "train_octaves__ward", "train_octaves__small_tree"):
        assert f"{job}: everything is current" in "\n".join(lines)
    assert len(runs_of(network)) == before


def test_a_plugin_runs_in_processes_of_its_own_on_a_dask_worker_and_in_a_package(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tomllib.loads(shown("toml"))["project"]
    entries = project["entry-points"]["ris_core.plugins"]
    lines = "\n".join(f"{name} = {place}" for name, place in entries.items())
    site = install_plugin(tmp_path / "site", project["name"], project["version"], lines, MODULES)
    config = write(tmp_path)
    refused = with_plugins(tmp_path / "nothing", "-c", RIS, "check-config", "-c", config)
    assert refused.returncode == 2
    assert "detector 'amplitude' is not known" in refused.stdout

    checked = with_plugins(site, "-c", RIS, "check-config", "-c", config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for entry in entries:
        assert f"plug-in {entry} of {project['name']} {project['version']}" in checked.stdout

    monkeypatch.setenv("RIS_COMPUTE", "dask")
    monkeypatch.setenv("RIS_WORKERS", "1")
    done = with_plugins(site, "-c", RIS, "run", "-c", config, "--without", jobs.ASSESS, "--without", "analysis")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    store = Store(load_settings(config))
    assert agreement(store) > 0.95
    champion = read_json(store.champion)
    events = spectrogram_file.read_spectrograms(store.spectrograms(FIRST))
    labels = labels_of(store, FIRST)["label"].tolist()

    # The package in MLflow requires the plug-in, and answers the same where it is installed.
    assert champion["mlflow_versions"].keys() == {"small-octaves-ward", "small-octaves-ward-waveforms"}
    name, version = "small-octaves-ward", champion["mlflow_versions"]["small-octaves-ward"]
    with opened(config) as there:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", there.tracking.uri)  # put back afterwards: MLflow sets it as well
        mlflow.set_tracking_uri(there.tracking.uri)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version}"))
    assert f"{project['name']}=={project['version']}" in (folder / "requirements.txt").read_text().split()
    np.save(tmp_path / "values.npy", events.spectrogram)
    code = PREDICT.format(folder=str(folder), values=str(tmp_path / "values.npy"))
    answered = with_plugins(site, "-c", code)
    assert answered.returncode == 0, answered.stderr[-4000:]
    assert json.loads(answered.stdout.splitlines()[-1]) == labels
    alone = with_plugins(tmp_path / "nothing", "-c", code)
    assert alone.returncode != 0
    assert "representation 'octaves' is not known" in alone.stderr
