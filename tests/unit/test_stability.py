from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import DAYS, sds_values, write_archive
from numpy.typing import NDArray
from representation_builders import events_of
from sklearn.metrics import adjusted_rand_score
from stage_steps import acquire_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core import config
from ris_core.clustering.agreement import consensus, pairwise_ari
from ris_core.clustering.another_representation import AnotherAec
from ris_core.clustering.dec_recipe import DecRecipe, another_order
from ris_core.clustering.event_properties import event_properties
from ris_core.clustering.initialise import initialise
from ris_core.clustering.noise_null import NoiseNull, against_noise
from ris_core.clustering.noise_windows import NoiseWindows, noise_windows
from ris_core.clustering.recipe import NoOtherSeedError
from ris_core.clustering.stability import NoTrainingError, Stability, assess, judge
from ris_core.clustering.trainings import Trainings
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.storage import spectrogram_file
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.aec import train_aec
from ris_core.training.dec import train_dec
from ris_core.training.normalise import normalise
from ris_core.training.samples import Samples, of_array
from ris_core.training.training_set import TrainingSet

Array = NDArray[Any]
DEC = config.DecSettings(k=(3,), n_init=2, max_epochs=1, batch_size=16)


def families(n: int = 60) -> tuple[Array, Array]:
    """Three families of normalised spectrograms and their numbers."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    rows = np.arange(87)[None, :, None]
    shape = np.exp(-0.5 * ((rows - np.array([15, 40, 70])[labels][:, None, None]) / 4) ** 2)
    return normalise((shape * rng.uniform(0.8, 1.2, (n, 87, 100)) + 1e-3).astype(np.float32)), labels


AEC = config.AecSettings(latent="linear", max_epochs=15, patience=15)
PLAIN = config.NormalisationSettings()


def training_set(samples: Samples, validation: Array) -> TrainingSet:
    axes = np.arange(87.0), np.arange(100.0)
    return TrainingSet(samples, ("",) * len(samples), validation, *axes, "", PLAIN, config.PAPER_INPUT)


@pytest.fixture(scope="module")
def recipe() -> DecRecipe:
    x, _ = families()
    aec = train_aec(x[:50], x[50:], 8, 3e-3, AEC).model
    z, samples = encode(aec, x), of_array(x)
    another = AnotherAec(training_set(samples, np.arange(60) >= 50), AEC, (8, 3e-3))
    return DecRecipe(trained(aec, z, samples), config.PAPER_INPUT, aec, z, samples, DEC, PLAIN, another)


def trained(aec: Aec, z: Array, samples: Samples, k: int = 3) -> Any:
    start = initialise("kmeans", z, k, 2, 0)
    return train_dec(aec, samples, start.centroids, start.labels, DEC).model


def windows_of(spectrogram: Array) -> NoiseWindows:
    return NoiseWindows(events_of(spectrogram.astype(np.float32)))


def test_a_training_gives_every_event_a_label_in_the_order_of_the_samples(recipe: DecRecipe) -> None:
    truth = families()[1]
    everything = np.arange(60)
    plain = recipe.train(everything, 0)
    assert adjusted_rand_score(truth, plain) > 0.9
    np.testing.assert_array_equal(plain, recipe.train(everything, 0))
    turned = recipe.train(another_order(recipe.samples, 5), 5)
    assert adjusted_rand_score(truth, turned) > 0.9


def test_events_that_were_left_out_are_labelled_by_the_trained_network(recipe: DecRecipe) -> None:
    truth = families()[1]
    labels = recipe.train(np.arange(20, 60), 0)
    assert labels.shape == (60,)
    assert adjusted_rand_score(truth[:20], labels[:20]) > 0.8


def test_the_autoencoder_may_vary_with_the_seed_where_it_is_a_trial(recipe: DecRecipe) -> None:
    another = replace(recipe, aec=Aec(seed=9), z=np.zeros_like(recipe.z))
    # With the seed of the recipe's autoencoder it is trained again, for any current autoencoder.
    wanted = recipe.train(another_order(recipe.samples, 0), 0)
    np.testing.assert_array_equal(another.train_with(0, "autoencoder"), wanted)
    imported = replace(recipe, another=replace(recipe.another, trial=None))
    with pytest.raises(NoOtherSeedError, match=r"no trial of aec\.grid.*set stability\.vary to 'clusters'"):
        imported.train_with(0, "autoencoder")


def test_another_order_holds_every_event_once() -> None:
    samples = of_array(np.zeros((50, 4), np.float32))
    one, two = another_order(samples, 1), another_order(samples, 2)
    assert sorted(one) == sorted(two) == list(range(50))
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, another_order(samples, 1))


def test_streamed_events_change_places_by_blocks() -> None:
    class OnDisk:
        in_memory = False

        def __len__(self) -> int:
            return 5000

    rows = another_order(OnDisk(), 3)  # type: ignore[arg-type]
    assert sorted(rows) == list(range(5000))
    # Reading is contiguous except at the seams of five blocks.
    assert 1 <= int(np.sum(np.diff(rows) != 1)) <= 4


def test_finished_trainings_are_taken_up_and_those_of_another_configuration_are_not(tmp_path: Path) -> None:
    path = tmp_path / "trainings.safetensors"

    def never() -> Array:
        raise AssertionError("this training was done already")

    done = Trainings(path, "one")
    labels = done.labels("seed 1", lambda: np.array([0, 1, 2], np.int32))
    np.testing.assert_array_equal(Trainings(path, "one").labels("seed 1", never), labels)
    assert Trainings(path, "two").labels("seed 1", lambda: np.array([5], np.int32)).tolist() == [5]
    path.write_bytes(b"half a file")
    assert Trainings(path, "two").labels("seed 1", lambda: np.array([6], np.int32)).tolist() == [6]
    Trainings(path, "two").clear()
    assert not path.exists()
    Trainings(path, "two").clear()


def test_noise_that_is_no_other_than_events_cannot_be_told_from_them(recipe: DecRecipe) -> None:
    x, labels = families()
    found = against_noise(recipe, labels, windows_of(families(120)[0][60:]), 0)
    assert found.windows == 60
    assert found.scores["auc_latents"] == pytest.approx(0.5, abs=0.2)
    assert found.scores["auc_reconstruction"] == pytest.approx(0.5, abs=0.2)
    assert found.by_label["noise"].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(found.by_label["events"], np.bincount(labels) / len(x))


def test_white_noise_is_told_from_events_and_clusters_worse(recipe: DecRecipe) -> None:
    _, labels = families()
    noise = np.random.default_rng(1).exponential(size=(60, 87, 100))
    found = against_noise(recipe, labels, windows_of(noise), 0)
    assert found.scores["auc_reconstruction"] > 0.95
    assert found.scores["silhouette_noise"] < found.scores["silhouette_events"]
    assert found.scores["probability_noise"] < found.scores["probability_events"]


def test_too_few_windows_are_no_null(recipe: DecRecipe) -> None:
    x, labels = families()
    assert "3 windows were found; at least 20" in against_noise(recipe, labels, windows_of(x[:3]), 0).without
    none = NoiseWindows(None, without="no raw waveforms")
    assert against_noise(recipe, labels, none, 0).without == "no raw waveforms"


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("noise")
    values = sds_values(write_archive(root / "archive", ("AA",)), stations=("AA",))
    store = Store(Settings.model_validate(values), root / "data")
    for day in DAYS:
        acquire_one(store, StationDay("AA", day))
        process_one(store, StationDay("AA", day), pictures=False)
    return store


def test_noise_windows_hold_no_event(processed: Store) -> None:
    found = noise_windows(processed.days.process, 30, 0)
    assert found.without == ""
    assert {key.station for key in found.station_days} == {"AA"}
    assert found.events is not None
    x = normalise(found.events.spectrogram, PLAIN)
    assert 20 <= len(x) <= 30
    # What representations may need is there, as it is of events.
    found.events.require("spectrogram", "waveform", "context", "noise_psd")
    assert len(set(found.events.event_id)) == len(x)
    assert {name.split(".")[1] for name in found.events.event_id} == {"AA"}
    key = StationDay("AA", DAYS[0])
    events = normalise(spectrogram_file.read_spectrograms(processed.spectrograms(key)).spectrogram)
    # A burst fills few columns with its power; noise fills all of them. Some bursts that follow a strong one are not
    # detected, so they are no events and may lie in a window.
    concentrated = [np.square(one).sum(axis=1).max(axis=1) for one in (x, events)]
    assert np.quantile(concentrated[0], 0.9) < concentrated[1].min()
    again = noise_windows(processed.days.process, 30, 0)
    assert again.events is not None
    np.testing.assert_array_equal(found.events.spectrogram, again.events.spectrogram)
    np.testing.assert_array_equal(found.events.noise_psd, again.events.noise_psd)
    other = noise_windows(processed.days.process, 30, 1).events
    assert other is not None and other.event_id[:20] != found.events.event_id[:20]


def test_windows_never_overlap_one_another_nor_a_detection(processed: Store) -> None:
    from ris_core.clustering.noise_windows import _free_middles, _processed
    from ris_core.processing.spectrograms import plan

    key = StationDay("AA", DAYS[1])
    products = _processed(processed.days.process, key)
    settings = processed.settings
    constants = plan(settings.spectrogram, settings.conditioning)
    reach = constants.search + constants.samples
    (trace,) = products.traces.detection
    middles = _free_middles(trace, products.detections, key, settings, reach)
    assert len(middles) > 5
    assert np.diff(middles).min() >= 2 * reach
    assert min(middles) - reach >= 31 * 50  # the guard after the gap that precedes the recording
    on, off = (products.detections[n].to_numpy(dtype=np.int64) for n in ("time_on", "time_off"))
    for middle in middles:
        first, last = trace.time_ns(middle - reach), trace.time_ns(middle + reach)
        assert not np.any((on < last) & (off > first))


def test_without_waveforms_at_hand_there_are_no_windows_and_a_reason(processed: Store, tmp_path: Path) -> None:
    assert noise_windows(processed.days.process, 0, 0).without == "stability.noise_windows is 0"
    bare = Store(processed.settings, tmp_path / "data")
    found = noise_windows(bare.days.process, 30, 0)
    assert found.events is None
    assert "no processed station-day has an available raw waveform" in found.without
    records = [processed.acquisition(StationDay("AA", day)) for day in DAYS]
    before = [read_json(path) for path in records]
    for path, record in zip(records, before, strict=True):
        write_json(path, record | {"path": "imported"})
    try:
        assert "imported, or removed" in noise_windows(processed.days.process, 30, 0).without
    finally:
        for path, record in zip(records, before, strict=True):
            write_json(path, record)


def stability(partitions: list[Array]) -> Stability:
    common = consensus(partitions, 3)
    events = np.bincount(common.labels, minlength=3)
    by_label = pd.DataFrame({"events": events, "agreement": np.bincount(common.labels, common.agreement) / events})
    return Stability(
        k=3,
        names=("model", *(f"seed {n}" for n in range(1, len(partitions)))),
        labels=np.stack(partitions).astype(np.int32),
        ari=pairwise_ari(partitions),
        consensus=common,
        by_label=by_label.rename_axis("label"),
        associations=pd.DataFrame(columns=["variable", "ami", "p", "p_restricted"]),
        amplitude_of="",
        stations=pd.DataFrame(columns=["station", "ari_station"]),
        noise=NoiseNull(0, "none"),
    )


def test_trainings_that_agree_pass_and_others_are_told_apart_by_name() -> None:
    same = np.repeat(np.arange(3), 30)
    assert judge(stability([same, (same + 1) % 3]), 0.6, "").passed
    # Trainings differ about clusters 1 and 2 and agree on 0.
    rng = np.random.default_rng(0)
    mixed = [np.where(same == 0, 0, rng.integers(1, 3, 90)) for _ in range(3)]
    found = judge(stability(mixed), 0.6, DecRecipe.better)
    assert not found.passed
    text = "; ".join(found.reasons)
    assert "3 trainings with K = 3" in text
    assert "below 0.60 (stability.least_ari); least alike are" in text
    assert "agree least on: " in text
    assert " 0 (" not in text.partition("agree least on")[2]
    assert "cluster_count" in text
    assert "dec.n_init" in text


def test_the_settings_decide_how_much_agreement_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    unrelated = [rng.integers(0, 3, 90) for _ in range(3)]
    assert judge(stability(unrelated), -1, "").passed


def test_trainings_that_come_to_nothing_are_named_and_left_out(processed: Store, tmp_path: Path) -> None:
    values = processed.settings.model_dump(mode="json")
    values["stability"] |= {"vary": "autoencoder", "seeds": 3, "noise_windows": 0, "held_out_stations": 0}
    values["aec"] |= {"restarts": 0, "max_epochs": 1}
    store = Store(Settings.model_validate(values), processed.root)
    draw_set(store)
    data = load_set(store)
    aec = Aec(0, latent="linear")
    z, hopeless = encode(aec, data.samples), AnotherAec(data, store.settings.aec, (8, 1e30))
    recipe = DecRecipe(trained(aec, z, data.samples, 2), data.input, aec, z, data.samples, DEC, PLAIN, hopeless)
    path = tmp_path / "trainings.safetensors"
    compared = recipe, event_properties(store), NoiseWindows(None, without="none wanted"), store.settings.stability
    with pytest.raises(NoTrainingError, match=r"none of 2 further trainings.*\nseed 1: .*\nseed 2: "):
        assess(*compared, Trainings(path, "one"))
    done = Trainings(path, "one")
    done.labels("seed 1", recipe.labels)
    found = assess(*compared, done)
    assert found.names == ("model", "seed 1")
    assert found.failed.keys() == {"seed 2"}
    assert "learning rate 1e+30" in found.failed["seed 2"]
    assert (found.metrics()["trainings"], found.metrics()["failed_trainings"]) == (2, 1)
