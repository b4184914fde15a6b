"""Label tables: what they hold, when they are out of date, and what a notebook makes of them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from builders import sds_values, write_archive
from damage import DAMAGES
from stage_steps import acquire_one, days_at, label_one, process_one, state_rows
from store import Store
from training_builders import draw_set, load_set

from ris_core.access import read_labels
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, appoint
from ris_core.clustering.dec_model import DecModel
from ris_core.config import PAPER_INPUT, NormalisationSettings, Settings
from ris_core.contracts.station_day import StationDay
from ris_core.labels.appointment import prepare
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.processing.process import NotProcessedError
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.truth.truth_scores import labelled_events

CLASSES = (4, 0, 9)


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("labels")
    values = sds_values(write_archive(root / "archive")) | {"novelty": {"false_alarms": 0.2}}
    values["champion"] = {"names": {4: "icequake"}}
    store = Store(Settings.model_validate(values), root / "data")
    for key in store.station_days():
        acquire_one(store, key)
        process_one(store, key, pictures=False)
    draw_set(store)
    return store


def under(store: Store, **sections: dict[str, object]) -> Store:
    """Return the store under other settings."""
    values = store.settings.model_dump(mode="json")
    for name, changed in sections.items():
        values[name] |= changed
    return Store(Settings.model_validate(values), store.root)


def labelled_by_three(store: Store) -> Champion:
    """Make a model of three clusters champion, whose classes are `CLASSES`."""
    aec = Aec(1)
    z = encode(aec, load_set(store).samples)
    order = np.argsort(z.sum(axis=1))
    far = z[order[[0, len(z) // 2, -1]]]
    model = Dec.from_aec(aec, torch.from_numpy(far))
    champion = prepare(
        store, Candidate("here", DecModel(model, NormalisationSettings(), PAPER_INPUT), {}), store.settings
    ).champion
    champion = Champion(**{**vars(champion), "classes": CLASSES, "next_class": 10})
    appoint(store, champion)
    return champion


@pytest.fixture
def store(processed: Store) -> Store:
    processed.champion.unlink(missing_ok=True)
    for key in processed.station_days():
        processed.labels(key).unlink(missing_ok=True)
    labelled_by_three(processed)
    return processed


def first_day(store: Store) -> StationDay:
    return next(iter(store.station_days()))


def test_labels_are_class_numbers_and_probabilities_stand_in_the_order_of_the_clusters(store: Store) -> None:
    result = label_one(store, first_day(store)).result
    frame = tables.read_table(store.labels(first_day(store)))
    classes = tables.read_summary(store.labels(first_day(store)))["classes"]
    assert tuple(classes) == CLASSES
    memberships = np.stack(frame["probabilities"].tolist())
    assert frame["label"].tolist() == [CLASSES[j] for j in memberships.argmax(axis=1)]
    np.testing.assert_array_equal(frame["probability"], memberships.max(axis=1))
    assert result.sizes == {c: int((frame["label"] == c).sum()) for c in sorted(CLASSES)}
    assert result.labels == result.events == sum(result.sizes.values()) > 5
    assert result.assigned == frame["assigned"].sum()


def test_a_notebook_sees_the_names_of_classes(store: Store) -> None:
    for key in store.station_days():
        label_one(store, key)
    labels = read_labels(store.days)
    assert set(zip(labels["label"], labels["class_name"], strict=True)) <= {(4, "icequake"), (0, "0"), (9, "9")}
    assert list(labels.columns)[:5] == ["event_id", "station", "time_peak", "label", "class_name"]
    renamed = under(store, champion={"names": {0: "rift"}})
    assert set(read_labels(renamed.days)["class_name"]) <= {"4", "rift", "9"}
    assert all(days_at(renamed).label.is_current(key) for key in store.station_days())  # names are not in the tables


def test_a_table_is_kept_until_another_champion_or_other_novelty_or_other_columns_are_asked_for(store: Store) -> None:
    key = first_day(store)
    label_one(store, key)
    assert days_at(store).label.is_current(key)
    assert label_one(store, key).already_current
    without = under(store, labelling={"reconstruction_error": False}, novelty={"score": "distance"})
    assert not days_at(without).label.is_current(key)
    stricter = under(store, novelty={"false_alarms": 0.4})
    assert days_at(stricter).label.is_current(key)  # the calibration of the current champion has not changed
    labelled_by_three(stricter)
    assert not days_at(stricter).label.is_current(key)
    before = tables.read_table(store.labels(key))
    assert not label_one(stricter, key).already_current
    after = tables.read_table(store.labels(key))
    np.testing.assert_array_equal(after["label"], before["label"])
    assert after["assigned"].sum() <= before["assigned"].sum()


def test_without_reconstruction_errors_novelty_is_another_score(store: Store) -> None:
    key = first_day(store)
    without = under(store, labelling={"reconstruction_error": False}, novelty={"score": "distance"})
    with pytest.raises(ValueError, match=r"labelling\.reconstruction_error is switched off.*choose the champion again"):
        label_one(without, key)
    labelled_by_three(without)
    label_one(without, key)
    frame = tables.read_table(store.labels(key))
    assert frame["reconstruction_error"].isna().all()
    assert (frame["novelty"] >= 0).all() and frame["assigned"].any()
    tables.verify(store.labels(key))


def test_labelling_again_gives_the_same_bytes(store: Store) -> None:
    key = first_day(store)
    label_one(store, key)
    before = store.labels(key).read_bytes()
    store.labels(key).unlink()
    label_one(store, key)
    assert store.labels(key).read_bytes() == before


def test_events_that_are_not_processed_are_not_labelled(store: Store, tmp_path: Path) -> None:
    changed = under(store, detector={"threshold_on": 12.0})
    with pytest.raises(NotProcessedError, match="its spectrograms are missing, damaged or out of date"):
        label_one(changed, first_day(store))
    assert not days_at(changed).label.is_current(first_day(store))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_label_table_is_made_again_by_labelling(store: Store, damage: str) -> None:
    key, other, *_ = store.station_days()
    for each in (key, other):
        label_one(store, each)
    path = store.labels(key)
    good = path.read_bytes()
    DAMAGES[damage](path)
    (row, beside) = state_rows(store, [key, other]).to_dict("records")
    if damage not in ("a bit at the beginning", "a bit in the middle"):  # which only reading all of it shows
        assert (row["state"], row["outdated"]) == ("damaged", "label")
    assert (beside["state"], beside["outdated"]) == ("processed", "")
    with pytest.raises(DamagedFileError, match=re.escape(str(path))):
        read_labels(store.days, ["AA"])
    made = label_one(store, key)
    assert not made.already_current
    assert path.read_bytes() == good


def test_scores_against_truth_leave_out_a_damaged_station_day_and_name_it(store: Store) -> None:
    keys = list(store.station_days())[:3]
    for key in keys:
        label_one(store, key)
    whole, nothing = labelled_events(store, keys)
    assert list(whole) == keys and nothing == []
    DAMAGES["a bit in the middle"](store.labels(keys[0]))
    DAMAGES["cut to half"](store.spectrograms(keys[1]))
    try:
        found, damaged = labelled_events(store, keys)
    finally:
        store.spectrograms(keys[1]).unlink()
        process_one(store, keys[1], pictures=False)
    assert list(found) == keys[2:]
    pd.testing.assert_frame_equal(found[keys[2]], whole[keys[2]])
    for path, text in zip((store.labels(keys[0]), store.spectrograms(keys[1])), damaged, strict=True):
        assert str(path) in text


def test_a_damaged_record_is_named_where_labels_are_asked_for(store: Store) -> None:
    key, *_ = store.station_days()
    good = store.acquisition(key).read_bytes()
    store.acquisition(key).write_bytes(b"{")
    try:
        with pytest.raises(DamagedFileError, match=re.escape(str(store.acquisition(key)))):
            label_one(store, key)
        assert not days_at(store).label.is_current(key)
    finally:
        store.acquisition(key).write_bytes(good)
