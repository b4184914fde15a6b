"""Families of repeating events."""

from dataclasses import replace

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from bench.catalogue_network import settings_of, write_day
from ris_core.access import read_repeaters
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.catalogue.repeaters import Waveforms, families
from ris_core.catalogue.repeaters_run import NoRepeatersError, find_repeaters, repeaters_are_current
from ris_core.config import RepeaterSettings
from ris_core.contracts.station_day import NS
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import open_layout
from ris_dagster.assets.event_catalogue import build_event_catalogue_assets

RATE = 50.0


def pulse(seed: int, samples: int = 200) -> np.ndarray:
    t = np.arange(samples) / RATE
    rng = np.random.default_rng(seed)
    return np.exp(-0.5 * ((t - 2) / 0.3) ** 2) * np.sin(2 * np.pi * rng.uniform(3, 15) * t + rng.uniform(0, 6))


def test_the_correlation_is_that_of_numpy_over_lags() -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((4, 2, 120))
    found = Waveforms(samples, 30).correlation(np.array([0, 1, 2]), np.array([1, 2, 2]))
    centred = samples - samples.mean(axis=-1, keepdims=True)
    for value, (i, j) in zip(found, [(0, 1), (1, 2), (2, 2)], strict=True):
        course = sum(np.correlate(centred[i, c], centred[j, c], "full") for c in range(2))
        norm = np.sqrt((centred[i] ** 2).sum() * (centred[j] ** 2).sum())
        assert value == pytest.approx(course[119 - 30 : 119 + 31].max() / norm, abs=1e-5)


def test_shifted_copies_in_noise_are_a_family_and_others_are_not() -> None:
    rng = np.random.default_rng(1)
    copies = [np.roll(pulse(5), shift) * gain for shift, gain in ((0, 1), (7, 20), (-9, 0.1))]
    others = [rng.standard_normal(200) for _ in range(6)]
    samples = np.stack([others[0], *copies, *others[1:]])
    samples += 0.1 * samples.std(axis=1, keepdims=True) * rng.standard_normal(samples.shape)
    found = families(samples[:, None], rng.standard_normal((9, 4)).astype(np.float32), RATE, RepeaterSettings())
    assert np.flatnonzero(found.reference >= 0).tolist() == [1, 2, 3]
    assert len(set(found.reference[1:4])) == 1
    assert found.reference[1] in (1, 2, 3)
    assert (found.nearest[1:4] > 0.8).all()
    assert np.isnan(found.nearest[[0, 4, 8]]).all()
    assert found.correlation[found.reference[1]] == pytest.approx(1.0, abs=1e-3)
    # Copies that are shifted by more than the lag are none.
    few = families(samples[:, None], np.zeros((9, 4), np.float32), RATE, RepeaterSettings(longest_lag=0.0))
    assert (few.reference < 0).all()


def test_only_neighbours_in_the_representation_are_compared() -> None:
    samples = np.stack([pulse(5), pulse(6), pulse(5)])[:, None]
    features = np.array([[0.0], [0.1], [5.0]], np.float32)
    near = families(samples, features, RATE, RepeaterSettings(neighbours=1))
    far = families(samples, features, RATE, RepeaterSettings(neighbours=2))
    assert (near.reference < 0).all()
    assert far.reference.tolist() == [0, -1, 0]


def test_one_event_and_silent_events_are_no_family() -> None:
    assert families(np.zeros((1, 1, 50)), np.zeros((1, 2), np.float32), RATE, RepeaterSettings()).reference[0] == -1
    silent = families(np.zeros((3, 1, 50)), np.zeros((3, 2), np.float32), RATE, RepeaterSettings())
    assert (silent.reference < 0).all()


def test_families_of_a_network_are_of_one_station_and_class(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import catalogue_network

    settings = settings_of(2, pd.Timestamp("2015-01-30").date(), 3, repeaters={})
    network = StationDays(settings, open_layout(settings, tmp_path / "data"))
    original = catalogue_network.spectrogram_file.write_spectrograms

    def with_pulses(path, data, *arguments):
        wave = np.tile(pulse(5, data.waveform.shape[1]), (len(data), 1)).astype(np.float32)
        wave[-1] = data.waveform[-1]  # the last event of each day is noise
        return original(path, replace(data, waveform=wave), *arguments)

    monkeypatch.setattr(catalogue_network.spectrogram_file, "write_spectrograms", with_pulses)
    for key in settings.station_days():
        write_day(network.layout, key, key.start_ns + np.arange(1, 5) * 1000 * NS, np.array([1, 1, 2, 1]))
    update_catalogue(network)
    assert not repeaters_are_current(network)
    found = find_repeaters(network)
    assert repeaters_are_current(network)
    assert found.groupby(["station", "label"])["members"].unique().map(list).to_dict() == {
        (station, label): [3 * count] for station in ("S01", "S02") for label, count in ((1, 2), (2, 1))
    }
    pd.testing.assert_frame_equal(read_repeaters(network), found, check_dtype=False)
    plain = settings_of(2, settings.first_day, 3)
    with pytest.raises(NoRepeatersError, match="do not ask for repeating events"):
        find_repeaters(StationDays(plain, network.layout))
    assert [asset.key for asset in build_event_catalogue_assets(settings)] == [
        dg.AssetKey("event_catalogue"),
        dg.AssetKey("repeaters"),
    ]
    assert len(build_event_catalogue_assets(plain)) == 1
