"""Class models that label: the gate, what stands beside them, their label tables, and when these are out of date."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import DAYS, sds_values, write_archive
from champion_builders import appoint_untrained
from class_model_builders import class_candidate, metrics_of
from numpy.typing import NDArray
from stage_steps import acquire_one, days_at, label_one, process_one
from store import Store
from training_builders import draw_set, load_set

from ris_core.access import read_labels
from ris_core.clustering.candidates import candidate_of_folder
from ris_core.clustering.champion import appoint, read_champion
from ris_core.clustering.class_acceptance import accept_classes
from ris_core.clustering.model_states import champion_doubts, champion_state
from ris_core.clustering.reviewed.fitted_classes import fit_classes
from ris_core.config import ClassModelSettings, Settings
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.labels import label_table as label_table_module
from ris_core.labels.appointment import Appointment, prepare
from ris_core.models.inference import encode
from ris_core.models.model_file import WEIGHTS_FILE
from ris_core.models.networks import Aec
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.table_schemas import CLASS_LABEL_COLUMNS
from ris_core.training.acceptance import NoAcceptedModelError


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("class_labels")
    values = sds_values(write_archive(root / "archive", days=DAYS[:2]), days=DAYS[:2]) | {
        "novelty": {"false_alarms": 0.2},
        "class_model": {"fewest_reviews": 4},
    }
    store = Store(Settings.model_validate(values), root / "data")
    for key in store.station_days():
        acquire_one(store, key)
        process_one(store, key, pictures=False)
    draw_set(store)
    return store


@pytest.fixture
def store(processed: Store) -> Store:
    processed.champion.unlink(missing_ok=True)
    return processed


def names_of(store: Store) -> list[str]:
    """Return a class for each event of the training set, which latents can tell apart."""
    z = encode(Aec(1), load_set(store).samples).sum(axis=1)
    return np.where(z > np.median(z), "rift", "whale").tolist()


def taught(store: Store, names: Sequence[str] = (), share: float = 0.5, **options: Any) -> Appointment:
    """Make a class model champion to which the first events of the training set were shown."""
    names = names or names_of(store)
    shown = range(int(share * len(names)))
    found = prepare(store, class_candidate(store, names, shown, **options), store.settings)
    appoint(store, found.champion)
    return found


def labelled(store: Store) -> pd.DataFrame:
    for key in store.station_days():
        label_one(store, key)
    return read_labels(days_at(store))


def test_label_tables_hold_the_reviewers_word_above_the_models(store: Store) -> None:
    names = names_of(store)
    event = load_set(store).event_id[-1]
    before = appoint_untrained(store)
    found = taught(store, **{event: "quarry"})
    labels = labelled(store)
    number = {name: n for n, name in found.champion.names.items()}
    assert set(number) == {"rift", "whale", "quarry"}
    known = found.model.classes.reviewed  # type: ignore[union-attr]
    assert set(labels["event_id"]) >= set(known)
    reviewed = labels[labels["reviewed"].notna()]
    assert dict(zip(reviewed["event_id"], reviewed["reviewed"], strict=True)) == known
    assert reviewed["label"].tolist() == [number[name] for name in reviewed["reviewed"]]
    assert reviewed["class_name"].tolist() == reviewed["reviewed"].tolist()
    assert reviewed["assigned"].all()
    # The class of a single review is no cluster of the model, which knows no probability of it.
    quarry = labels[labels["event_id"] == event].iloc[0]
    assert (quarry["class_name"], quarry["label"], quarry["probability"]) == ("quarry", number["quarry"], 0.0)
    # Other events are labelled by the model.
    others = labels[labels["reviewed"].isna()]
    order = np.array(found.champion.classes)
    p = np.stack(others["probabilities"].tolist())
    np.testing.assert_array_equal(others["label"], order[p.argmax(axis=1)])
    np.testing.assert_allclose(others["probability"], p.max(axis=1))
    one = np.array([len(members) == 1 for members in others["conformal_set"]])
    np.testing.assert_array_equal(others["assigned"].astype(bool), one & ~others["new"].astype(bool))
    truth = dict(zip(load_set(store).event_id, names, strict=True))
    right = [truth[e] == c for e, c in zip(others["event_id"], others["class_name"], strict=True) if e in truth]
    assert np.mean(right) > 0.7
    assert all(set(members) <= set(found.champion.classes) for members in labels["conformal_set"])
    # Beside them stand the classes of the champion before, as it would label.
    assert found.champion.companion is not None
    assert found.champion.companion.model_version == before.model_version
    beside = labels["unsupervised_label"].tolist()
    appoint(store, before)
    assert labelled(store)["label"].tolist() == beside


def test_the_file_says_what_its_classes_are(store: Store) -> None:
    appoint_untrained(store)
    found = taught(store)
    key = next(iter(store.station_days()))
    label_one(store, key)
    summary = tables.read_summary(store.labels(key))
    assert summary["classes"] == list(found.champion.classes)
    assert summary["class_names"] == {str(n): name for n, name in found.champion.names.items()}
    assert summary["reviews"] == len(names_of(store)) // 2 and summary["reviews_simulated"] is False
    assert found.champion.companion is not None
    assert summary["unsupervised_version"] == found.champion.companion.model_version
    schema = tables.read_schema(store.labels(key))
    assert {*CLASS_LABEL_COLUMNS} <= {*schema.names}
    assert all(field.metadata[b"description"] for field in schema)
    tables.verify(store.labels(key))


def test_tables_are_the_same_bytes_each_time_and_current_only_for_their_champion(store: Store) -> None:
    appoint_untrained(store)
    taught(store)
    labelled(store)
    stage, keys = days_at(store).label, list(store.station_days())
    first = [store.labels(key).read_bytes() for key in keys]
    for key in keys:
        store.labels(key).unlink()
    labelled(store)
    assert [store.labels(key).read_bytes() for key in keys] == first
    assert all(stage.is_current(key) for key in keys)
    # One more review in the model, and labels follow; also if the trees are the same.
    taught(store, **{load_set(store).event_id[-1]: "rift"})
    assert not any(days_at(store).label.is_current(key) for key in keys)
    assert labelled(store)["reviewed"].notna().sum() == len(names_of(store)) // 2 + 1


def test_a_class_model_may_be_the_first_champion_alone(store: Store) -> None:
    found = taught(store)
    assert found.champion.companion is None
    assert sorted(found.champion.classes) == [0, 1]
    assert labelled(store)["unsupervised_label"].isna().all()
    assert champion_state(store) == found.champion.model_version
    assert champion_doubts(store, store.settings.dec, store.settings.champion) == ()


def test_the_candidate_beside_a_first_champion_has_the_first_numbers(store: Store) -> None:
    other = class_candidate(store, names_of(store), range(9))
    untrained = appoint_untrained(store)
    beside = candidate_of_folder(store.champion_model(untrained.model_version), "here")
    store.champion.unlink()
    found = prepare(store, other, store.settings, beside)
    assert found.champion.companion is not None
    assert found.champion.companion.classes == (0, 1, 2)
    assert set(found.champion.classes) <= {0, 1, 2, 3, 4}
    assert found.champion.classes_of[untrained.model_version] == (0, 1, 2)
    appoint(store, found.champion)
    assert labelled(store)["unsupervised_label"].isin([0, 1, 2]).all()
    # What stands beside it stays, and is the former model when it becomes champion again.
    again = taught(store, share=0.7)
    assert again.champion.companion == found.champion.companion
    assert appoint_untrained(store).classes == (0, 1, 2)


def test_numbers_and_names_last_over_class_models_and_others(store: Store) -> None:
    first = taught(store).champion
    number = {name: n for n, name in first.names.items()}
    named = ["orca" if name == "whale" else name for name in names_of(store)]
    second = taught(store, named, renames={"whale": "orca"}).champion
    assert {name: n for n, name in second.names.items()} == {"rift": number["rift"], "orca": number["whale"]}
    third = appoint_untrained(store)
    assert third.names == second.names and not third.reviewed
    assert taught(store).champion.names[number["rift"]] == "rift"
    tables_of_both = labelled(store)
    assert set(tables_of_both["class_name"]) == {"rift", "whale"}


def test_tables_of_both_kinds_are_read_as_one(store: Store) -> None:
    appoint_untrained(store)
    plain = labelled(store)
    assert not set(CLASS_LABEL_COLUMNS[1:]) & set(plain.columns)
    taught(store)
    key = next(iter(store.station_days()))
    label_one(store, key)
    mixed = read_labels(days_at(store))
    assert len(mixed) == len(plain) and mixed["model_version"].nunique() == 2
    by_other = mixed["station"] != key.station
    assert mixed.loc[by_other, "reviewed"].isna().all()
    some = read_labels(days_at(store), columns=["class_name", "reviewed", "unsupervised_label"])
    assert list(some.columns) == ["class_name", "reviewed", "unsupervised_label"]
    assert some["class_name"].tolist() == mixed["class_name"].tolist()


def test_damaged_files_of_a_class_model_are_named(store: Store) -> None:
    appoint_untrained(store)
    found = taught(store)
    key = next(iter(store.station_days()))
    for version in (found.champion.model_version, found.champion.companion.model_version):  # type: ignore[union-attr]
        path = store.champion_model(version) / WEIGHTS_FILE
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        label_table_module.model_at.cache_clear()
        store.labels(key).unlink(missing_ok=True)
        with pytest.raises(DamagedFileError, match=WEIGHTS_FILE):
            label_one(store, key)
        assert str(path) in champion_state(store)
        path.write_bytes(whole)
    assert champion_state(store) == found.champion.model_version


REVIEWS = {f"event {n}": "rift" if n % 2 else "whale" for n in range(30)}
CLASSES = ReviewedClasses(("rift", "whale"), REVIEWS)


@pytest.mark.parametrize(
    ("classes", "accuracy", "is_synthetic", "word"),
    [
        (CLASSES, 0.8, False, ""),
        (CLASSES, None, False, "could not be cross-validated"),
        (ReviewedClasses(("rift",), dict.fromkeys(REVIEWS, "rift")), 1.0, True, "1 class"),
        (ReviewedClasses(("rift", "whale"), {"a": "rift", "b": "whale"}), 0.9, True, "2 events were reviewed"),
        (ReviewedClasses(("rift", "whale"), REVIEWS, {}, True), 0.9, False, "simulated"),
        (ReviewedClasses(("rift", "whale"), REVIEWS, {}, True), 0.9, True, ""),
        (CLASSES, 0.5, False, "not above that of a guess, 0.50"),
    ],
)
def test_the_gate_judges_reviews_and_cross_validation(
    classes: ReviewedClasses, accuracy: float | None, is_synthetic: bool, word: str
) -> None:
    found = accept_classes(
        classes, metrics_of(20) | {"cv_balanced_accuracy": accuracy}, ClassModelSettings(), is_synthetic
    )
    assert found.passed is (word == "")
    assert word in "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("groups", "single", "tested"),
    [(np.zeros(30), np.ones(30), 0), (np.arange(30), np.zeros(30), 0), (np.arange(30), np.arange(30) % 15 < 2, 4)],
    ids=["one block", "all named as a group", "four looked at"],
)
def test_a_class_model_that_nothing_was_tested_on_may_not_label(
    groups: NDArray[Any], single: NDArray[Any], tested: int
) -> None:
    names = ["rift"] * 15 + ["whale"] * 15
    z = np.random.default_rng(0).normal(size=(30, 3)) + np.repeat([0, 9], 15)[:, None]
    audit = np.ones(30, bool)
    fitted = fit_classes(z, names, groups, audit, ClassModelSettings(trees=10), 0, None, single.astype(bool))
    assert fitted.assessment is not None and not fitted.assessment.calibrated
    assert fitted.assessment.metrics()["tested_reviews"] == tested
    classes = ReviewedClasses(fitted.names, dict(zip(map(str, range(30)), names, strict=True)))
    found = accept_classes(classes, fitted.assessment.metrics(), ClassModelSettings(), True)
    assert not found.passed
    assert f"only {tested} of 30 reviewed events could be tested, fewer than 20" in found.reasons[0]


def test_a_class_named_only_as_a_group_is_said_and_is_no_class_of_the_guess() -> None:
    names, groups = ["rift"] * 15 + ["whale"] * 15 + ["noise"] * 15, np.arange(45)
    z = np.random.default_rng(0).normal(size=(45, 3)) + np.repeat([0, 9, 18], 15)[:, None]

    def assessed(single: NDArray[Any]) -> tuple[tuple[str, ...], dict[str, float]]:
        fitted = fit_classes(z, names, groups, single, ClassModelSettings(trees=10), 0, None, single)
        assert fitted.assessment is not None
        return fitted.assessment.limits, fitted.assessment.metrics()

    limits, metrics = assessed(groups < 30)
    assert any("not in the balanced accuracy: noise;" in line for line in limits)
    assert (metrics["classes"], metrics["tested_classes"], metrics["cv_balanced_accuracy"]) == (3, 2, 1)
    classes = ReviewedClasses(("noise", "rift", "whale"), dict(zip(map(str, groups), names, strict=True)))
    assert accept_classes(classes, metrics, ClassModelSettings(), True).passed
    # A guess of two classes is right in half of the cases.
    found = accept_classes(classes, metrics | {"cv_balanced_accuracy": 0.45}, ClassModelSettings(), True)
    assert "of the 2 of 3 classes that could be tested" in found.reasons[0] and "guess, 0.50" in found.reasons[0]
    limits, metrics = assessed(groups < 15)
    settings = ClassModelSettings(fewest_reviews=10)
    assert "only one of 3 classes could be tested" in accept_classes(classes, metrics, settings, True).reasons[0]


def test_reviews_without_features_do_not_count_at_the_gate() -> None:
    found = accept_classes(CLASSES, metrics_of(19), ClassModelSettings(), True)
    assert not found.passed and f"only 19 of {len(REVIEWS)} reviewed events" in found.reasons[0]


def test_a_class_model_that_is_not_accepted_leaves_the_champion(store: Store) -> None:
    before = appoint_untrained(store)
    with pytest.raises(NoAcceptedModelError, match="reviews are simulated"):
        taught(store, simulated=True)
    assert read_champion(store) == before
    with pytest.raises(NoAcceptedModelError, match="3 events were reviewed, fewer than 4"):
        prepare(store, class_candidate(store, ["rift", "whale", *names_of(store)[2:]], range(3)), store.settings)
    assert read_champion(store) == before


def test_names_that_settings_and_reviews_give_differently_are_said(store: Store) -> None:
    found = taught(store)
    number = {name: n for n, name in found.champion.names.items()}["rift"]
    settings = store.settings.champion.model_copy(update={"names": {number: "rift icequake"}})
    (said,) = champion_doubts(store, store.settings.dec, settings)
    assert f"class {number} is called rift icequake, but rift in the reviews" in said
