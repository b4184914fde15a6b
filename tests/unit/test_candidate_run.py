"""Candidates without Dagster or MLflow: fitted, trained for a K, chosen as champion, labelling station-days."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import sds_values, write_archive
from members import added
from octave_representation import OctaveSettings
from stage_steps import acquire_one, days_at, label_one, process_one
from store import Store
from training_builders import draw_set, load_set
from ward_clusterer import WardSettings

from ris_core.clustering import representation_run
from ris_core.clustering.candidate_models import candidate_is_current, load_candidate, read_candidate
from ris_core.clustering.candidate_run import FinishedCandidate, train_candidate
from ris_core.clustering.candidates import NoTrainedModelError, candidate_of_folder, candidate_of_k, folder_of_run
from ris_core.clustering.champion import appoint, read_champion
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.features import (
    FeaturesOutOfStepError,
    features_are_current,
    make_features,
    read_features,
)
from ris_core.clustering.model_states import candidate_states, champion_state, representation_state
from ris_core.clustering.representation_run import FinishedFit, fit_representation
from ris_core.config import CLUSTERERS, REPRESENTATIONS, Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.events import Events
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.contracts.run_log import RecordedRun
from ris_core.contracts.station_day import StationDay
from ris_core.labels.appointment import prepare
from ris_core.labels.champion_figures import champion_figures
from ris_core.labels.held_out import held_out_assignment
from ris_core.representations.fitted import NoRepresentationError, load_fitted, read_fitted
from ris_core.representations.representation import ImpossibleValuesError
from ris_core.serving.example import example_events
from ris_core.serving.named_arrays import NamedArrays
from ris_core.serving.package import Contents, NoPackageError, Package, members_of, packaged_model, ways_of
from ris_core.serving.package_code import package_code
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.storage.tables import read_table
from ris_core.verification import damaged_models

SPECTRA_GMM, OCTAVES_WARD = CandidateName.of("spectra/gmm"), CandidateName.of("octaves/ward")
CONSENSUS = CandidateName.of("spectra/consensus")
K = 2


@pytest.fixture(scope="module", autouse=True)
def members() -> Iterator[None]:
    with (
        added(REPRESENTATIONS, OctaveSettings, "octave_representation:OctaveBands"),
        added(CLUSTERERS, WardSettings, "ward_clusterer:WardClusterer"),
    ):
        yield


def values(root: Path) -> dict[str, Any]:
    return sds_values(root / "archive") | {
        "candidates": [str(SPECTRA_GMM), str(OCTAVES_WARD), str(CONSENSUS)],
        "representations": {"spectra": {"dimensions": 5}},
        "clusterers": {"consensus": {"k": [K, K + 1], "member_k": [2, 3]}},
        "champion": {"candidate": str(SPECTRA_GMM), "names": {0: "icequake"}},
        "novelty": {"score": "distance", "false_alarms": 0.2},
        "dec": {"k": [K, K + 1], "smallest_cluster": 0.0},
        "cluster_count": {"sample": 1000},
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A processed network with a training set and both candidates."""
    root = tmp_path_factory.mktemp("candidates")
    write_archive(root / "archive")
    found = Store(Settings.model_validate(values(root)), root / "data")
    for key in found.station_days():
        acquire_one(found, key)
        process_one(found, key, pictures=False)
    draw_set(found)
    for name in (SPECTRA_GMM, OCTAVES_WARD):
        fitted(found, name.representation)
        trained(found, name)
    trained(found, CONSENSUS)
    return found


def fitted(store: Store, name: str, log: RecordedRun | None = None) -> FinishedFit:
    return fit_representation(store, load_set(store), name, store.settings, {}, log or RecordedRun())


def trained(store: Store, name: CandidateName, k: int = K, log: RecordedRun | None = None) -> FinishedCandidate:
    settings = store.settings
    latents = read_features(store, name.representation, settings.normalisation)
    return train_candidate(
        store,
        load_set(store),
        latents,
        name,
        k,
        settings,
        settings.dec,
        settings.cluster_count,
        {},
        log or RecordedRun(),
    )


def chosen(store: Store, name: CandidateName) -> Any:
    settings = store.settings
    candidate = candidate_of_k(store, name, K, settings, settings.normalisation)
    found = prepare(store, candidate, settings)
    appoint(store, found.champion)
    return found


