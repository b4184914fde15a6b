"""Anything trained that is damaged is named when it is read, never taken for another value, and made again."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import Opened, failure_of, opened, own_environment, ris
from faults import check_whole
from store import Store
from training_builders import choice_current, load_set, set_is_current, trial_current

from ris_core.clustering import dec_models, initial_clusters, latents, stability_run
from ris_core.clustering.champion import read_champion
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.criteria_run import criteria_are_current
from ris_core.clustering.novelty import NoveltyModel
from ris_core.models.model_file import ModelDescription
from ris_core.models.weights import load_model, weights_digest
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json
from ris_core.storage.tensors import read_arrays
from ris_core.training import trials
from ris_core.training.aec_choice import read_choice
from ris_core.training.checkpoint import FILE, Checkpoint
from ris_core.verification import damaged_models
from ris_dagster import jobs
from ris_dagster.commands.shared import console

FLIPS = 24

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns side by side that need not be broken, however long the paths are."""
    monkeypatch.setattr(console, "width", 1000)


@pytest.fixture
def spoilt(network: Opened, data_root: Path) -> Iterator[Opened]:
    """A copy of a network with its records, that a test may spoil."""
    shutil.copytree(network.store.root, data_root / "tiny")
    shutil.copy(network.config, data_root.parent / "tiny.yaml")
    with opened(data_root.parent / "tiny.yaml") as found:
        yield found


@pytest.fixture(scope="module")
def copy(network: Opened, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of a network's trained files, each of which is spoilt and mended in turn."""
    root = tmp_path_factory.mktemp("spoilt") / "tiny"
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root.parent)
        shutil.copytree(network.store.root, root, ignore=shutil.ignore_patterns("dagster", "mlflow", "waveforms"))
        store = Store(network.settings, root)
    Checkpoint(root, "one").save({"model.a": torch.arange(20.0)}, {"epoch": 3})
    return store


def readers(store: Store) -> dict[Path, Callable[[], Any]]:
    """Return how each trained file is read, as something that can be compared."""
    champion, root = read_champion(store), store.root
    novelty = novelty_path(store, champion.model_version, champion.novelty)
    keys = list(store.settings.aec.grid.trials())
    found: dict[Path, Callable[[], Any]] = {
        store.champion: lambda: read_champion(store),
        novelty: lambda: NoveltyModel.load(novelty, champion.novelty).digest,
        store.aec_choice: lambda: read_choice(store).digest,
        store.latent_features: lambda: _latents(store),
        store.cluster_count: lambda: tables.read_table(store.cluster_count).to_json(),
        store.analysis(stability_run.TABLE): lambda: tables.read_table(store.analysis(stability_run.TABLE)).to_json(),
        store.analysis(stability_run.SUMMARY): lambda: read_json(store.analysis(stability_run.SUMMARY))["metrics"],
        store.training_set: lambda: load_set(store).samples.take(np.arange(20)).tobytes(),
        root / FILE: lambda: _told(Checkpoint(root, "one").load()),
    }
    for name in ("model.json", "model.safetensors"):
        for key in keys:
            found[store.aec(key) / name] = lambda key=key: _weights(*trials.load_trial(store, key))
        for k in store.settings.dec.k:
            found[store.dec(k) / name] = lambda k=k: _weights(*dec_models.load_dec(store, k))
        folder = store.champion_model(champion.model_version)
        found[folder / name] = lambda folder=folder: load_copy(folder).digest
    for name in ("clusters.json", "clusters.safetensors"):
        for k in store.settings.dec.k:
            found[store.initial_clusters(k) / name] = lambda k=k: _clusters(store, k)
    return found


def _latents(store: Store) -> bytes:
    return latents.read_latents(store, store.settings.normalisation).z.tobytes()


def _weights(model: Any, description: ModelDescription) -> object:
    return weights_digest(model), description


def _clusters(store: Store, k: int) -> object:
    found = initial_clusters.read_clusters(store, k, store.settings.normalisation)
    return found.start.centroids.tobytes(), found.start.labels.tobytes(), found.description()


def _told(found: Any) -> object:
    if found is None:
        raise DamagedFileError("checkpoint", "not taken up")
    return {name: value.tolist() for name, value in found[0].items()}, found[1]


def test_every_trained_file_is_read_by_one_of_the_readers(copy: Store) -> None:
    there = {path for folder in ("models", "training") for path in (copy.root / folder).rglob("*") if path.is_file()}
    champion = copy.champion_model(read_champion(copy).model_version) / "champion.json"
    # The first says whether the criteria are current, the second is only read where the champion's record is damaged.
    assert there - readers(copy).keys() == {copy.cluster_count.with_suffix(".json"), champion}


