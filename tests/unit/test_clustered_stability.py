"""Stability of candidates beside DEC: a representation with a clusterer, fitted again and again."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from builders import DAYS, sds_values, write_archive
from members import added
from stage_steps import acquire_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core import config
from ris_core.clustering.another_representation import AnotherAec, AnotherFit
from ris_core.clustering.candidate_models import candidate_configuration
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.clustered_recipe import ClusteredRecipe
from ris_core.clustering.clusterer import clusterer_class
from ris_core.clustering.criteria_run import criteria_are_current, run_criteria
from ris_core.clustering.event_properties import event_properties
from ris_core.clustering.features import inputs_of, make_features, read_features, write_features
from ris_core.clustering.latents import OutOfStepError
from ris_core.clustering.model_record import ModelRecord
from ris_core.clustering.noise_windows import NoiseWindows, noise_windows, windows_for
from ris_core.clustering.recipe import NoOtherSeedError
from ris_core.clustering.recipes import CandidateOutOfStepError, kind_of
from ris_core.clustering.stability import assess
from ris_core.clustering.stability_run import SUMMARY, TABLE, model_to_assess, run_stability, stability_is_current
from ris_core.clustering.trainings import Trainings
from ris_core.config import CLUSTERERS, REPRESENTATIONS, Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.run_log import RecordedRun
from ris_core.contracts.station_day import StationDay
from ris_core.representations.file_events import FileEvents
from ris_core.representations.fitted import fitted_configuration, load_fitted, save_fitted
from ris_core.representations.representation import representation_class
from ris_core.representations.spectra import Spectra
from ris_core.section import Section
from ris_core.storage import tables
from ris_core.storage.json_records import read_json

K = 3
NAME = CandidateName("spectra", "kmeans")


class TurnedSettings(Section):
    """Spectra whose axes are turned: another seed gives other features."""

    kind: Literal["turned"] = "turned"
    seed: int = 0


class Turned(Spectra):
    kind: ClassVar[str] = "turned"

    @classmethod
    def fit(cls, events: Any, settings: Section) -> Any:
        assert isinstance(settings, TurnedSettings)
        found = super().fit(events, config.SpectraSettings(dimensions=4))
        turn, _ = np.linalg.qr(np.random.default_rng(settings.seed).normal(size=(4, 4)))
        return cls(found.input, found._mean, turn @ found._axes, 0.0, 120.0, found._noise_quantile)


def train(store: Store, name: CandidateName, k: int = K) -> None:
    """Fit representation and clusters of a candidate and write them."""
    settings, data = store.settings, load_set(store)
    section = settings.representation_of(name.representation)
    kind = representation_class(REPRESENTATIONS.kind_of(section))
    fitted = kind.fit(FileEvents(store.training_set, ~data.validation), section)
    said = {
        "training_set": data.digest,
        "configuration": fitted_configuration(store, name.representation, settings, data.digest),
        "metrics": {},
    }
    z, _ = make_features(store, data, name.representation, fitted)
    digest = save_fitted(store, name.representation, fitted, said)
    write_features(store, data, name.representation, digest, z)
    clusters = settings.clusterer_of(name.clusterer)
    clusterer = clusterer_class(CLUSTERERS.kind_of(clusters)).fit(z[~data.validation], k, clusters, settings.dec.seed)
    inputs = inputs_of(store, name.representation, settings.normalisation)
    record = ModelRecord(
        inputs=inputs,
        configuration=candidate_configuration(inputs, name, k, settings, settings.dec.seed),
        metrics={},
        sizes=tuple(np.bincount(clusterer.labels(z), minlength=k).tolist()),
        coinciding=(),
        stations=(),
        stopped="",
        updates=(),
        normalisation=settings.normalisation,
        links={},
        name=name,
    )
    Clustered(name, load_fitted(store, name.representation), clusterer).save(
        store.candidate(name, k), record.as_metadata(k)
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two stations of three families of events, and the candidate spectra/kmeans."""
    root = tmp_path_factory.mktemp("clustered")
    values = sds_values(write_archive(root / "archive", ("AA", "BB"), DAYS[:2]), stations=("AA", "BB"), days=DAYS[:2])
    values["candidates"] = ["spectra/kmeans", "spectra/gmm"]
    values["champion"] = {"candidate": "spectra/kmeans"}
    values["dec"]["k"] = [K]
    values["stability"] |= {"seeds": 3}
    found = Store(Settings.model_validate(values), root / "data")
    for key in found.station_days():
        acquire_one(found, key)
        process_one(found, key, pictures=False)
    draw_set(found)
    train(found, NAME)
    return found