def is_current(store: Store, name: CandidateName, k: int = K) -> bool:
    settings = store.settings
    return candidate_is_current(store, name, k, settings, settings.normalisation)


def first_day(store: Store) -> StationDay:
    return next(iter(store.station_days()))


def test_a_representation_is_fitted_to_the_training_split_and_describes_all_events(store: Store) -> None:
    log = RecordedRun(links={"mlflow_run_id": "a"})
    made = fitted(store, "spectra", log)
    data = load_set(store)
    assert made.latents.z.shape == (len(data), 5) and made.record == read_fitted(store, "spectra")
    assert log.logged_parameters["dimensions"] == 5 and log.logged_data == {"training_set": data.digest}
    assert {"train_error", "val_error", "dimensions"} <= log.logged_metrics.keys()
    table = read_table(store.features("spectra"))
    assert tuple(table["event_id"]) == data.event_id
    np.testing.assert_array_equal(np.stack(table["features"].tolist()), made.latents.z)
    # Features of the training split have mean 0 by construction; those of the validation split do not.
    assert abs(made.latents.z[~data.validation].mean(axis=0)).max() < 1e-3


def test_the_same_again_gives_the_same_bytes(store: Store) -> None:
    paths = [
        store.features("spectra"),
        store.representation("spectra") / "model.safetensors",
        store.candidate(SPECTRA_GMM, K) / "model.safetensors",
    ]
    before = [path.read_bytes() for path in paths]
    fitted(store, "spectra")
    trained(store, SPECTRA_GMM)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("name", [SPECTRA_GMM, OCTAVES_WARD])
def test_a_candidate_is_scored_drawn_and_kept(store: Store, name: CandidateName) -> None:
    log = RecordedRun(links={"mlflow_run_id": "abc"})
    made = trained(store, name, log=log)
    assert made.kept == read_candidate(store, name, K)
    record = made.kept.record
    assert (record.name, sum(record.sizes), record.mlflow_run_id) == (name, len(load_set(store)), "abc")
    assert {"silhouette", "silhouette_features", "davies_bouldin", "size_0"} <= log.logged_metrics.keys()
    drawn = {"clusters", "latent_space", "t_sne", "silhouettes", "distances"}
    assert set(log.logged_figures) == drawn | ({"spectra"} if name == SPECTRA_GMM else set())
    assert log.logged_tags["accepted"] == str(made.acceptance.passed).lower()
    assert "classes.csv" in log.logged_texts
    model, said = load_candidate(store, name, K)
    assert (model.name, model.n_clusters, said.digest) == (name, K, made.kept.digest)
    assert folder_of_run(store, "abc", {name: store.settings.dec.k}) == store.candidate(name, K)
    state = candidate_states(store, name, store.settings, store.settings.normalisation)[K]
    assert state.is_there and state.metrics["silhouette"] == record.metrics["silhouette"]


def test_what_is_current_follows_settings_seed_and_representation(store: Store) -> None:
    assert is_current(store, SPECTRA_GMM) and not is_current(store, SPECTRA_GMM, K + 1)
    assert features_are_current(store, "spectra", store.settings, store.settings.normalisation)
    for section, changed in {
        "dec": {"k": [K], "seed": 7},
        "clusterers": {"gmm": {"kind": "gmm", "n_init": 3}},
        "candidates": [str(OCTAVES_WARD)],
        "normalisation": {"scale": "decibel"},
    }.items():
        other = store.settings.model_dump(mode="json") | {
            section: changed,
            "champion": {"candidate": str(OCTAVES_WARD)},
        }
        assert not is_current(Store(Settings.model_validate(other), store.root), SPECTRA_GMM)
    other = store.settings.model_dump(mode="json") | {"representations": {"spectra": {"dimensions": 4}}}
    assert not features_are_current(store, "spectra", Settings.model_validate(other), store.settings.normalisation)


def test_a_damaged_file_is_not_current(store: Store) -> None:
    for path, current in (
        (store.candidate(SPECTRA_GMM, K) / "model.safetensors", lambda: is_current(store, SPECTRA_GMM)),
        (
            store.representation("spectra") / "model.safetensors",
            lambda: features_are_current(store, "spectra", store.settings, store.settings.normalisation),
        ),
        (
            store.features("spectra"),
            lambda: features_are_current(store, "spectra", store.settings, store.settings.normalisation),
        ),
    ):
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes(9))
        assert not current()
        path.write_bytes(content)
        assert current()


