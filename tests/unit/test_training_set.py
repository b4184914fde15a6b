"""The training set: which events are drawn, in which order, and that memory influences neither."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import DAMAGES
from published_builders import import_into, published, published_values
from store import Store
from training_builders import changed_sources, draw_set, load_set, set_is_current

from ris_core.config import NormalisationSettings, Settings
from ris_core.labels.held_out import SAMPLE, held_out_events, held_out_mse
from ris_core.models.inference import reconstruction_error
from ris_core.models.networks import Aec
from ris_core.storage import spectrogram_file
from ris_core.storage.scratch import ScratchArray
from ris_core.training.normalise import normalise
from ris_core.training.training_draw import TooFewEventsError

STATIONS = ("AA", "BB", "CC")
HAVE = {"AA": 30, "BB": 20, "CC": 6}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of three stations with 30, 20 and 6 events."""
    folder = tmp_path_factory.mktemp("network")
    data = published(STATIONS, each=15)
    rows, left = [], Counter(HAVE)
    for row, entry in enumerate(data.catalogue):
        if left[entry["station"]] > 0:
            left[entry["station"]] -= 1
            rows.append(row)
    path = data.reordered(rows).write(folder / "events.h5", table=False)
    import_into(store_of(folder / "root").days, path)
    return folder / "root"


def store_of(root: Path, **drawing: Any) -> Store:
    return Store(Settings.model_validate(published_values(STATIONS) | {"training_set": drawing}), root)


def test_a_uniform_draw_takes_what_there_is_at_most(root: Path) -> None:
    found = draw_set(store_of(root))
    assert (found.events, found.of, found.by_station) == (56, 56, HAVE)
    some = draw_set(store_of(root, events=25))
    assert some.events == sum(some.by_station.values()) == 25


@pytest.mark.parametrize(("events", "shares"), [(21, (7, 8, 6)), (40, (17, 17, 6)), (100, (30, 20, 6))])
def test_a_stratified_draw_takes_as_many_of_each_station_as_there_are(
    root: Path, events: int, shares: tuple[int, int, int]
) -> None:
    found = draw_set(store_of(root, events=events, stratify="station"))
    assert Counter(found.by_station.values()) == Counter(shares)
    assert found.by_station["CC"] == 6
    assert found.events == min(events, 56)


def test_nothing_is_drawn_of_stations_that_are_held_out(root: Path) -> None:
    store = store_of(root, held_out_stations=["BB"])
    assert draw_set(store).by_station == {"AA": 30, "CC": 6}
    drawn = load_set(store)
    assert {name.split(".")[1] for name in drawn.event_id} == {"AA", "CC"}
    with pytest.raises(TooFewEventsError, match="6 events are processed, at least 20 are needed"):
        draw_set(store_of(root, held_out_stations=["AA", "BB"]))


def test_stations_that_are_held_out_are_scored_on_a_seeded_sample(root: Path) -> None:
    store, empty = store_of(root, held_out_stations=["BB", "CC"]), store_of(root)
    processing, sampling = store.days.process, store.settings.training_set
    assert held_out_events(empty.days.process, empty.settings.training_set) == []
    assert held_out_mse(empty.days.process, empty.settings.training_set, Aec(0), NormalisationSettings()) == {}
    everything, some, again = (
        np.concatenate([block.spectrogram for block in held_out_events(processing, sampling, sample=size)])
        for size in (SAMPLE, 9, 9)
    )
    assert len(everything) == HAVE["BB"] + HAVE["CC"]
    assert len(some) == 9
    np.testing.assert_array_equal(some, again)
    assert {one.tobytes() for one in some} < {one.tobytes() for one in everything}
    wanted = reconstruction_error(Aec(0), normalise(everything.copy())).mean()
    found = held_out_mse(processing, sampling, Aec(0), NormalisationSettings())
    assert found == {"held_out_mse": pytest.approx(wanted), "held_out_events": 26}


