"""A model becomes champion: novelty, classes that persist, files, and what is refused."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import sds_values
from numpy.typing import NDArray
from store import Store

from ris_core.clustering.candidates import Candidate, candidate_of_folder, folder_of_run
from ris_core.clustering.champion import (
    Champion,
    NoChampionError,
    appoint,
    class_names,
    class_titles,
    names_without_a_class,
    read_champion,
    why_nothing_labels,
)
from ris_core.clustering.champion_files import load_copy, novelty_path
from ris_core.clustering.dec_model import DecModel
from ris_core.clustering.initialise import kmeans
from ris_core.clustering.novelty import NoveltyModel
from ris_core.config import PAPER_INPUT, NormalisationSettings, Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.labels import appointment
from ris_core.labels.appointment import Appointment, PreviousChampionError, prepare
from ris_core.labels.champion_run import Registration, install
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import load_model, weights_digest
from ris_core.registry import UnknownKindError
from ris_core.storage import spectrogram_file
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.acceptance import NoAcceptedModelError
from ris_core.training.normalise import normalise
from ris_core.training.training_set import NoTrainingSetError, digest_on_disk

Array = NDArray[Any]
FREQUENCY = np.arange(16, 103) * 50 / 256
TIME = np.arange(100) * 0.04
EVENTS = 240
LINEAR = NormalisationSettings()


def spectrograms(families: Array, seed: int = 0) -> Array:
    """Return one spectrogram for each family: a short burst at 5, 9, 13 or 17 Hz."""
    rng = np.random.default_rng(seed)
    centre = 5 + 4 * families[:, None, None] + rng.normal(0, 0.2, (len(families), 1, 1))
    peak = np.exp(-(((FREQUENCY[:, None] - centre) / 1.5) ** 2) - ((TIME - 2) / 0.4) ** 2)
    return (1e4 * (peak + 1e-3 * rng.exponential(size=peak.shape))).astype(np.float32)


FAMILIES = np.random.default_rng(7).integers(0, 4, EVENTS)


def made(root: Path, **sections: Any) -> Store:
    """Return a store with a training set of four families."""
    values = sds_values(root / "archive") | {"novelty": {"false_alarms": 0.05}} | sections
    store = Store(Settings.model_validate(values), root / "data")
    data = Events(
        spectrogram=spectrograms(FAMILIES),
        waveform=np.zeros((EVENTS, 218), np.float32),
        frequency=FREQUENCY,
        time=TIME,
        event_id=tuple(f"XX.AA..HHZ.{i}" for i in range(EVENTS)),
        time_peak=np.arange(EVENTS),
        window_start=np.arange(EVENTS),
        sampling_rate=50.0,
        unit="counts",
    )
    validation = np.arange(EVENTS) >= 0.8 * EVENTS
    spectrogram_file.write_spectrograms(store.training_set, data, Stamp("", "", ""), "{}", {}, validation=validation)
    return store


def candidate(merged: dict[int, int] | None = None, seed: int = 0, run: str = "") -> Candidate:
    """Return a model whose clusters are the families, some of them merged, in an order of the seed's."""
    families = np.array([(merged or {}).get(int(f), int(f)) for f in FAMILIES])
    aec = Aec(seed)
    z = encode(aec, normalise(spectrograms(FAMILIES))).astype(np.float64)
    numbers = np.random.default_rng(seed).permutation(np.unique(families))
    centroids = np.stack([z[families == number].mean(axis=0) for number in numbers])
    model = Dec.from_aec(aec, torch.from_numpy(centroids.astype(np.float32)))
    return Candidate(f"seed {seed}", DecModel(model, LINEAR, PAPER_INPUT), {"mlflow_run_id": run})


def appointed(store: Store, model: Candidate) -> Appointment:
    found = prepare(store, model, store.settings)
    appoint(store, found.champion)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made(tmp_path)


def family_of_class(found: Appointment) -> dict[int, int]:
    """Return the most frequent family of each class."""
    classes = found.classes()
    return {int(c): int(np.bincount(FAMILIES[classes == c]).argmax()) for c in np.unique(classes)}


