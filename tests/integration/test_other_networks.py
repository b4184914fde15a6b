"""Networks other than the paper's: a volcano with three components at 100 Hz, and ice quakes at 1000 Hz."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from builders import Opened, labelling_jobs, opened, own_environment, write_yaml
from mlflow import MlflowClient
from numpy.typing import NDArray
from other_networks import (
    COMPONENTS,
    LOST,
    START_HOUR,
    Written,
    network_values,
    write_icequakes,
    write_volcano,
)

from ris_core import access
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import NS, StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.json_records import read_json
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs
from ris_dagster.resources.tracking import CHAMPION_ALIAS

AEC = {"grid": {"batch_size": [8], "learning_rate": [2e-3]}, "max_epochs": 12}
DEC = {"k": [2, 3], "n_init": 2, "max_epochs": 1}
CANDIDATES = ["aec/dec", "spectra/gmm"]
LOST_DAY = StationDay(LOST[0], LOST[1])
PRESETS: dict[str, dict[str, Any]] = {
    "volcano": {
        "preset": "volcano",
        "channels": list(COMPONENTS),
        "champion": {"candidate": "spectra/gmm", "k": 3},
        "novelty": {"score": "distance"},
    },
    "icequakes": {
        "preset": "icequakes_1000hz",
        "channel": "GHZ",
        "champion": {"candidate": "aec/dec"},
    },
}
SHAPES = {"volcano": ("ZNE", 99, 100), "icequakes": ("Z", 97, 100)}

pytestmark = pytest.mark.usefixtures("blank_pictures")


def write(name: str, folder: Path, **more: Any) -> tuple[Written, Path]:
    """Write the archive and the settings file of a network."""
    written = (write_volcano if name == "volcano" else write_icequakes)(folder / "archive")
    values = network_values(name, written, aec=AEC, dec=DEC, candidates=CANDIDATES, **PRESETS[name])
    return written, write_yaml(folder / f"{name}.yaml", values | more)


@pytest.fixture(scope="module", params=["volcano", "icequakes"])
def through_all(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Opened, Written]]:
    """A network with labels, and what its archive holds; the volcano went through all jobs."""
    folder = tmp_path_factory.mktemp(request.param)
    written, config = write(request.param, folder)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        with opened(config) as network:
            every = request.param == "volcano"
            names = all_jobs(network.settings, BINDINGS) if every else labelling_jobs(network.settings)
            failed = run_jobs(network.definitions, network.instance, network.store.days, names)
            assert not failed, failed
            yield network, written


def keys_of(network: Opened) -> list[StationDay]:
    return list(network.store.station_days())


def detections_of(network: Opened, key: StationDay) -> pd.DataFrame:
    return tables.read_table(network.store.detections(key))


def onsets_of(found: pd.DataFrame, key: StationDay) -> NDArray[np.float64]:
    """Return the onsets of detections, s from the first sample of the archive."""
    ns = found["time_on"].astype("int64").to_numpy() - key.start_ns
    return np.asarray(ns / NS - START_HOUR * 3600)


def true_families(network: Opened, written: Written, key: StationDay) -> tuple[NDArray[np.int64], list[str]]:
    """Return rows of events that belong to one true event each, and the family of each."""
    found = detections_of(network, key)
    onsets = onsets_of(found[found["outcome"] == "event"], key)
    distance = np.abs(onsets[:, None] - written.onsets[key.station, key.day])
    window = network.settings.input_spec().window
    rows = np.flatnonzero(distance.min(axis=1) < 0.25 * window)
    return rows, [written.families[key.station, key.day][n] for n in distance[rows].argmin(axis=1)]


def test_events_have_the_shape_of_the_preset_their_components_context_and_noise(
    through_all: tuple[Opened, Written],
) -> None:
    network, written = through_all
    letters, frequencies, times = SHAPES[network.settings.network.name]
    takes = network.settings.input_spec()
    assert ("".join(takes.components), takes.frequencies, takes.times) == (letters, frequencies, times)
    for key in keys_of(network):
        events = spectrogram_file.read_spectrograms(network.store.spectrograms(key))
        n, c = len(events), len(letters)
        assert n > 0.6 * len(written.onsets[key.station, key.day]) or key == LOST_DAY
        one = () if c == 1 else (c,)
        assert events.letters == tuple(letters)
        assert events.spectrogram.shape == (n, *one, frequencies, times)
        assert events.waveform.shape[:-1] == (n, *one)
        half = network.settings.context.half_length * takes.sampling_rate
        assert events.context is not None and events.noise_psd is not None and events.noise_columns is not None
        assert events.context.shape[:-1] == (n, c)
        assert events.context.shape[-1] == pytest.approx(2 * half, abs=2)
        assert events.noise_psd.shape == (n, c, frequencies)
        assert (events.noise_columns >= 1).all()
        for values in (events.spectrogram, events.waveform, events.context, events.noise_psd):
            assert np.isfinite(values).all()
        assert (events.noise_psd > 0).all()
        # Events stand above the noise beneath them, in every component that has some of their energy.
        level = events.spectrogram.reshape(n, c, frequencies, times).mean(axis=3)
        assert (level.max(axis=2) > 10 * np.median(events.noise_psd, axis=2)).all()


def test_true_events_are_found_and_others_are_not(through_all: tuple[Opened, Written]) -> None:
    network, written = through_all
    for key in keys_of(network):
        rows, _ = true_families(network, written, key)
        found = detections_of(network, key)
        onsets = onsets_of(found, key)
        truth = written.onsets[key.station, key.day]
        assert (np.abs(onsets[:, None] - truth).min(axis=1) < 0.25 * network.settings.input_spec().window).all()
        assert len(rows) == (found["outcome"] == "event").sum()
        assert np.isfinite(found["snr"]).all()
        assert np.isfinite(found["peak_acceleration"]).all()


def test_live_intervals_hold_every_detection_and_their_sum_is_the_live_time(
    through_all: tuple[Opened, Written],
) -> None:
    network, _ = through_all
    for key in keys_of(network):
        live = tables.read_table(network.store.live(key))
        start, end = (live[name].astype("int64").to_numpy() for name in ("start", "end"))
        assert (end > start).all() and (start[1:] >= end[:-1]).all()
        on = detections_of(network, key)["time_on"].astype("int64").to_numpy()
        assert ((on[:, None] >= start) & (on[:, None] < end)).any(axis=1).all()
        seen = network.materialization("detections", key)
        assert seen is not None
        assert (end - start).sum() / NS == pytest.approx(seen.metadata["live_seconds"].value, abs=1e-3)


def test_every_event_has_a_label_of_the_champion(through_all: tuple[Opened, Written]) -> None:
    network, _ = through_all
    champion = read_json(network.store.champion)
    wanted = network.settings.champion
    assert champion["k"] == wanted.k or wanted.k is None
    for key in keys_of(network):
        labels = tables.read_table(network.store.labels(key))
        events = spectrogram_file.read_column(network.store.spectrograms(key), "event_id")
        assert labels["event_id"].tolist() == [str(name) for name in events]
        assert np.stack(labels["probabilities"].tolist()).shape == (len(labels), champion["k"])
        assert np.isfinite(labels["novelty"]).all()
        assert labels["label"].ge(0).all()


def test_clusters_of_spectra_above_the_noise_are_the_families(tmp_path: Path, data_root: Path) -> None:
    """The families of the volcano differ in their spectra: the champion of three clusters finds them."""
    written, config = write("volcano", tmp_path, candidates=["spectra/gmm"])
    with opened(config) as network:
        names = labelling_jobs(network.settings)
        assert not [name for name in names if name in ("train_autoencoders", "train_dec")]
        assert not run_jobs(network.definitions, network.instance, network.store.days, names)
        pairs = []
        for key in keys_of(network):
            rows, families = true_families(network, written, key)
            labels = tables.read_table(network.store.labels(key))["label"].to_numpy()
            pairs += list(zip(families, labels[rows].tolist(), strict=True))
    found = pd.DataFrame(pairs, columns=["family", "label"])
    counts = pd.crosstab(found["family"], found["label"])
    assert counts.shape == (3, 3)
    assert counts.max(axis=1).sum() / counts.to_numpy().sum() > 0.9


def test_runs_in_mlflow_are_called_after_their_candidates(through_all: tuple[Opened, Written]) -> None:
    network, _ = through_all
    client = MlflowClient(network.tracking.uri)
    experiment = client.get_experiment_by_name(network.settings.network.name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert {run.info.status for run in runs} == {"FINISHED"}
    names = {run.info.run_name for run in runs}
    assert {f"{candidate}/k={k}" for candidate in CANDIDATES for k in DEC["k"]} <= names
    versions = client.search_registered_models()
    assert versions, "no model is registered"


def test_the_registered_champion_answers_as_the_label_tables(
    through_all: tuple[Opened, Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _ = through_all
    monkeypatch.setenv("MLFLOW_TRACKING_URI", network.tracking.uri)
    mlflow.set_tracking_uri(network.tracking.uri)
    key = keys_of(network)[0]
    labels = tables.read_table(network.store.labels(key))
    events = spectrogram_file.read_spectrograms(network.store.spectrograms(key))
    champion = read_json(network.store.champion)
    assert champion["mlflow_versions"]
    for name in champion["mlflow_versions"]:
        model: Any = mlflow.pyfunc.load_model(f"models:/{name}@{CHAMPION_ALIAS}")
        found = model.predict(inputs_of(model, events))
        assert found["label"].tolist() == labels["label"].tolist(), name
        np.testing.assert_allclose(found["probabilities"], np.stack(labels["probabilities"].tolist()), atol=1e-3)


def inputs_of(model: Any, events: Events) -> Any:
    """Return what a registered model asks for: arrays by name, or one of spectrograms or waveforms."""
    schema = model.metadata.get_input_schema()
    if schema.has_input_names():
        return {name: getattr(events, name) for name in schema.input_names()}
    (tensor,) = schema.inputs
    return events.spectrogram if len(tensor.shape) == events.spectrogram.ndim else events.waveform


def test_a_notebook_reads_an_event_with_its_components_and_raw_samples(through_all: tuple[Opened, Written]) -> None:
    network, _ = through_all
    days = network.store.days
    letters = SHAPES[network.settings.network.name][0]
    name = str(access.read_labels(days)["event_id"].iloc[5])
    event = access.read_event(days, name)
    assert event.components == tuple(letters)
    window = network.settings.input_spec().window
    for letter in letters:
        trace, context = event.trace(letter), event.context_trace(letter)
        assert trace.stats.channel[-1] == letter
        assert context.stats.npts > trace.stats.npts
        # The waveform is a part of the context, which is rounded.
        part = context.slice(trace.stats.starttime, trace.stats.endtime)
        np.testing.assert_allclose(part.data, trace.data, rtol=1e-5)
    raw = access.read_raw(days, name, window, window)
    assert sorted(trace.stats.channel[-1] for trace in raw) == sorted(letters)


@pytest.mark.parametrize("detect_on", ["vertical", "vector_sum", "HHN"])
@pytest.mark.parametrize("missing", ["drop", "zeros"])
def test_events_without_a_component_are_dropped_or_have_zeros_and_a_mask(
    tmp_path: Path, data_root: Path, missing: str, detect_on: str
) -> None:
    components = {"missing": missing, "detect_on": detect_on}
    _, config = write("volcano", tmp_path, components=components)
    with opened(config) as network:
        assert network.run_block("acquire").success
        assert network.run_block("process").success
        found = detections_of(network, LOST_DAY)
        events = spectrogram_file.read_spectrograms(network.store.spectrograms(LOST_DAY))
        lost_from = 1200.0
        onsets = onsets_of(found, LOST_DAY)
        outcome = found["outcome"].to_numpy()
        # What is near the edge may be either: windows reach over it.
        whole, lost = onsets < lost_from - 15, onsets > lost_from + 15
        assert whole.sum() > 25
        assert set(outcome[whole]) == {"event"}
        number = COMPONENTS.index(LOST[2])
        if detect_on == "vector_sum":
            # A sum that lacks a component is another detector: it detects nothing there.
            assert not lost.any()
        elif missing == "drop":
            assert set(outcome[lost]) == {f"component_missing {LOST[2]}"}
            assert events.recorded is None
        else:
            assert lost.sum() > 10
            assert set(outcome[lost]) == {"event"}
            assert events.recorded is not None and events.context is not None and events.noise_psd is not None
            is_lost = onsets[outcome == "event"] > lost_from + 15
            assert not events.recorded[is_lost, number].any()
            assert events.recorded[:, [n for n in range(3) if n != number]].all()
            for values in (events.spectrogram, events.waveform, events.context, events.noise_psd):
                assert not values[is_lost, number].any()
                assert np.isfinite(values).all()
        whole_days = [key for key in keys_of(network) if key != LOST_DAY]
        for key in whole_days:
            assert set(detections_of(network, key)["outcome"]) == {"event"}