def test_the_file_is_the_same_whether_gathered_in_memory_or_in_a_file(root: Path) -> None:
    files = []
    for in_memory in (2.0, 0.0):
        store = store_of(root, events=40, in_memory=in_memory)
        draw_set(store)
        assert [path.name for path in store.training_set.parent.iterdir()] == ["training_set.h5"]
        files.append(spectrogram_file.read_info(store.training_set))
        assert spectrogram_file.verify(store.training_set)
        assert load_set(store).samples.in_memory == bool(in_memory)
    held, scratch = files
    assert (held.content, held.stamp, held.summary) == (scratch.content, scratch.stamp, scratch.summary)


def test_drawn_events_are_those_of_the_station_days(root: Path) -> None:
    store = store_of(root, in_memory=0.0)
    draw_set(store)
    of_days = {}
    for key in store.station_days():
        if store.spectrograms(key).exists():
            found = spectrogram_file.read_spectrograms(store.spectrograms(key))
            of_days |= dict(zip(found.event_id, zip(found.spectrogram, found.waveform, strict=True), strict=True))
    drawn = spectrogram_file.read_spectrograms(store.training_set)
    assert sorted(drawn.event_id) == sorted(of_days)
    for name, spectrogram, waveform in zip(drawn.event_id, drawn.spectrogram, drawn.waveform, strict=True):
        np.testing.assert_array_equal(spectrogram, of_days[name][0])
        np.testing.assert_array_equal(waveform, of_days[name][1])


def test_the_validation_split_comes_last_and_stations_are_mixed(root: Path) -> None:
    store = store_of(root)
    found = draw_set(store)
    data = load_set(store)
    assert (len(data.train), len(data.val)) == (found.train, found.validation) == (45, 11)
    np.testing.assert_array_equal(data.validation, np.arange(56) >= 45)
    stations = [name.split(".")[1] for name in data.event_id]
    assert stations != sorted(stations)
    np.testing.assert_array_equal(data.val.take(np.arange(11)), data.samples.take(np.arange(45, 56)))


def test_the_seed_decides_about_the_draw(root: Path) -> None:
    one, again, other = (draw_set(store_of(root, events=25, seed=seed)).digest for seed in (1, 1, 2))
    assert one == again != other


def test_a_training_set_is_current_until_settings_or_station_days_change(root: Path) -> None:
    store = store_of(root, events=30)
    draw_set(store)
    assert set_is_current(store)
    assert set_is_current(store_of(root, events=30, in_memory=0.0))
    assert not set_is_current(store_of(root, events=31))
    assert not set_is_current(store_of(root, events=30, stratify="station"))
    changes = changed_sources(store_of(root, events=30, held_out_stations=["CC"]))
    assert changes.new == changes.changed == ()
    assert all("CC" in name for name in changes.gone) and changes.gone


def test_a_scratch_array_gives_back_its_rows_in_any_order(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(9, 4, 5)).astype(np.float32)
    order = np.random.default_rng(1).permutation(8)
    with ScratchArray(tmp_path / "x", (9, 4, 5)) as scratch:
        scratch[order[:5]] = values[order[:5]]
        scratch[order[5:]] = values[order[5:]]
        assert len(scratch) == 9
        np.testing.assert_array_equal(scratch[2:6], values[2:6])
        np.testing.assert_array_equal(scratch[6:20], np.concatenate([values[6:8], np.zeros((1, 4, 5))]))
        assert scratch[9:12].shape == (0, 4, 5)


def test_a_station_day_whose_spectrograms_are_damaged_is_left_out_and_named(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy")
    store = store_of(tmp_path / "copy")
    whole = draw_set(store)
    assert whole.damaged == ()
    key = next(key for key in store.station_days() if key.station == "CC" and store.spectrograms(key).exists())
    path = store.spectrograms(key)
    good = path.read_bytes()
    DAMAGES["a bit in the middle"](path)
    found = draw_set(store)
    assert len(found.damaged) == 1 and f"{path}: damaged (" in found.damaged[0]
    assert found.station_days == whole.station_days - 1
    (tmp_path / "good.h5").write_bytes(good)
    lost = set(spectrogram_file.read_column(tmp_path / "good.h5", "event_id"))
    assert lost and lost.isdisjoint(load_set(store).event_id)
    assert changed_sources(store).new == (str(key),)
    path.write_bytes(good)
    assert not set_is_current(store)
    assert draw_set(store).digest == whole.digest
