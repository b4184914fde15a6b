"""The training set keeps context and noise spectra of its events, and is drawn again when they change."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from published_builders import import_into, published, published_values
from store import Store
from training_builders import changed_sources, draw_set, load_set, set_is_current

from ris_core.config import Settings
from ris_core.contracts.events import PER_EVENT, Events
from ris_core.storage import spectrogram_file

STATIONS = ("AA", "BB")
LONG = 40


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of two stations, whose events have no context."""
    folder = tmp_path_factory.mktemp("network")
    path = published(STATIONS, each=20).write(folder / "events.h5", table=False)
    import_into(store_of(folder / "root").days, path)
    return folder / "root"


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "root")


def store_of(root: Path, **drawing: Any) -> Store:
    return Store(Settings.model_validate(published_values(STATIONS) | {"training_set": drawing}), root)


def surrounded(data: Events, seed: int = 0) -> Events:
    """Return the same events with random context and noise."""
    rng, n = np.random.default_rng([seed, len(data), int(data.time_peak[0]) % 2**32]), len(data)
    return replace(
        data,
        context=rng.normal(0, 100, (n, 1, LONG)).astype(np.float32),
        context_lead=7,
        context_recorded=np.tile(np.array([0, LONG], np.int32), (n, 1, 1)),
        noise_psd=rng.exponential(1, (n, 1, data.frequency.size)).astype(np.float32),
        noise_columns=rng.integers(1, 121, (n, 1), np.int32),
    )


def rewrite(store: Store, change: Callable[[Events], Events], stations: tuple[str, ...] = STATIONS) -> None:
    """Write the spectrogram files again with other surroundings, as processing does with the same events."""
    for key in store.station_days():
        path = store.spectrograms(key)
        if path.exists() and key.station in stations:
            stamp = spectrogram_file.read_info(path).stamp
            assert stamp is not None
            spectrogram_file.write_spectrograms(path, change(spectrogram_file.read_spectrograms(path)), stamp, "{}")


@pytest.mark.parametrize("in_memory", [2.0, 0.0])
def test_drawn_events_have_the_surroundings_that_they_have_in_the_station_days(root: Path, in_memory: float) -> None:
    store = store_of(root, in_memory=in_memory, events=30)
    rewrite(store, surrounded)
    draw_set(store)
    assert [path.name for path in store.training_set.parent.iterdir()] == ["training_set.h5"]
    assert spectrogram_file.verify(store.training_set)
    drawn = spectrogram_file.read_spectrograms(store.training_set)
    assert drawn.context_lead == 7
    assert len(drawn) == 30
    place = {name: row for row, name in enumerate(drawn.event_id)}
    found = 0
    for key in store.station_days():
        if store.spectrograms(key).exists():
            of_day = spectrogram_file.read_spectrograms(store.spectrograms(key))
            for row, name in enumerate(of_day.event_id):
                if name in place:
                    found += 1
                    for array in PER_EVENT:
                        if array != "recorded":
                            one, other = getattr(drawn, array)[place[name]], getattr(of_day, array)[row]
                            np.testing.assert_array_equal(one, other, err_msg=array)
    assert found == 30


def test_the_file_does_not_depend_on_where_it_is_gathered(root: Path) -> None:
    files = []
    for in_memory in (2.0, 0.0):
        store = store_of(root, in_memory=in_memory)
        rewrite(store, surrounded)
        draw_set(store)
        files.append(store.training_set.read_bytes())
    assert files[0] == files[1]


def test_a_draw_without_surroundings_is_readable_and_is_drawn_again_when_there_are_some(root: Path) -> None:
    store = store_of(root, events=30)
    before = draw_set(store)
    assert set_is_current(store)
    assert not changed_sources(store)
    loaded = load_set(store)
    rewrite(store, surrounded)
    assert not set_is_current(store)
    changes = changed_sources(store)
    assert changes
    assert changes.surroundings
    assert changes.new == changes.gone == changes.changed == ()
    assert load_set(store).digest == loaded.digest
    # Models are current by this digest.
    assert draw_set(store).digest == before.digest == load_set(store).digest
    assert load_set(store).event_id == loaded.event_id
    assert set_is_current(store)
    assert not changed_sources(store)


def test_a_draw_is_current_again_after_the_same_processing_and_not_after_another(root: Path) -> None:
    store = store_of(root)
    rewrite(store, surrounded)
    draw_set(store)
    rewrite(store, surrounded)
    assert set_is_current(store)
    rewrite(store, lambda data: surrounded(data, seed=1))
    assert not set_is_current(store)
    assert changed_sources(store).surroundings


def test_station_days_with_and_without_surroundings_are_not_mixed(root: Path) -> None:
    store = store_of(root)
    rewrite(store, surrounded, ("AA",))
    with pytest.raises(ValueError, match=r"BB.*\.h5: its context .* process these station-days again"):
        draw_set(store)


def test_several_components_are_drawn_whole(root: Path) -> None:
    store = store_of(root, in_memory=0.0)

    def three(data: Events) -> Events:
        data = surrounded(data)
        values: dict[str, Any] = {
            name: np.repeat(getattr(data, name), 3, axis=1)
            for name in ("context", "context_recorded", "noise_psd", "noise_columns")
        }
        for name in ("spectrogram", "waveform"):
            values[name] = np.stack([factor * getattr(data, name) for factor in (1, 2, 4)], axis=1)
        return replace(data, components=("Z", "N", "E"), **values)

    rewrite(store, three)
    draw_set(store)
    assert spectrogram_file.input_spec_of(store.training_set).components == ("Z", "N", "E")
    drawn = spectrogram_file.read_spectrograms(store.training_set)
    np.testing.assert_array_equal(drawn.spectrogram[:, 2], 4 * drawn.spectrogram[:, 0])
    assert drawn.context is not None
    assert drawn.context.shape == (len(drawn), 3, LONG)
