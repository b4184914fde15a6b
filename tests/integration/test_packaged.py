"""Packaged models as others meet them: in the registry, in a process without this project, and over HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import mlflow
import numpy as np
import pytest
import requests
import yaml
from builders import DAYS, Opened, opened, own_environment, sds_values, write_archive, write_yaml
from mlflow import MlflowClient
from outside import answer_outside, outside
from servers import answers
from training_builders import load_set

from bench.ports import free_ports
from ris_core import config
from ris_core.clustering.champion import Champion, Former
from ris_core.clustering.novelty import NoveltyModel, fit_novelty
from ris_core.config import PAPER_INPUT
from ris_core.contracts.input_spec import InputSpec
from ris_core.models.inference import describe
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import save_model
from ris_core.storage.spectrogram_file import read_spectrograms
from ris_dagster import jobs
from ris_dagster.resources.champion_registry import MlflowChampions
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS, Tracking

CLASSES = (7, 3, 5)
NAMES = ("small-dec", "small-dec-waveforms")
START_S = 120

pytestmark = pytest.mark.usefixtures("blank_pictures")


@dataclass(frozen=True)
class Packaged:
    """A DEC with three clusters, registered from the events of a small archive."""

    network: Opened
    folder: Path
    run_id: str
    novelty: NoveltyModel
    versions: dict[str, str]
    spectrograms: np.ndarray
    waveforms: np.ndarray
    wanted: dict[str, np.ndarray]

    def register(self, novelty: NoveltyModel, classes: tuple[int, ...] = CLASSES) -> dict[str, str]:
        settings, store = self.network.settings, self.network.store
        return self.network.tracking.register_packaged(settings, store, self.folder, self.run_id, novelty, classes)

    def local(self, name: str) -> Path:
        """Return the folder of a registered model."""
        uri = f"models:/{name}/{self.versions[name]}"
        return Path(mlflow.artifacts.download_artifacts(uri, tracking_uri=self.network.tracking.uri))


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    root = tmp_path_factory.mktemp("packaged")
    archive = write_archive(root / "archive", days=DAYS[:1])
    values = sds_values(archive, days=DAYS[:1]) | {"normalisation": {"scale": "decibel"}}
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values)) as network:
            for job in ("acquire", "process"):
                assert network.run_block(job).success
            assert network.run(jobs.DRAW).success
            yield packaged_dec(network)


def packaged_dec(network: Opened) -> Packaged:
    import torch

    store = network.store
    data = load_set(store)
    aec = Aec(seed=3, latent="linear")
    x = data.samples.take(np.arange(len(data)))
    z = describe(Dec.from_aec(aec, torch.zeros(1, 9)), x)[1]
    # Centroids far apart from one another, so that labels do not hang on the last digit.
    far = [0, int(np.linalg.norm(z - z[0], axis=1).argmax())]
    far.append(int(np.minimum(*(np.linalg.norm(z - z[i], axis=1) for i in far)).argmax()))
    model = Dec.from_aec(aec, torch.from_numpy(z[far]))
    q, z, errors = describe(model, x)
    labels, folder = q.argmax(axis=1), store.dec(3)
    save_model(folder, model, {"normalisation": data.normalisation.model_dump(mode="json")}, PAPER_INPUT)
    novelty = fit_novelty(z, labels, q, errors, data.validation, config.NoveltySettings(false_alarms=0.2))
    client = MlflowClient(network.tracking.uri)
    run_id = str(client.create_run(network.tracking.prepare(), run_name="aec/dec/k=3").info.run_id)
    client.set_terminated(run_id)
    versions = network.tracking.register_packaged(network.settings, store, folder, run_id, novelty, CLASSES)
    read = read_spectrograms(store.training_set)
    scores = novelty.novelty(z, q, errors)
    wanted = {
        "label": np.array(CLASSES)[labels],
        "probabilities": q,
        "novelty": scores,
        "assigned": novelty.assigned(scores),
    }
    return Packaged(network, folder, run_id, novelty, versions, read.spectrogram, read.waveform, wanted)


def agree(answer: dict[str, Any], wanted: dict[str, np.ndarray], rows: slice = slice(None)) -> None:
    assert answer.keys() == wanted.keys()
    assert np.asarray(answer["label"]).tolist() == wanted["label"][rows].tolist()
    np.testing.assert_allclose(answer["probabilities"], wanted["probabilities"][rows], atol=1e-5)
    np.testing.assert_allclose(answer["novelty"], wanted["novelty"][rows], rtol=1e-3)
    # An event that lies on the threshold may fall on either side of it.
    assert np.mean(np.asarray(answer["assigned"]) == wanted["assigned"][rows]) > 0.95


def test_a_model_is_registered_once_and_again_when_what_it_says_changes(packaged: Packaged) -> None:
    tracking = packaged.network.tracking
    assert packaged.versions == dict.fromkeys(NAMES, "1")
    assert packaged.register(packaged.novelty) == packaged.versions
    assert set(packaged.wanted["label"]) == set(CLASSES)
    client = MlflowClient(tracking.uri)
    for name in NAMES:
        tracking.set_alias(name, "champion", packaged.versions[name])
        (version,) = tracking.model_versions(name)
        assert (version.version, version.run_id) == ("1", packaged.run_id)
        assert str(client.get_model_version_by_alias(name, "champion").version) == "1"
    assert packaged.register(packaged.novelty, classes=(3, 7, 5)) == dict.fromkeys(NAMES, "2")
    assert packaged.register(packaged.novelty) == packaged.versions
    status = client.get_run(packaged.run_id).info.status
    assert status == "FINISHED"


class Dying(Tracking):
    """Its process ends before it moves one more alias than it may."""

    may: int
    moved: ClassVar[list[tuple[str, str]]] = []

    def set_alias(self, name: str, alias: str, version: str) -> None:
        if len(self.moved) == self.may:
            raise KeyboardInterrupt
        self.moved.append((name, alias))
        super().set_alias(name, alias, version)


def test_champion_leads_to_a_version_wherever_the_move_of_the_aliases_ends(packaged: Packaged) -> None:
    tracking = packaged.network.tracking
    client = MlflowClient(tracking.uri)
    before = packaged.versions
    second = packaged.register(packaged.novelty, classes=(3, 7, 5))
    former = Former(3, "k3-one", CLASSES, before)
    champion = Champion(3, "k3-two", "a test", CLASSES, 8, {}, {}, "", former, mlflow_versions=second)
    warnings: list[str] = []
    for may in range(4):
        for name in NAMES:
            tracking.set_alias(name, CHAMPION_ALIAS, before[name])
        Dying.moved.clear()
        with pytest.raises(KeyboardInterrupt):
            dying = Dying(**tracking.model_dump(), may=may)
            MlflowChampions(dying, packaged.network.settings, packaged.network.store, warnings.append).publish(champion)
        assert [alias for _, alias in Dying.moved] == [FORMER_ALIAS, FORMER_ALIAS, CHAMPION_ALIAS][:may]
        found = [str(client.get_model_version_by_alias(name, CHAMPION_ALIAS).version) for name in NAMES]
        assert found == [(second if (name, CHAMPION_ALIAS) in Dying.moved else before)[name] for name in NAMES]
    for name in NAMES:
        tracking.set_alias(name, CHAMPION_ALIAS, before[name])


def test_a_model_that_no_run_trained_belongs_to_the_network_all_the_same(packaged: Packaged) -> None:
    network, store = packaged.network, packaged.network.store
    aec = Aec(seed=1, latent="linear")
    save_model(store.imported("other"), aec, {"normalisation": {"scale": "decibel"}}, PAPER_INPUT)
    registered = network.tracking.register_packaged(network.settings, store, store.imported("other"), run_id="")
    assert registered == {"small-aec": "1"}
    assert network.tracking.register_packaged(network.settings, store, store.imported("other"), run_id="") == registered
    client = MlflowClient(network.tracking.uri)
    (model,) = client.search_logged_models([network.tracking.prepare()], filter_string="name = 'small-aec'")
    assert Path(model.artifact_location.removeprefix("file://")).is_relative_to(store.mlflow)
    answer = mlflow.pyfunc.load_model(f"models:/{model.model_id}").predict(packaged.spectrograms[:3])
    assert {name: values.shape for name, values in answer.items()} == {"latent": (3, 9), "reconstruction_error": (3,)}


@pytest.mark.parametrize(("name", "shape"), zip(NAMES, [(-1, 87, 100), (-1, -1)], strict=True))
def test_a_packaged_model_has_signature_example_and_requirements_and_no_pickle(
    name: str, shape: tuple[int, ...], packaged: Packaged
) -> None:
    folder = packaged.local(name)
    about = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    (given,) = json.loads(about["signature"]["inputs"])
    assert given["tensor-spec"] == {"dtype": "float32", "shape": list(shape)}
    outputs = {o["name"]: o["tensor-spec"]["shape"] for o in json.loads(about["signature"]["outputs"])}
    assert outputs == {"label": [-1], "probabilities": [-1, 3], "novelty": [-1], "assigned": [-1]}
    assert about["saved_input_example_info"]["artifact_path"]
    assert about["metadata"]["classes"] == list(CLASSES)
    assert InputSpec.from_record(about["metadata"]["input"]) == PAPER_INPUT
    requirements = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split("==")[0] for line in requirements} >= {"mlflow", "numpy", "safetensors", "torch"}
    assert not [line for line in requirements if "+" in line or "==" not in line]
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert ".safetensors" in suffixes
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".bin", ".pyc"}


@pytest.mark.parametrize("name", NAMES)
def test_a_process_without_this_project_loads_a_model_and_gives_the_same_labels(
    name: str, packaged: Packaged, tmp_path: Path
) -> None:
    values = packaged.waveforms if name.endswith("waveforms") else packaged.spectrograms
    answer = answer_outside(packaged.local(name), values, tmp_path)
    agree(answer, packaged.wanted)


def test_longer_windows_and_an_event_that_has_no_samples(packaged: Packaged) -> None:
    model = mlflow.pyfunc.load_model(str(packaged.local("small-dec-waveforms")))
    # With little before and after it the strongest column is where it was.
    quiet = np.pad(packaged.waveforms, ((0, 0), (20, 20)))
    labels = model.predict(quiet)["label"]
    assert np.mean(labels == packaged.wanted["label"]) > 0.8
    with pytest.raises(ValueError, match="n of at least 218 samples at 50 Hz"):
        model.predict(packaged.waveforms[:, :217])
    silent = packaged.waveforms[:3].copy()
    silent[1] = 0
    with pytest.raises(ValueError, match=r"1 of 3 spectrograms .* row 1"):
        model.predict(silent)
    with pytest.raises(mlflow.MlflowException, match="shape"):
        mlflow.pyfunc.load_model(str(packaged.local("small-dec"))).predict(packaged.waveforms)


def test_a_model_is_served_over_http(packaged: Packaged, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = ["mlflow", "models", "serve", "-m", str(packaged.local("small-dec")), "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    log, address = tmp_path / "serve.log", f"http://127.0.0.1:{port}"
    with log.open("wb") as file:
        arguments = [sys.executable, "-m", *command]
        server = subprocess.Popen(arguments, stdout=file, stderr=file, start_new_session=True, **outside(tmp_path))
    try:
        deadline = time.monotonic() + START_S
        while not answers(f"{address}/ping"):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        body = {"inputs": packaged.spectrograms[:5].tolist()}
        answer = requests.post(f"{address}/invocations", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        agree(answer.json()["predictions"], packaged.wanted, slice(5))
        refused = requests.post(f"{address}/invocations", json={"inputs": [[1.0, 2.0]]}, timeout=60)
        assert refused.status_code == 400
        assert "shape" in refused.text
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