def test_the_first_champion_has_the_classes_of_its_clusters_and_a_folder_of_its_own(store: Store) -> None:
    model = candidate()
    found = prepare(store, model, store.settings)
    with pytest.raises(NoChampionError, match="no champion has been chosen yet"):
        read_champion(store)
    appoint(store, found.champion)
    champion = read_champion(store)
    assert champion == found.champion
    assert (champion.k, champion.classes, champion.next_class, champion.former) == (4, (0, 1, 2, 3), 4, None)
    kept, description = load_model(store.champion_model(champion.model_version))
    assert weights_digest(kept) == model.model.digest
    assert description.metadata["normalisation"]["scale"] == "linear"
    assert description.input == model.model.input
    novelty = NoveltyModel.load(novelty_path(store, champion.model_version, champion.novelty))
    assert novelty.digest == champion.novelty
    assert novelty.held_out == 48


def test_another_model_keeps_the_classes_of_the_same_events(store: Store) -> None:
    first = appointed(store, candidate(seed=0))
    second = appointed(store, candidate(seed=3))
    assert second.champion.classes != tuple(range(4))  # its clusters have another order
    assert sorted(second.champion.classes) == [0, 1, 2, 3]
    assert family_of_class(second) == family_of_class(first)
    assert np.mean(second.classes() == first.classes()) > 0.95
    np.testing.assert_array_equal(second.before, first.classes())
    former = read_champion(store).former
    assert former is not None
    assert (former.model_version, former.classes) == (first.champion.model_version, (0, 1, 2, 3))


def test_a_class_that_is_lost_leaves_its_number_and_the_model_before_takes_it_back(store: Store) -> None:
    first = appointed(store, candidate())
    fewer = appointed(store, candidate({3: 2}, seed=1))
    assert len(fewer.matching.lost) == 1
    assert fewer.champion.next_class == 4
    table = fewer.table(store.settings.champion)
    assert set(table["state"]) == {"kept"} and table["events"].sum() == EVENTS
    again = appointed(store, candidate())
    assert again.champion.classes == first.champion.classes
    assert again.matching.states.count("back") == 1
    assert again.champion.former is not None
    assert again.champion.former.model_version == fewer.champion.model_version


def test_what_has_nothing_in_common_gets_numbers_never_used_before(tmp_path: Path) -> None:
    store, used = made(tmp_path, champion={"least_overlap": 1.0}), set[int]()
    for model in (candidate(), candidate({1: 0, 3: 2}, seed=1), candidate({2: 0, 3: 1}, seed=2)):
        found = appointed(store, model)
        states = zip(found.champion.classes, found.matching.states, strict=True)
        new = {number for number, state in states if state == "new"}
        assert new and not new & used
        used |= new
        assert found.champion.next_class == len(used)


def test_the_same_choice_again_changes_nothing(store: Store) -> None:
    appointed(store, candidate())
    appointed(store, candidate(seed=3))
    before = store.champion.read_bytes()
    appointed(store, candidate(seed=3))
    assert store.champion.read_bytes() == before


def test_the_same_choice_again_leaves_a_copy_of_an_earlier_version_as_it_is(store: Store) -> None:
    path = store.champion_model(appointed(store, candidate()).champion.model_version) / "model.json"
    description = read_json(path)
    del description["input"]  # earlier versions did not say what a model takes in
    write_json(path, description)
    before = path.read_bytes()
    appointed(store, candidate())
    assert path.read_bytes() == before
    path.with_name("model.safetensors").write_bytes(b"spoilt")
    appointed(store, candidate())
    assert load_copy(path.parent).n_clusters == len(np.unique(FAMILIES))


def test_other_novelty_settings_are_another_champion_digest_of_the_same_model(tmp_path: Path) -> None:
    digests = set()
    for score in ("reconstruction", "distance", "probability"):
        champion = appointed(made(tmp_path, novelty={"score": score, "false_alarms": 0.05}), candidate()).champion
        digests.add(champion.digest)
        assert champion.model_version == candidate().model.version
    assert len(digests) == 3


def test_if_telling_others_fails_the_champion_stays_and_a_repeat_mends_it(store: Store) -> None:
    first = appointed(store, candidate()).champion
    second = prepare(store, candidate(seed=3), store.settings).champion

    def fails() -> None:
        raise ConnectionError("the registry does not answer")

    with pytest.raises(ConnectionError):
        appoint(store, second, fails)
    assert read_champion(store) == first
    told = []
    appoint(store, second, lambda: told.append(read_champion(store)))
    assert told == [first]  # the record takes its place after the others know
    assert read_champion(store) == second
    assert [p.name for p in store.champion.parent.iterdir() if p.suffix == ".tmp"] == []


