"""Label tables: what they hold, when they are out of date, and what a notebook makes of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders import sds_values, write_archive

from ris_core.access import read_labels
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, appoint
from ris_core.config import Settings
from ris_core.labels.appointment import prepare
from ris_core.labels.stage import NotProcessedError, label_station_day, labels_are_current
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import weights_digest
from ris_core.processing.stage import process_station_day
from ris_core.station_day import StationDay
from ris_core.storage import tables
from ris_core.storage.store import Store
from ris_core.training import training_set
from ris_core.waveforms.acquire import acquire_station_day

CLASSES = (4, 0, 9)


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("labels")
    values = sds_values(write_archive(root / "archive")) | {"novelty": {"false_alarms": 0.2}}
    values["champion"] = {"names": {4: "icequake"}}
    store = Store(Settings.model_validate(values), root / "data")
    for key in store.station_days():
        acquire_station_day(store, key)
        process_station_day(store, key, preview=False)
    training_set.draw(store)
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
    z = encode(aec, training_set.load(store).samples)
    order = np.argsort(z.sum(axis=1))
    far = z[order[[0, len(z) // 2, -1]]]
    model = Dec.from_aec(aec, torch.from_numpy(far))
    champion = prepare(store, Candidate("here", model, {}, weights_digest(model))).champion
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
    result = label_station_day(store, first_day(store))
    frame = tables.read_table(store.labels(first_day(store)))
    classes = tables.read_summary(store.labels(first_day(store)))["classes"]
    assert tuple(classes) == CLASSES
    memberships = np.stack(frame["probabilities"].tolist())
    assert frame["label"].tolist() == [CLASSES[j] for j in memberships.argmax(axis=1)]
    np.testing.assert_array_equal(frame["probability"], memberships.max(axis=1))
    assert result["sizes"] == {str(c): int((frame["label"] == c).sum()) for c in sorted(CLASSES)}
    assert result["labels"] == result["events"] == sum(result["sizes"].values()) > 5
    assert result["assigned"] == frame["assigned"].sum()


def test_a_notebook_sees_the_names_of_classes(store: Store) -> None:
    for key in store.station_days():
        label_station_day(store, key)
    labels = read_labels(store)
    assert set(zip(labels["label"], labels["class_name"], strict=True)) <= {(4, "icequake"), (0, "0"), (9, "9")}
    assert list(labels.columns)[:5] == ["event_id", "station", "time_peak", "label", "class_name"]
    renamed = under(store, champion={"names": {0: "rift"}})
    assert set(read_labels(renamed)["class_name"]) <= {"4", "rift", "9"}
    assert all(labels_are_current(renamed, key) for key in store.station_days())  # names are not in the tables


def test_a_table_is_kept_until_another_champion_or_other_novelty_or_other_columns_are_asked_for(store: Store) -> None:
    key = first_day(store)
    label_station_day(store, key)
    assert labels_are_current(store, key)
    assert label_station_day(store, key)["skipped"]
    without = under(store, labelling={"reconstruction_error": False}, novelty={"score": "distance"})
    assert not labels_are_current(without, key)
    stricter = under(store, novelty={"false_alarms": 0.4})
    assert labels_are_current(stricter, key)  # the champion of now is still calibrated as it was
    labelled_by_three(stricter)
    assert not labels_are_current(stricter, key)
    before = tables.read_table(store.labels(key))
    assert not label_station_day(stricter, key)["skipped"]
    after = tables.read_table(store.labels(key))
    np.testing.assert_array_equal(after["label"], before["label"])
    assert after["assigned"].sum() <= before["assigned"].sum()


def test_without_reconstruction_errors_novelty_is_another_score(store: Store) -> None:
    key = first_day(store)
    without = under(store, labelling={"reconstruction_error": False}, novelty={"score": "distance"})
    with pytest.raises(
        ValueError, match=r"labelling\.reconstruction_error is switched off.*materialize champion_model"
    ):
        label_station_day(without, key)
    labelled_by_three(without)
    label_station_day(without, key)
    frame = tables.read_table(store.labels(key))
    assert frame["reconstruction_error"].isna().all()
    assert (frame["novelty"] >= 0).all() and frame["assigned"].any()
    tables.verify(store.labels(key))


def test_labelling_again_gives_the_same_bytes(store: Store) -> None:
    key = first_day(store)
    label_station_day(store, key)
    before = store.labels(key).read_bytes()
    store.labels(key).unlink()
    label_station_day(store, key)
    assert store.labels(key).read_bytes() == before


def test_events_that_are_not_processed_are_not_labelled(store: Store, tmp_path: Path) -> None:
    changed = under(store, detector={"threshold_on": 12.0})
    with pytest.raises(NotProcessedError, match="materialize spectrograms for it first"):
        label_station_day(changed, first_day(store))
    assert not labels_are_current(changed, first_day(store))