def test_no_flipped_bit_passes_as_another_value(copy: Store) -> None:
    draw, named = np.random.default_rng(5), 0
    for path, read in readers(copy).items():
        good, data = read(), path.read_bytes()
        for number in range(FLIPS):
            spoilt = bytearray(data)
            # Half of them at either end, where headers and footers are.
            near = int(draw.integers(min(len(data), 300)))
            place = int(draw.integers(len(data))) if number % 2 else (near, len(data) - 1 - near)[number // 2 % 2]
            spoilt[place] ^= 1 << int(draw.integers(8))
            path.write_bytes(spoilt)
            try:
                assert read() == good, f"{path}: the byte {place} was changed, and this gave another value"
            except DamagedFileError:
                named += 1
        for part in (data[: len(data) // 2], b"", b"\xff\xfe" * 40, data + b"more"):
            path.write_bytes(part)
            try:
                assert read() == good, path
            except DamagedFileError:
                named += 1
        path.write_bytes(data)
        assert read() == good
    assert named > 0.8 * (FLIPS + 4) * len(readers(copy))


def flip(path: Path) -> bytes:
    """Change a byte in the middle of a file, and return the original content."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    return bytes(data)


def test_what_is_damaged_is_not_current_and_verify_names_it(copy: Store) -> None:
    k, (key, *_) = copy.settings.dec.k[0], copy.settings.aec.grid.trials()
    settings = copy.settings
    of_k = k, settings.dec, settings.normalisation
    current: dict[Path, Callable[[], bool]] = {
        copy.aec(key) / "model.safetensors": lambda: trial_current(copy, key),
        copy.aec(key) / "model.json": lambda: trial_current(copy, key),
        copy.aec_choice: lambda: choice_current(copy),
        copy.latent_features: lambda: latents.latents_are_current(copy, settings.normalisation),
        copy.cluster_count: lambda: criteria_are_current(copy, settings.cluster_count, settings.normalisation),
        copy.initial_clusters(k) / "clusters.safetensors": lambda: initial_clusters.clusters_are_current(copy, *of_k),
        copy.initial_clusters(k) / "clusters.json": lambda: initial_clusters.clusters_are_current(copy, *of_k),
        copy.dec(k) / "model.safetensors": lambda: dec_models.dec_is_current(copy, *of_k),
        copy.dec(k) / "model.json": lambda: dec_models.dec_is_current(copy, *of_k),
        copy.analysis(stability_run.TABLE): lambda: stability_run.stability_is_current(copy, settings),
        copy.analysis(stability_run.SUMMARY): lambda: stability_run.stability_is_current(copy, settings),
        copy.training_set: lambda: set_is_current(copy),
    }
    assert list(damaged_models(copy, copy.settings.aec.grid.trials(), copy.settings.dec.k)) == []
    for path, is_current in current.items():
        good = path.read_bytes()
        assert is_current(), path
        flip(path)
        assert not is_current(), path
        (named,) = damaged_models(copy, copy.settings.aec.grid.trials(), copy.settings.dec.k)
        assert isinstance(named, DamagedFileError) and named.path == path
        path.write_bytes(good)
        assert is_current(), path


def test_ris_run_makes_again_what_is_damaged_and_status_says_what_it_is(spoilt: Opened) -> None:
    store, config = spoilt.store, spoilt.config
    k, (key, *_) = store.settings.dec.k[0], store.settings.aec.grid.trials()
    good = {path: path.read_bytes() for path in readers(store) if path.exists()}
    champion = read_champion(store)
    folder = store.champion_model(champion.model_version)
    damaged = [
        store.training_set,
        store.aec(key) / "model.safetensors",
        store.aec_choice,
        store.latent_features,
        store.initial_clusters(k) / "clusters.safetensors",
        store.dec(k) / "model.json",
        folder / "model.safetensors",
        novelty_path(store, champion.model_version, champion.novelty),
    ]
    for path in damaged:
        flip(path)
    status = ris("status", "-c", config)
    assert status.exit_code == 0
    said = unwrapped(status.output)
    for path in (store.aec_choice, store.dec(k) / "model.json", folder / "model.safetensors"):
        assert f"{path}:damaged" in said
    (station_day,) = [d for d in store.station_days() if store.labels(d).exists()][:1]
    store.labels(station_day).unlink()
    message = failure_of(spoilt.run_block("label"))
    assert "choose the same model as champion again" in message and str(folder) in message
    only = [part for job in (*jobs.training_jobs(store.settings), "label") for part in ("--only", job)]
    done = ris("run", "-c", config, *only)
    assert done.exit_code == 0, done.output
    for path in damaged:
        assert read_like(path, path.read_bytes()) == read_like(path, good[path]), path
    assert read_champion(store).classes == champion.classes
    assert list(damaged_models(store, store.settings.aec.grid.trials(), store.settings.dec.k)) == []
    check_whole(store.root)


def unwrapped(text: str) -> str:
    """Return what a table on the terminal says without its frame and the places where lines are broken."""
    return "".join(text.replace("│", " ").split())


def read_like(path: Path, data: bytes) -> object:
    """Return what a file holds, apart from the runs that made it."""
    path.write_bytes(data)
    if path.name == "model.json":
        return load_model(path.parent)[1].metadata["configuration"]
    if path.name == "chosen.json":
        return read_json(path)["digest"]
    if path.suffix == ".safetensors":
        return {name: values.tobytes() for name, values in read_arrays(path)[0].items()}
    return data


def test_a_damaged_record_of_the_champion_stops_labels_by_name_and_its_copy_mends_it(spoilt: Opened) -> None:
    store, config = spoilt.store, spoilt.config
    good = store.champion.read_bytes()
    flip(store.champion)
    copied = store.champion_model(json.loads(good)["model_version"]) / "champion.json"
    for words in (["status"], ["backfill", "--dry-run"], ["verify", "--remove"]):
        said = unwrapped(ris(*words, "-c", config).output)
        assert unwrapped(f"put its copy {copied} in its place") in said, words
    assert store.champion.exists()
    refused = ris("backfill", "-c", config, "--assets", "label", "--yes", "--inline")
    assert refused.exit_code == 2 and "damaged" in refused.output
    shutil.copy(copied, store.champion)
    assert store.champion.read_bytes() == good
    assert ris("verify", "-c", config).exit_code == 0