def test_a_model_with_an_empty_cluster_may_not_label(store: Store) -> None:
    model = candidate()
    far = torch.cat([torch.from_numpy(model.model.centroids), torch.full((1, 9), 1e3)])
    five = Dec.from_aec(model.model.network.aec, far)
    with pytest.raises(NoAcceptedModelError, match=r"its clusters \(5\): cluster\(s\) 4 of 5 are empty"):
        prepare(store, Candidate("five", DecModel(five, LINEAR, PAPER_INPUT), {}), store.settings)
    assert not store.champion.exists()


def test_without_the_files_of_the_champion_before_it_says_what_to_do(store: Store) -> None:
    first = appointed(store, candidate()).champion
    (store.champion_model(first.model_version) / "model.safetensors").unlink()
    with pytest.raises(DamagedFileError, match=r"put them back, .* or remove .*champion\.json to begin with new"):
        prepare(store, candidate(seed=3), store.settings)
    # The same model mends its copy, and nothing else changes.
    again = appointed(store, candidate()).champion
    assert again == first
    load_model(store.champion_model(first.model_version))


def test_without_a_training_set_nothing_can_be_calibrated(store: Store) -> None:
    store.training_set.unlink()
    with pytest.raises(NoTrainingSetError, match="no training set has been drawn yet"):
        prepare(store, candidate(), store.settings)


def test_a_record_of_another_version_says_what_to_do(store: Store) -> None:
    store.champion.parent.mkdir(parents=True, exist_ok=True)
    store.champion.write_text(json.dumps({"k": 3, "model_version": "k3-0"}))
    with pytest.raises(DamagedFileError, match=r"champion\.json: damaged .* remove it and choose the champion again"):
        read_champion(store)


def test_the_record_of_a_version_that_knew_only_dec_is_read(store: Store) -> None:
    champion = appointed(store, candidate(seed=3)).champion
    record = read_json(store.champion)
    former = {name: value for name, value in (record["former"] or {}).items() if name != "candidate"}
    earlier = {name: value for name, value in record.items() if name not in ("candidate", "needs")}
    write_json(store.champion, earlier | {"former": former or None})
    assert read_champion(store) == champion
    assert (champion.candidate, champion.needs) == ("aec/dec", ("spectrogram",))


def test_a_damaged_record_is_mended_by_its_copy(store: Store) -> None:
    assert why_nothing_labels(store) == "no champion has been chosen yet"
    appointed(store, candidate())
    second = appointed(store, candidate(seed=3)).champion
    text = store.champion.read_text()
    store.champion.write_text(text.replace('"next_class": ', '"next_class": 1'))
    with pytest.raises(DamagedFileError, match="does not match its digest") as caught:
        read_champion(store)
    copy = store.champion_model(second.model_version) / "champion.json"
    assert caught.value.remedy == f"put its copy {copy} in its place, which keeps the class numbers"
    assert why_nothing_labels(store) == str(caught.value)
    with pytest.raises(DamagedFileError):
        prepare(store, candidate(), store.settings)  # never with new class numbers silently
    shutil.copy(copy, store.champion)
    assert read_champion(store) == second
    assert why_nothing_labels(store) == ""


def test_a_run_is_found_in_the_champions_copy_even_after_its_k_was_trained_again(store: Store) -> None:
    model = candidate(run="abc")
    champion = appointed(store, model).champion
    assert folder_of_run(store, "abc", {AEC_DEC: store.settings.dec.k}) == store.champion_model(champion.model_version)
    assert folder_of_run(store, "other", {AEC_DEC: store.settings.dec.k}) is None
    candidate({3: 2}).model.save(store.dec(3), {"mlflow_run_id": "other"})
    assert folder_of_run(store, "other", {AEC_DEC: store.settings.dec.k}) == store.dec(3)
    assert candidate_of_folder(store.dec(3), "here").k == 3


def test_classes_are_called_what_the_user_calls_them() -> None:
    settings = Settings.model_validate(
        sds_values(Path("archive")) | {"champion": {"names": {2: "rift", 9: "whale"}}}
    ).champion
    assert class_names(settings, [0, 2]) == {0: "0", 2: "rift"}
    assert class_titles(settings, [0, 2]) == {0: "0", 2: "2 rift"}
    champion = Champion(3, "v", "", (0, 1, 2), 3, {}, {}, "")
    assert names_without_a_class(settings, champion) == {9: "whale"}