def test_the_model_of_another_candidate_in_a_folder_is_damage(store: Store) -> None:
    path = store.candidate(OCTAVES_WARD, K) / "model.json"
    kept = path.read_bytes()
    write_json(
        path, read_json(path) | {"metadata": read_json(store.candidate(SPECTRA_GMM, K) / "model.json")["metadata"]}
    )
    with pytest.raises(DamagedFileError, match="it is of the candidate spectra/gmm"):
        read_candidate(store, OCTAVES_WARD, K)
    path.write_bytes(kept)


def test_a_model_of_something_else_in_the_place_of_a_representation_is_damage(store: Store) -> None:
    folder, places = store.representation("spectra"), (store.representation("octaves"), store.candidate(SPECTRA_GMM, K))
    files = [folder / "model.json", folder / "model.safetensors"]
    kept = [path.read_bytes() for path in files]
    for place, why in zip(
        places, ("it is of the representation octaves", "it is of a model of the kind clusters"), strict=True
    ):
        for path in files:
            path.write_bytes((place / path.name).read_bytes())
        with pytest.raises(DamagedFileError, match=why):
            read_fitted(store, "spectra")
        assert why in str(list(damaged_models(store, [], [K])))
        assert not features_are_current(store, "spectra", store.settings, store.settings.normalisation)
    for path, content in zip(files, kept, strict=True):
        path.write_bytes(content)
    assert not list(damaged_models(store, [], [K]))


def test_what_is_not_there_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NoRepresentationError, match="the representation other has not been fitted yet"):
        load_fitted(store, "other")
    with pytest.raises(NoTrainedModelError, match=r"no model spectra/kmeans of K = 2 .*current representation"):
        candidate_of_k(store, CandidateName.of("spectra/kmeans"), K, store.settings, store.settings.normalisation)


def test_another_training_set_meanwhile_is_noticed(store: Store) -> None:
    data = replace(load_set(store), digest="another")
    with pytest.raises(FeaturesOutOfStepError, match="another training set was drawn meanwhile"):
        make_features(store, data, "spectra", load_fitted(store, "spectra"))


@pytest.mark.parametrize("clusterer", ["gmm", "kmeans"])
def test_one_feature_is_enough(tmp_path_factory: pytest.TempPathFactory, store: Store, clusterer: str) -> None:
    name = CandidateName("one", clusterer)
    root = tmp_path_factory.mktemp("one")
    changed = store.settings.model_dump(mode="json") | {
        "candidates": [str(name)],
        "representations": {"one": {"kind": "spectra", "dimensions": 1}},
        "champion": {"candidate": str(name)},
    }
    shutil.copytree(store.root, root / "data", ignore=shutil.ignore_patterns("models"))
    own = Store(Settings.model_validate(changed), root / "data")
    log = RecordedRun()
    fitted(own, "one", log)
    trained(own, name, log=log)
    assert {"clusters", "distances"} <= set(log.logged_figures)
    assert not {"latent_space", "t_sne"} & set(log.logged_figures)
    found = chosen(own, name)
    assert set(dict(champion_figures(own, found, own.settings.champion))) == {"classes", "spectra"}
    key = first_day(own)
    assert label_one(own, key).result.labels > 0
    assert np.stack(tables.read_table(own.labels(key))["latent"].tolist()).shape[1] == 1


def test_features_of_another_fit_are_not_clustered(store: Store) -> None:
    kept = (store.candidate(SPECTRA_GMM, K) / "model.json").read_bytes()
    settings = store.settings
    latents = read_features(store, "spectra", settings.normalisation)
    other = replace(latents, inputs=replace(latents.inputs, representation="another"))
    of = SPECTRA_GMM, K, settings, settings.dec, settings.cluster_count, {}, RecordedRun()
    with pytest.raises(FeaturesOutOfStepError, match="the representation spectra or the training set was made again"):
        train_candidate(store, load_set(store), other, *of)
    assert (store.candidate(SPECTRA_GMM, K) / "model.json").read_bytes() == kept


