"""Three components of the synthetic network: the vertical is what it was, and the horizontals follow from the waves."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from obspy import read_inventory
from obspy.signal.rotate import rotate_ne_rt
from pydantic import ValidationError
from scipy.fft import rfft
from scipy.signal import butter, hilbert, sosfiltfilt, welch
from store import Store
from test_synthetic_network import DAY, make_settings

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.open_source import open_sources
from ris_core.synthetic.event_catalogue import _positions_km
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.outages import first_sample
from ris_core.synthetic.polarisation import ELLIPTICITY, WAVES

CHANNELS = ("HHZ", "HHN", "HHE")
RATE = 200


def three(channels: tuple[str, ...] = CHANNELS, **source: object) -> Settings:
    values = make_settings(**source).model_dump() | {"channels": channels}
    return Settings.model_validate(values)


@pytest.fixture(scope="module")
def networks() -> dict[str, SyntheticNetwork]:
    return {code: SyntheticNetwork(three(), code) for code in CHANNELS}


@pytest.mark.parametrize(
    ("station", "day", "second", "digest"),
    [
        ("S01", date(2016, 1, 15), 22_800, "49d148b7ce6ad275"),
        ("S02", date(2016, 1, 15), 35_100, "c6180b2a961e610c"),
        ("S01", date(2015, 5, 10), 85_200, "1b0f5ffb14eeb439"),
    ],
)
def test_the_vertical_has_the_samples_of_earlier_versions(networks, station, day, second, digest):
    """Ten minutes with events of five families, rendered by the code before there were components."""
    first = first_sample(day) + second * RATE
    samples = np.rint(networks["HHZ"]._samples(station, first, first + 600 * RATE)).astype("<i4")
    assert hashlib.sha256(samples.tobytes()).hexdigest()[:16] == digest


def test_each_channel_has_its_own_samples_and_code(networks):
    first = first_sample(DAY)
    windows = {code: network._samples("S01", first, first + 6000) for code, network in networks.items()}
    assert [network.channel for network in networks.values()] == list(CHANNELS)
    assert len({samples.tobytes() for samples in windows.values()}) == 3
    for code, network in networks.items():
        inside = network._samples("S01", first + 1000, first + 3000)
        np.testing.assert_array_equal(inside, windows[code][1000:3000])


def test_the_channels_1_and_2_point_north_and_east(networks):
    first = first_sample(DAY)
    for code, same in (("HH1", "HHN"), ("HH2", "HHE")):
        other = SyntheticNetwork(three(("HHZ", "HH1", "HH2")), code)
        np.testing.assert_array_equal(
            other._samples("S01", first, first + 2000), networks[same]._samples("S01", first, first + 2000)
        )
    with pytest.raises(ValidationError, match=r"channels: HHU, but the channels of the synthetic network end in Z, N"):
        three(("HHU", "HHZ"))


def test_the_noise_of_the_horizontals_is_independent_louder_and_tilted_by_long_waves():
    quiet = {code: SyntheticNetwork(three(events_per_day=1e-9), code) for code in CHANNELS}
    first = first_sample(DAY)
    noise = {code: network._samples("S01", first, first + 7200 * RATE) for code, network in quiet.items()}
    filters = butter(4, (3, 20), "bandpass", fs=RATE, output="sos")
    band = np.stack([sosfiltfilt(filters, samples.astype(np.float64)) for samples in noise.values()])
    assert np.abs(np.corrcoef(band) - np.eye(3)).max() < 0.02
    level = 10 * np.log10((band**2).mean(axis=1))
    assert level[1:] - level[0] == pytest.approx([2.0, 2.0], abs=0.3)
    frequency, psd = welch(np.stack(list(noise.values())), RATE, nperseg=1200 * RATE)
    long_waves = psd[:, (frequency > 1 / 600) & (frequency < 1 / 200)].sum(axis=1)
    assert 10 * np.log10(long_waves[1:] / long_waves[0]).min() > 6


def moved(networks: dict[str, SyntheticNetwork], family: str, at_least: int = 6) -> list[tuple[pd.Series, NDArray]]:
    """Return strong events of a family, and their vertical, radial and transverse motion without noise at 100 Hz."""
    found = []
    catalogue = networks["HHZ"]._catalogue("S01")
    codes = {name: code for code, name in enumerate(WAVES)}
    rows = catalogue[catalogue["family_code"] == codes[family]].head(at_least)
    renderers = [networks[code]._renderer("S01") for code in CHANNELS]
    for place, (_, row) in enumerate(rows.iterrows()):
        traces = []
        for renderer in renderers:
            (event,) = renderer.events(rows.iloc[[place]])
            traces.append(renderer.counts(event).samples.astype(np.float64)[::2])
        vertical, north, east = traces
        radial, transverse = rotate_ne_rt(north, east, float(row["back_azimuth"]))
        found.append((row, np.stack([vertical, radial, transverse])))
    assert found
    return found


@pytest.mark.parametrize("family", ["ice_front", "thermal", "tremor", "cultural"])
def test_surface_waves_are_retrograde_ellipses(networks, family):
    for _, (vertical, radial, _) in moved(networks, family):
        # The radial motion, away from the source, leads the vertical by a quarter of a period.
        ahead = np.imag(hilbert(vertical))
        ratio = -float(radial @ ahead) / float(ahead @ ahead)
        assert ELLIPTICITY[0] - 0.02 < ratio < ELLIPTICITY[1] + 0.02
        assert np.corrcoef(radial, -ahead)[0, 1] > 0.99
        assert abs(np.corrcoef(radial, vertical)[0, 1]) < 0.1


@pytest.mark.parametrize(("family", "sign"), [("novelty", 1), ("stick_slip", -1)])
def test_body_waves_are_straight_lines_along_their_ray_or_across_it(networks, family, sign):
    low, high = WAVES[family].incidence
    for _, (vertical, radial, _) in moved(networks, family):
        ratio = float(radial @ vertical) / float(vertical @ vertical)
        np.testing.assert_allclose(radial, ratio * vertical, atol=1e-3 * np.abs(radial).max())
        assert np.sign(ratio) == sign
        incidence = np.rad2deg(np.arctan(abs(ratio) if sign > 0 else 1 / abs(ratio)))
        assert low - 0.1 < incidence < high + 0.1


def test_a_regional_event_begins_as_a_body_wave_and_ends_as_a_surface_wave(networks):
    for row, (vertical, radial, _) in moved(networks, "regional"):
        split = round((1.0 + row["rise"]) * 100)  # events are rendered from 1 s before their onset
        early, late = slice(0, split), slice(split + 100, None)
        assert np.corrcoef(radial[early], vertical[early])[0, 1] > 0.9
        assert abs(np.corrcoef(radial[late], vertical[late])[0, 1]) < 0.35


@pytest.mark.parametrize("family", list(WAVES))
def test_transverse_motion_has_the_strength_of_its_family(networks, family):
    low, high = WAVES[family].transverse
    ratios = [float(np.sqrt((t @ t) / (v @ v))) for _, (v, _, t) in moved(networks, family, 12)]
    assert 0.6 * low < np.median(ratios) < 1.5 * high


def test_directions_are_those_of_the_families_and_are_in_the_truth(networks):
    truth = networks["HHZ"].truth(date(2015, 1, 1), date(2016, 1, 31))
    own = truth[truth["station"] == "S01"]
    assert own["back_azimuth_deg"].between(0, 360, inclusive="left").all()
    spread = {}
    for family, events in own.groupby("family"):
        angle = np.deg2rad(events["back_azimuth_deg"].to_numpy())
        spread[family] = 1.0 - abs(np.exp(1j * angle).mean())
    assert spread["thermal"] > 0.9
    assert max(spread[name] for name in ("rift", "novelty", "tremor", "cultural", "ice_front")) < 0.15
    front = np.deg2rad(own.loc[own["family"] == "ice_front", "back_azimuth_deg"])
    assert abs(np.rad2deg(np.angle(np.exp(1j * front).mean()))) < 5
    patches = own[own["family"] == "stick_slip"].groupby("frequency_hz")["back_azimuth_deg"]
    assert len(patches) == 3 and (patches.std() < 2).all()


def test_the_direction_of_a_regional_event_is_that_of_its_source(networks):
    truth = networks["HHZ"].truth(DAY, DAY + timedelta(days=3))
    regional = truth[truth["family"] == "regional"]
    seen = regional.pivot_table(index="source_id", columns="station", values=["back_azimuth_deg"]).dropna()
    late = regional.pivot_table(index="source_id", columns="station", values="time").dropna()
    (x1, y1), (x3, y3) = (_positions_km(networks["HHZ"].settings.stations)[code] for code in ("S01", "S03"))
    checked = 0
    for source in seen.index:
        a, b = (np.deg2rad(seen.loc[source, ("back_azimuth_deg", code)]) for code in ("S01", "S03"))
        ways = np.array([[np.sin(a), -np.sin(b)], [np.cos(a), -np.cos(b)]])
        if abs(np.linalg.det(ways)) < 0.1:
            continue  # nearly parallel
        near, far = np.linalg.solve(ways, [x3 - x1, y3 - y1])
        assert near > 0 and far > 0
        difference = (late.loc[source, "S03"] - late.loc[source, "S01"]).total_seconds()
        assert difference == pytest.approx((far - near) / 6.0, abs=1e-3)
        checked += 1
    assert checked > 3


def test_stationxml_has_all_channels_with_their_orientation(networks):
    written = io.BytesIO()
    networks["HHN"].inventory("S01").write(written, format="STATIONXML", validate=True)
    written.seek(0)
    channels = read_inventory(written)[0][0].channels
    assert [(c.code, c.azimuth, c.dip) for c in channels] == [("HHZ", 0, -90), ("HHN", 0, 0), ("HHE", 90, 0)]
    alone = io.BytesIO()
    SyntheticNetwork(make_settings()).inventory("S01").write(alone, format="STATIONXML")
    assert alone.getvalue().count(b"<Channel ") == 1


def test_a_station_day_of_three_components_is_acquired_with_gaps_in_all_of_them(tmp_path: Path) -> None:
    values = three(gaps=[f"S01/{DAY}"], missing=[f"S02/{DAY}"]).model_dump() | {"conditioning": {"padding": 120}}
    store = Store(Settings.model_validate(values), tmp_path)
    key = StationDay("S01", DAY)
    found = store.days.acquire.run(key).result
    assert [(code, part.has_data, part.quality.gaps) for code, part in found.channels] == [
        (code, True, 4) for code in CHANNELS
    ]
    assert found.has_response and found.reason == ""
    segments = store.days.acquire.segments(key)
    assert {len(pieces) for pieces in segments.values()} == {5}
    for pieces in zip(*segments.values(), strict=True):
        assert len({piece.start_ns for piece in pieces}) == 1
    inventory = store.days.acquire.inventory("S01")
    assert inventory is not None and len(inventory.get_contents()["channels"]) == 3
    assert not store.days.acquire.run(StationDay("S02", DAY)).result.has_data
    assert list(open_sources(store.settings)) == list(CHANNELS)


def test_the_shift_within_a_sample_is_the_same_for_all_components(networks):
    """The ratio of two components' spectra of a body wave is a real number at every frequency."""
    _, (vertical, radial, _) = moved(networks, "novelty", 1)[0]
    strong = np.abs(rfft(vertical)) > 0.05 * np.abs(rfft(vertical)).max()
    ratio = (rfft(radial) / rfft(vertical))[strong]
    assert np.abs(ratio.imag).max() < 1e-3 * np.abs(ratio.real).min()