def test_kmeans_on_other_latents_finds_the_same_classes(store: Store) -> None:
    first = appointed(store, candidate())
    aec = Aec(5)
    start = kmeans(encode(aec, normalise(spectrograms(FAMILIES))), 4, 10, 0)
    model = Dec.from_aec(aec, torch.from_numpy(start.centroids.astype(np.float32)))
    second = appointed(store, replace(candidate(), model=DecModel(model, LINEAR, PAPER_INPUT)))
    assert second.matching.states == ("kept",) * 4
    assert family_of_class(second) == family_of_class(first)


def test_a_model_of_another_training_set_is_said_to_be_calibrated_on_what_it_may_have_seen(store: Store) -> None:
    model = candidate()
    own = replace(
        model, metadata={**model.metadata, "training_set": digest_on_disk(store, store.settings.normalisation)}
    )
    other = replace(model, metadata={**model.metadata, "training_set": "another"})
    found = [prepare(store, one, store.settings) for one in (own, other, model)]
    assert [one.same_training_set for one in found] == [True, False, None]
    assert "has not seen the validation split" in found[0].calibration_note
    assert "another training set, so its autoencoder may have seen" in found[1].calibration_note
    assert "trained on something unknown" in found[2].calibration_note


class Registry:
    """A registry that remembers what was asked of it, and may fail to publish."""

    def __init__(self, store: Store, fails: bool = False) -> None:
        self.store, self.fails, self.asked = store, fails, list[str]()

    def register(self, folder: Path, found: Appointment) -> Registration:
        self.asked.append(f"register {folder.name}")
        return Registration("a run", "small-dec", {"small-dec": "4", "small-dec-waveforms": "2"})

    def add_metrics(self, run_id: str, values: Mapping[str, float]) -> None:
        self.asked.append(f"add metrics to {run_id}")

    def publish(self, champion: Champion) -> None:
        self.asked.append("publish" + (" with a record in place" if self.store.champion.exists() else ""))
        if self.fails:
            raise OSError("the registry does not answer")


def test_a_champion_is_registered_before_it_is_published_and_recorded_last(store: Store) -> None:
    found, registry = prepare(store, candidate(), store.settings), Registry(store)
    installed = install(store.days.process, found, store.settings, registry)
    assert registry.asked == [f"register {found.champion.model_version}", "publish"]
    champion = read_champion(store)
    assert champion == installed.champion
    assert (champion.mlflow_run_id, champion.mlflow_model, champion.mlflow_model_version) == ("a run", "small-dec", "4")
    assert champion.mlflow_versions == {"small-dec": "4", "small-dec-waveforms": "2"}


@pytest.mark.parametrize(("false_alarms", "said"), [(1e-6, True), (0.5, False)])
def test_a_champion_without_a_threshold_of_novelty_says_so(store: Store, false_alarms: float, said: bool) -> None:
    novelty = store.settings.novelty.model_copy(update={"false_alarms": false_alarms})
    settings = store.settings.model_copy(update={"novelty": novelty})
    installed = install(store.days.process, prepare(store, candidate(), settings), settings, Registry(store))
    assert any("held-out events are too few" in doubt for doubt in installed.doubts) is said


def test_a_champion_that_cannot_be_published_is_not_recorded(store: Store) -> None:
    found = prepare(store, candidate(), store.settings)
    with pytest.raises(OSError, match="does not answer"):
        install(store.days.process, found, store.settings, Registry(store, fails=True))
    with pytest.raises(NoChampionError):
        read_champion(store)


def test_a_previous_champion_of_a_plugin_that_is_gone_is_named_with_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = appointed(store, candidate())

    def of_a_plugin(folder: Path, *remedy: str) -> Any:
        if folder == store.champion_model(first.champion.model_version):
            raise UnknownKindError("representation 'octaves' is not known")
        return load_copy(folder, *remedy)

    monkeypatch.setattr(appointment, "load_copy", of_a_plugin)
    with pytest.raises(PreviousChampionError, match="'octaves' is not known") as refused:
        appointed(store, candidate(seed=1))
    assert first.champion.model_version in str(refused.value)
    assert f"remove {store.champion} to begin with new class numbers" in str(refused.value)
    store.champion.unlink()
    assert appointed(store, candidate(seed=1)).champion.former is None