def with_stability(store: Store, **values: Any) -> Settings:
    of = store.settings.stability.model_copy(update=values)
    return store.settings.model_copy(update={"stability": of})


def test_a_candidate_is_assessed_through_its_own_representation(store: Store) -> None:
    chosen, log = model_to_assess(store, store.settings), RecordedRun()
    assert (chosen.candidate, chosen.k) == (NAME, K)
    found = run_stability(store.days.process, load_set(store), chosen, store.settings, log).found
    assert found.names == ("model", "seed 1", "seed 2")
    # Three pitches: every k-means finds them.
    assert found.mean_ari > 0.9
    assert found.stations["station"].tolist() == ["AA"] or found.stations["station"].tolist() == ["BB"]
    assert found.stations["ari_station"].item() > 0.8
    assert found.noise.without == ""
    assert found.noise.windows >= 20
    # Bursts lie far above the noise, and its own spectra are close to it.
    assert found.noise.scores["auc_latents"] > 0.95
    assert {"auc_reconstruction", "silhouette_events", "silhouette_noise"} <= found.noise.scores.keys()
    assert log.logged_parameters["candidate"] == "spectra/kmeans"
    table = tables.read_table(store.analysis(TABLE))
    assert len(table) == len(load_set(store))
    assert read_json(store.analysis(SUMMARY))["candidate"] == "spectra/kmeans"
    assert stability_is_current(store, store.settings)
    assert not stability_is_current(store, with_stability(store, seeds=4))


def test_criteria_over_k_are_computed_from_the_features_of_a_representation(store: Store) -> None:
    section, normalisation = store.settings.cluster_count, store.settings.normalisation
    assert store.settings.criteria_representation == "spectra"
    features, log = read_features(store, "spectra", normalisation), RecordedRun()
    found = run_criteria(store, features, section, log)
    assert found.suggested["silhouette"] == 3  # three pitches
    assert found.live_latents == features.z.shape[1]
    assert criteria_are_current(store, section, normalisation, "spectra")
    assert not criteria_are_current(store, section, normalisation)


def test_the_labels_of_a_seed_are_those_of_a_fit_to_the_training_split(store: Store) -> None:
    data = load_set(store)
    recipe = kind_of(NAME).recipe(store, NAME, K, data, store.settings)
    rows = np.arange(len(data))
    own = clusterer_class("kmeans").fit(recipe.z[~data.validation], K, config.KMeansSettings(), recipe.seed)
    np.testing.assert_array_equal(recipe.train(rows, recipe.seed), own.labels(recipe.z))
    np.testing.assert_array_equal(recipe.labels(), own.labels(recipe.z))
    some = rows[::2]
    without = clusterer_class("kmeans").fit(recipe.z[some[~data.validation[some]]], K, config.KMeansSettings(), 5)
    np.testing.assert_array_equal(recipe.train(some, 5), without.labels(recipe.z))


