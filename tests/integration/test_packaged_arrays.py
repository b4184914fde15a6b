"""A packaged model that needs more of the events than their spectrograms: three components, one of them missing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import level_representation
import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from builders import Opened, labelling_jobs, opened, own_environment, write_yaml
from level_representation import LevelSettings
from members import added
from mlflow.pyfunc.scoring_server import parse_tf_serving_input
from other_networks import COMPONENTS, DAYS, LOST, network_values, write_volcano
from outside import answer_outside
from plugin_builders import install_plugin

from ris_core.access import read_labels
from ris_core.clustering.champion import read_champion
from ris_core.config import REPRESENTATIONS
from ris_core.contracts.station_day import StationDay
from ris_core.plugins import Plugin
from ris_core.storage import spectrogram_file
from ris_dagster.method_runs import run_jobs

PLUGIN = Plugin("level-members", "0.1.0", "levels")
ARRAYS = ("context", "context_recorded", "noise_psd", "noise_columns", "recorded")
LOST_DAY = StationDay(LOST[0], LOST[1])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network whose champion needs context and noise, and whose events may lack a component."""
    folder = tmp_path_factory.mktemp("arrays")
    values = network_values(
        "volcano",
        write_volcano(folder / "archive", days=DAYS[1:]),
        preset="volcano",
        channels=list(COMPONENTS),
        components={"missing": "zeros"},
        candidates=["levels/gmm"],
        champion={"candidate": "levels/gmm", "k": 3},
        novelty={"score": "distance"},
        dec={"k": [3], "n_init": 2, "smallest_cluster": 0.0},
    )
    with (
        added(REPRESENTATIONS, LevelSettings, "level_representation:Levels", PLUGIN),
        pytest.MonkeyPatch.context() as environment,
    ):
        own_environment(environment, folder / "data")
        with opened(write_yaml(folder / "volcano.yaml", values)) as found:
            names = labelling_jobs(found.settings)
            failed = run_jobs(found.definitions, found.instance, found.store.days, names)
            assert not failed, failed
            yield found


@pytest.fixture(scope="module")
def package(network: Opened) -> Path:
    """The folder of the registered champion."""
    versions = read_champion(network.store).mlflow_versions
    assert versions.keys() == {"volcano-levels-gmm"}
    uri = f"models:/volcano-levels-gmm/{versions['volcano-levels-gmm']}"
    return Path(mlflow.artifacts.download_artifacts(uri, tracking_uri=network.tracking.uri))


def arrays_of(network: Opened, key: StationDay) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the arrays of a station-day's events, and their labels."""
    events = spectrogram_file.read_spectrograms(network.store.spectrograms(key))
    labels = read_labels(network.store.days).set_index("event_id").loc[list(events.event_id)]
    return {name: getattr(events, name) for name in ARRAYS}, labels


def test_the_signature_names_the_arrays_that_the_model_needs(network: Opened, package: Path) -> None:
    about = yaml.safe_load((package / "MLmodel").read_text(encoding="utf-8"))
    given = {one["name"]: one["tensor-spec"] for one in json.loads(about["signature"]["inputs"])}
    samples = round(2 * network.settings.context.half_length * network.settings.conditioning.sampling_rate)
    frequencies = network.settings.input_spec().frequencies
    assert given == {
        "context": {"dtype": "float32", "shape": [-1, 3, samples]},
        "context_recorded": {"dtype": "int32", "shape": [-1, 3, 2]},
        "noise_psd": {"dtype": "float32", "shape": [-1, 3, frequencies]},
        "noise_columns": {"dtype": "int32", "shape": [-1, 3]},
        "recorded": {"dtype": "bool", "shape": [-1, 3]},
    }
    events = spectrogram_file.read_spectrograms(network.store.training_set)
    assert (about["metadata"]["unit"], about["metadata"]["context_lead"]) == (events.unit, events.context_lead)
    assert f"{PLUGIN.distribution}=={PLUGIN.version}" in (package / "requirements.txt").read_text().split()


def test_a_process_without_this_project_gives_the_labels_of_the_tables(
    network: Opened, package: Path, tmp_path: Path
) -> None:
    source = Path(str(level_representation.__file__)).read_text(encoding="utf-8")
    entry = "levels = level_representation:register"
    site = install_plugin(
        tmp_path / "site", PLUGIN.distribution, PLUGIN.version, entry, {"level_representation": source}
    )
    for key in network.store.station_days():
        values, labels = arrays_of(network, key)
        assert values["recorded"].all() == (key != LOST_DAY)
        answer = answer_outside(package, values, tmp_path, site)
        assert answer["label"] == labels["label"].tolist()
        np.testing.assert_allclose(answer["novelty"], labels["novelty"], rtol=1e-5)
        assert len(set(answer["label"])) > 1


def test_arrays_of_a_request_over_http_are_taken(network: Opened, package: Path) -> None:
    values, labels = arrays_of(network, LOST_DAY)
    model = mlflow.pyfunc.load_model(str(package))
    body: dict[str, Any] = {"inputs": {name: array[-5:].tolist() for name, array in values.items()}}
    parsed = parse_tf_serving_input(json.loads(json.dumps(body)), model.metadata.get_input_schema())
    assert model.predict(parsed)["label"].tolist() == labels["label"].tolist()[-5:]


def test_events_that_do_not_fit_are_refused_with_the_name_of_the_array(network: Opened, package: Path) -> None:
    values, _ = arrays_of(network, LOST_DAY)
    model = mlflow.pyfunc.load_model(str(package))
    with pytest.raises(mlflow.MlflowException, match="noise_columns"):
        model.predict({name: array for name, array in values.items() if name != "noise_columns"})
    context = values["context"].copy()
    context[3, 1, 7] = np.nan
    with pytest.raises(ValueError, match=r"context of 1 of \d+ events is not finite.*row 3"):
        model.predict(values | {"context": context})