def test_a_fit_that_was_killed_before_its_features_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = store.features("spectra"), store.representation("spectra") / "model.json"
    kept = [path.read_bytes() for path in paths]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    store.features("spectra").unlink()
    monkeypatch.setattr(representation_run, "write_features", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(store, "spectra")
    of = store, "spectra", store.settings, store.settings.normalisation
    assert not features_are_current(*of)
    assert read_fitted(store, "spectra").metrics["dimensions"] == 5
    assert representation_state(*of) == "damaged, or not what the current training set and settings would give"
    for path, content in zip(paths, kept, strict=True):
        path.write_bytes(content)
    assert representation_state(*of).startswith("5 dimensions, training error ")


@pytest.mark.parametrize("name", [SPECTRA_GMM, OCTAVES_WARD])
def test_values_that_cannot_be_are_no_labels(
    store: Store, name: CandidateName, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(store, name)
    model = load_candidate(store, name, K)[0]
    assert isinstance(model, Clustered)
    representation, clusterer = type(model.representation), type(model.clusterer)
    right, memberships = representation.transform, clusterer.memberships

    def one_is_nan(self: Any, events: Events) -> Any:
        found = right(self, events)
        found[-1:, 0] = np.nan
        return found

    key = first_day(store)
    kept = store.labels(key)
    kept.unlink(missing_ok=True)
    kind = name.representation
    for where, called, wrong, why in (
        (
            representation,
            "transform",
            one_is_nan,
            rf"representation {kind}: features of 1 of \d+ events are not finite",
        ),
        (
            representation,
            "transform",
            lambda self, events: right(self, events)[:, :1],
            rf"representation {kind}: features of the shape \(\d+, 1\), but \(\d+, \d+\) are needed",
        ),
        (
            clusterer,
            "memberships",
            lambda self, z: memberships(self, z) * 2,
            f"clusterer {name.clusterer}: memberships are negative, or their sum for an event is not 1",
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(where, called, wrong)
            with pytest.raises(ImpossibleValuesError, match=why):
                label_one(store, key)
            assert not kept.exists()
            if where is representation:
                with pytest.raises(ImpossibleValuesError, match=why):
                    make_features(store, load_set(store), kind, load_fitted(store, kind))


@pytest.mark.parametrize("name", [SPECTRA_GMM, OCTAVES_WARD])
def test_a_champion_of_any_candidate_labels_station_days(store: Store, name: CandidateName) -> None:
    found = chosen(store, name)
    champion = read_champion(store)
    assert champion == found.champion
    assert champion.candidate == str(name) and champion.model_version.startswith(f"{str(name).replace('/', '-')}-k2-")
    assert champion_state(store) == champion.model_version
    assert [one.of for one in found.requirements] == ["clusters"]
    key = first_day(store)
    result = label_one(store, key).result
    frame = tables.read_table(store.labels(key))
    assert result.labels == len(frame) == result.events > 0 and days_at(store).label.is_current(key)
    memberships = np.stack(frame["probabilities"].tolist())
    np.testing.assert_allclose(memberships.sum(axis=1), 1, atol=1e-5)
    assert frame["label"].tolist() == [champion.classes[j] for j in memberships.argmax(axis=1)]
    assert np.stack(frame["latent"].tolist()).shape == (len(frame), found.model.dimensions)
    assert frame["reconstruction_error"].isna().all() == (name == OCTAVES_WARD)
    assert (frame["model_version"] == champion.model_version).all()
    drawn = set(dict(champion_figures(store, found, store.settings.champion)))
    assert drawn >= {"classes", "latent_space"} and ("spectra" in drawn) == (name == SPECTRA_GMM)


def test_held_out_events_are_judged_and_must_be_such_as_those_of_the_training(store: Store) -> None:
    found = chosen(store, SPECTRA_GMM)
    held_out = store.settings.training_set.model_copy(update={"held_out_stations": ("BB",)})
    of = store.days.process, held_out, found, store.settings.labelling
    judged = held_out_assignment(*of)
    assert 0 <= judged["held_out_assigned"] <= 1
    events = [
        spectrogram_file.read_info(store.spectrograms(k)).events for k in store.station_days() if k.station == "BB"
    ]
    assert judged["held_out_events"] == sum(events)
    assert isinstance(found.model, Clustered)
    representation = found.model.representation
    representation.input = replace(representation.input, band=(1.0, 2.0))
    with pytest.raises(InputMismatchError, match=r"BB.*band: the model takes \(1\.0, 2\.0\)"):
        held_out_assignment(*of)


def test_descriptions_of_columns_are_those_of_the_model(store: Store) -> None:
    import pyarrow.parquet as pq

    chosen(store, SPECTRA_GMM)
    label_one(store, first_day(store))
    schema = pq.read_schema(store.labels(first_day(store)))
    assert b"posterior probability" in schema.field("probability").metadata[b"description"]
    assert b"principal components" in schema.field("reconstruction_error").metadata[b"description"]


def test_labels_of_noise_spectra_are_out_of_date_when_these_change_but_spectrograms_do_not(store: Store) -> None:
    key = first_day(store)
    path = store.spectrograms(key)
    kept = path.read_bytes()
    for name, stays in ((SPECTRA_GMM, False), (OCTAVES_WARD, True)):
        chosen(store, name)
        label_one(store, key)
        events, info = spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path)
        assert events.noise_psd is not None and info.stamp is not None
        spectrogram_file.write_spectrograms(
            path, replace(events, noise_psd=2 * events.noise_psd), info.stamp, "{}", info.summary
        )
        assert spectrogram_file.read_info(path).content == info.content
        assert days_at(store).label.is_current(key) == stays
        assert days_at(store).label.follows_its_input(key) == stays
        path.write_bytes(kept)


def test_events_of_another_kind_are_refused_by_name(store: Store) -> None:
    found = chosen(store, SPECTRA_GMM)
    key = first_day(store)
    path = store.spectrograms(key)
    kept, events, info = path.read_bytes(), spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path)
    assert info.stamp is not None and found.champion.candidate == "spectra/gmm"
    store.labels(key).unlink(missing_ok=True)
    other = '{"spectrogram": {"frequency_low": 1.0, "frequency_high": 20.0, "duration": 4.0}}'
    spectrogram_file.write_spectrograms(path, events, info.stamp, other, info.summary)
    with pytest.raises(InputMismatchError, match=rf"{path.name}.*band: the model takes \(3.*the data have \(1"):
        label_one(store, key)
    other = '{"context": {"noise_quantile": 0.5}}'
    spectrogram_file.write_spectrograms(path, events, info.stamp, other, info.summary)
    with pytest.raises(InputMismatchError, match=r"context\.noise_quantile: the model takes 0\.25, the data have 0\.5"):
        label_one(store, key)
    path.write_bytes(kept)


def write_package(store: Store, found: Any, folder: Path) -> NamedArrays:
    """Write the champion as a package, and return the arrays that it takes."""
    settings, trained_model = store.settings, store.champion_model(found.champion.model_version)
    model = packaged_model(trained_model)
    assert ways_of(model) == ("events",)
    arrays = NamedArrays.of(example_events(store.training_set, model), model.needs)
    sections = settings.conditioning, settings.spectrogram
    Contents(trained_model, "events", *sections, found.novelty, found.champion.classes, arrays).write(folder)
    return arrays


def test_a_package_of_a_model_with_noise_takes_named_arrays_and_labels_alike(store: Store, tmp_path: Path) -> None:
    found = chosen(store, SPECTRA_GMM)
    key = first_day(store)
    label_one(store, key)
    arrays = write_package(store, found, tmp_path / "package")
    package = Package.open(tmp_path / "package")
    values = arrays.of_events(spectrogram_file.read_spectrograms(store.spectrograms(key)))
    assert values.keys() == {"spectrogram", "noise_psd", "noise_columns"}
    answer = package.answer(values)
    frame = tables.read_table(store.labels(key))
    np.testing.assert_array_equal(answer["label"], frame["label"])
    np.testing.assert_allclose(answer["novelty"], frame["novelty"], rtol=1e-5)
    np.testing.assert_array_equal(answer["assigned"], frame["assigned"])
    with pytest.raises(ValueError, match="missing: noise_columns, noise_psd"):
        package.answer({"spectrogram": values["spectrogram"]})
    with pytest.raises(ValueError, match="spectrogram by name, got one array"):
        package.answer(values["spectrogram"])
    with pytest.raises(InputMismatchError, match="times: the model takes 100, the data have 90"):
        package.answer(values | {"spectrogram": values["spectrogram"][:, :, :90]})


def test_a_package_is_not_made_with_settings_or_a_training_set_of_other_events(store: Store, tmp_path: Path) -> None:
    found = chosen(store, SPECTRA_GMM)
    write_package(store, found, tmp_path / "package")
    about = read_json(tmp_path / "package/package.json")
    about["spectrogram"]["frequency_low"] = 3.5
    write_json(tmp_path / "package/package.json", about)
    with pytest.raises(InputMismatchError, match=r"train again: .*band: the model takes \(3"):
        Package.open(tmp_path / "package")
    other, info = tmp_path / "set.h5", spectrogram_file.read_info(store.training_set)
    events = spectrogram_file.read_spectrograms(store.training_set)
    assert info.stamp is not None
    made_with = '{"context": {"noise_quantile": 0.5}}'
    spectrogram_file.write_spectrograms(other, events, info.stamp, made_with, info.summary)
    model = packaged_model(store.champion_model(found.champion.model_version))
    with pytest.raises(InputMismatchError, match=rf"{other.name}: .*noise_quantile: the model takes 0\.25"):
        example_events(other, model)


ALONE = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("h5py", "obspy", "pandas", "pyarrow", "xxhash", "dagster"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
import numpy as np, ris_core
from pathlib import Path
from ris_core.serving.package import Package
events = np.load(sys.argv[3])
answer = Package.open(Path(sys.argv[2])).answer({name: events[name] for name in events.files})
print(ris_core.__file__, answer["label"].tolist())
"""


@pytest.mark.parametrize("name", [SPECTRA_GMM, CONSENSUS])
def test_the_code_that_travels_with_a_package_answers_without_this_project(
    store: Store, tmp_path: Path, name: CandidateName
) -> None:
    found = chosen(store, name)
    label_one(store, first_day(store))
    folder = store.champion_model(found.champion.model_version)
    arrays = write_package(store, found, tmp_path / "package")
    package_code(member.__module__ for member, _ in members_of(packaged_model(folder))).copy(tmp_path / "code")
    events = spectrogram_file.read_spectrograms(store.spectrograms(first_day(store)))
    np.savez(tmp_path / "events.npz", **arrays.of_events(events))
    places = [str(tmp_path / name) for name in ("code", "package", "events.npz")]
    command = [sys.executable, "-I", "-c", ALONE, *places]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "code") in done.stdout
    labels = tables.read_table(store.labels(first_day(store)))["label"].tolist()
    assert done.stdout.strip().endswith(str(labels))


def test_tables_of_champions_of_other_representations_are_read_together(store: Store) -> None:
    first, second, *_ = store.station_days()
    for name, key in ((SPECTRA_GMM, first), (OCTAVES_WARD, second)):
        chosen(store, name)
        label_one(store, key)
    frame = tables.read_tables([store.labels(first), store.labels(second)])
    assert {len(z) for z in frame["latent"]} == {5, load_fitted(store, "octaves").dimensions}


def test_damaged_models_of_candidates_are_named(store: Store) -> None:
    trials, counts = store.settings.aec.grid.trials(), store.settings.dec.k
    assert list(damaged_models(store, trials, counts)) == []
    path = store.representation("spectra") / "model.safetensors"
    kept = path.read_bytes()
    path.write_bytes(kept[:-4] + b"spec")
    assert [str(path) in str(error) for error in damaged_models(store, trials, counts)] == [True]
    path.write_bytes(kept)


def test_code_that_belongs_to_no_plug_in_cannot_travel_with_a_package(store: Store) -> None:
    with pytest.raises(NoPackageError, match=r"octave_representation\.OctaveBands belongs neither to this project"):
        ways_of(load_candidate(store, OCTAVES_WARD, K)[0])


def test_a_folder_of_a_candidate_can_be_chosen(store: Store) -> None:
    found = candidate_of_folder(store.candidate(OCTAVES_WARD, K), "here")
    assert (found.k, str(found.model.name)) == (K, "octaves/ward")


def test_novelty_by_reconstruction_of_a_candidate_without_one_is_refused(store: Store) -> None:
    other = store.settings.model_dump(mode="json") | {"novelty": {"score": "reconstruction"}}
    changed = Store(Settings.model_validate(other), store.root)  # the candidate of the settings, spectra, has one
    candidate = candidate_of_k(store, OCTAVES_WARD, K, store.settings, store.settings.normalisation)
    with pytest.raises(ValueError, match=r"octaves/ward has no reconstruction error; set novelty\.score: distance"):
        prepare(changed, candidate, changed.settings)