def test_what_a_model_says_of_events_of_the_training_set_follows_their_rows(store: Store) -> None:
    recipe = kind_of(NAME).recipe(store, NAME, K, load_set(store), store.settings)
    rows = np.array([1, 4, 5])
    said = recipe.of_events(rows)
    np.testing.assert_allclose(said.features, recipe.z[rows], rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(said.memberships.argmax(axis=1), recipe.labels()[rows])
    assert said.reconstruction_error is not None and said.reconstruction_error.shape == (3,)


def test_a_station_without_which_too_few_events_can_be_fitted_is_not_held_out(store: Store) -> None:
    data, station = load_set(store), event_properties(store).station
    recipe = kind_of(NAME).recipe(store, NAME, K, data, store.settings)
    assert isinstance(recipe, ClusteredRecipe)
    # Of one station nearly all events are held out from the fit.
    few = np.flatnonzero(station == "BB")[2:]
    scarce = replace(recipe, train_split=~np.isin(np.arange(len(data)), few))
    windows, trainings = NoiseWindows(None, without="none wanted"), Trainings(store.root / "none", "")
    settings = store.settings.stability.model_copy(update={"held_out_stations": 2})
    found = assess(scarce, event_properties(store), windows, settings, trainings)
    assert found.stations["station"].tolist() == ["BB"]


def test_another_training_set_that_is_drawn_meanwhile_is_noticed(store: Store) -> None:
    recipe = kind_of(NAME).recipe(store, NAME, K, load_set(store), store.settings)
    assert isinstance(recipe, ClusteredRecipe)
    earlier = replace(recipe, content="that of another draw")
    for read in (earlier.labels, lambda: earlier.of_events(np.arange(3))):
        with pytest.raises(OutOfStepError, match="another training set was drawn meanwhile; assess again"):
            read()
    of_another_draw = replace(load_set(store), digest="other")
    with pytest.raises(OutOfStepError, match="another training set was drawn meanwhile"):
        kind_of(NAME).recipe(store, NAME, K, of_another_draw, store.settings)


def test_a_representation_without_a_seed_cannot_vary(store: Store) -> None:
    settings = with_stability(store, vary="autoencoder")
    with pytest.raises(NoOtherSeedError, match=r"kind spectra\) has no seed.*set stability.vary to 'clusters'"):
        run_stability(store.days.process, load_set(store), model_to_assess(store, settings), settings, RecordedRun())


def test_a_representation_with_a_seed_is_fitted_again_with_it(store: Store) -> None:
    with added(REPRESENTATIONS, TurnedSettings, f"{__name__}:Turned"):
        data = load_set(store)
        everything, split = FileEvents(store.training_set), FileEvents(store.training_set, ~data.validation)
        another = AnotherFit("mine", "turned", TurnedSettings(seed=9), split, everything)
        one, two = another.features(1), another.features(2)
        assert one.shape == (len(data), 4)
        np.testing.assert_array_equal(one, another.features(1))
        assert not np.allclose(one, two)
        fitted = Turned.fit(split, TurnedSettings(seed=1))
        np.testing.assert_array_equal(one[:5], fitted.transform(next(everything.blocks(fitted.needs)).take(slice(5))))
        recipe = replace(kind_of(NAME).recipe(store, NAME, K, data, store.settings), another=another)
        np.testing.assert_array_equal(recipe.with_seed(2).z, two)


def test_a_model_that_is_not_there_or_of_other_settings_is_named(store: Store) -> None:
    with pytest.raises(CandidateOutOfStepError, match=r"no model spectra/gmm of K = 3.*candidates are spectra/kmeans"):
        model_to_assess(store, store.settings, "spectra/gmm")
    other = store.settings.model_copy(update={"clusterers": {"kmeans": config.KMeansSettings(n_init=1)}})
    with pytest.raises(OutOfStepError, match="no model spectra/kmeans of K = 3"):
        model_to_assess(store, other)
    with pytest.raises(ValueError, match="'kmeans' is no candidate"):
        model_to_assess(store, store.settings, "kmeans")


def test_windows_that_the_model_does_not_take_in_are_not_compared(store: Store) -> None:
    recipe = kind_of(NAME).recipe(store, NAME, K, load_set(store), store.settings)
    process, stability = store.days.process, store.settings.stability
    assert windows_for(recipe, process, stability).events is not None
    context = store.settings.context.model_copy(update={"noise_quantile": 0.5})
    changed = Store(store.settings.model_copy(update={"context": context}), store.root)
    for key in [StationDay("AA", DAYS[0])]:
        process_one(changed, key, pictures=False)
    assert noise_windows(changed.days.process, 30, 0).events is not None
    found = windows_for(recipe, changed.days.process, stability)
    assert found.events is None
    assert "context.noise_quantile: the model takes 0.25, the data have 0.5" in found.without
    assert "draw and train again" in found.without
    process_one(store, StationDay("AA", DAYS[0]), pictures=False)


def test_an_autoencoder_of_no_trial_cannot_vary(store: Store) -> None:
    with pytest.raises(NoOtherSeedError, match=r"no trial of aec\.grid"):
        AnotherAec(load_set(store), store.settings.aec, None).features(1)


@pytest.mark.parametrize(
    ("stability", "said"),
    [
        ({"candidate": "spectra/ward"}, r"stability.candidate \(spectra/ward\) is not among candidates \(aec/dec\)"),
        ({"candidate": "aec/dec"}, ""),
    ],
)
def test_only_what_is_trained_can_be_assessed(tmp_path: Path, stability: dict[str, str], said: str) -> None:
    values = sds_values(tmp_path)
    values["stability"] |= stability
    if said:
        with pytest.raises(ValueError, match=said):
            Settings.model_validate(values)
    else:
        assert Settings.model_validate(values).stability.candidate == "aec/dec"


def test_without_a_candidate_the_digest_of_the_section_is_that_of_earlier_versions() -> None:
    from ris_core.section import digest_of

    section = config.StabilitySettings()
    assert section.digest() == digest_of(section.model_dump(mode="json", exclude={"candidate"}))
    assert section.digest() != config.StabilitySettings(candidate="aec/dec").digest()
