"""The benchmark's volcano: the same from the same seed, and like the published descriptions of its families."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from bench.volcano.catalogue import FIRST_DAY, MOST_DAYS, catalogue
from bench.volcano.network import Heard
from bench.volcano.noise import render_noise
from bench.volcano.paths import Event, Record, in_band, record
from bench.volcano.sources import radiate
from bench.volcano.world import BAND_HZ, FAMILIES, RATE, World, build_world
from ris_core.contracts.station_day import StationDay

SEEDS = (3, 8)


@pytest.fixture(scope="module", params=SEEDS)
def world(request: pytest.FixtureRequest) -> World:
    return build_world(request.param)


def some(world: World, family: str, number: int = 8) -> list[Event]:
    return [event for event in catalogue(world)[1] if event.family == family][:number]


def at(world: World, event: Event, station: int = 0) -> Record:
    return record(world, event, radiate(world.seed, event.family, event.number), world.sites[station])


def seconds_until(found: Record, decibels: float) -> float:
    heard = Heard(0, 0, 0, found.samples, in_band(found.samples))
    return heard.until(decibels) / RATE - (found.onset_s - found.delay_s)


def median_hz(samples: NDArray[np.float32]) -> float:
    frequency, density = signal.periodogram(samples, RATE)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    total = np.cumsum(density[inside])
    return float(frequency[inside][np.searchsorted(total, 0.5 * total[-1])])


def test_a_seed_gives_the_same_volcano_and_another_seed_another(world: World) -> None:
    again = build_world(world.seed)
    table, events = catalogue(world)
    assert table.equals(catalogue(again)[0])
    assert not table.equals(catalogue(build_world(world.seed + 1))[0])
    for event, same in list(zip(events, catalogue(again)[1], strict=True))[:10]:
        assert at(world, event).samples.tobytes() == at(again, same).samples.tobytes()


def test_every_family_occurs_and_none_prevails(world: World) -> None:
    table, events = catalogue(world)
    shares = table["family"].value_counts(normalize=True)
    assert set(shares.index) == set(FAMILIES)
    assert shares.min() >= 0.01
    assert shares.max() <= 0.4
    origin = table["origin_ns"].to_numpy()
    assert np.all(np.diff(origin) >= 0)
    first = StationDay("V01", FIRST_DAY).start_ns
    assert first <= origin[0]
    assert origin[-1] < first + MOST_DAYS * 86_400 * 10**9
    assert table["number"].is_unique
    assert [event.number for event in events] == table["number"].tolist()


@pytest.mark.parametrize(
    ("family", "hertz", "duration"),
    [
        ("lp", (0.5, 5), (4, 60)),
        ("vt", (4, 18), (1, 20)),
        ("hybrid", (0.8, 12), (2, 40)),
        ("tremor", (0.8, 9), (10, 240)),
        ("explosion", (0.5, 8), (3, 60)),
        ("rockfall", (2, 12), (7, 120)),
        ("regional", (0.8, 6), (10, 120)),
        ("tornillo", (1, 6), (10, 110)),
        ("deep_lp", (0.6, 4), (5, 60)),
    ],
)
def test_families_have_published_frequencies_and_durations(
    world: World, family: str, hertz: tuple[float, float], duration: tuple[float, float]
) -> None:
    found = [at(world, event, station) for event in some(world, family) for station in (0, 2)]
    frequency = np.array([median_hz(one.samples) for one in found])
    lasts = np.array([seconds_until(one, 20) for one in found])
    assert hertz[0] <= np.median(frequency) <= hertz[1]
    assert duration[0] <= np.median(lasts) <= duration[1]


def test_hybrids_begin_high_and_end_low(world: World) -> None:
    def share_above_5_hz(samples: NDArray[np.float32]) -> float:
        frequency, density = signal.periodogram(samples, RATE)
        return float(density[frequency > 5].sum() / density[frequency > BAND_HZ[0]].sum())

    first, coda = [], []
    for event in some(world, "hybrid"):
        found = at(world, event)
        onset = round((found.onset_s - found.delay_s) * RATE)
        first.append(share_above_5_hz(found.samples[onset : onset + 60]))
        coda.append(share_above_5_hz(found.samples[onset + 400 : onset + 900]))
    assert np.median(first) > 0.2
    assert np.median(coda) < 0.3 * np.median(first)


def test_the_air_wave_of_an_explosion_comes_with_the_speed_of_sound(world: World) -> None:
    event = some(world, "explosion", 1)[0]
    site = world.sites[2]
    radiation = [r for r in radiate(world.seed, "explosion", event.number) if r.wave == "air"]
    found = record(world, event, radiation, site)
    assert found.onset_s == pytest.approx(np.linalg.norm(site.position - event.place) / world.air_km_s)
    whole = at(world, event, 2)
    assert found.onset_s - whole.onset_s > 5


def test_s_comes_later_after_p_the_farther_an_earthquake_is(world: World) -> None:
    gaps = []
    for event in some(world, "regional", 5):
        p, s = (
            record(world, event, [r], world.sites[1]).onset_s for r in radiate(world.seed, "regional", event.number)
        )
        distance = np.linalg.norm(event.place - world.sites[1].position)
        assert s - p == pytest.approx(distance / 8.175, rel=0.01)
        gaps.append(s - p)
    assert 2 < np.median(gaps) < 25


def test_events_of_one_crack_are_alike_at_a_station(world: World) -> None:
    def likeness(family: str) -> float:
        waves = [in_band(at(world, event).samples)[:1000] for event in some(world, family)]
        first = waves[0] / np.linalg.norm(waves[0])
        return float(np.median([np.abs(signal.correlate(first, w / np.linalg.norm(w))).max() for w in waves[1:]]))

    assert likeness("hybrid") > likeness("vt") + 0.1


def test_farther_stations_record_a_source_later_and_weaker(world: World) -> None:
    for event in some(world, "lp", 3):
        near, far = at(world, event, 0), at(world, event, 3)
        assert far.onset_s > near.onset_s
        rock = [replace(site, gain=1.0, reflection=0.0) for site in (world.sites[0], world.sites[3])]
        radiation = radiate(world.seed, event.family, event.number)
        peaks = [np.abs(in_band(record(world, event, radiation, site).samples)).max() for site in rock]
        assert peaks[1] < peaks[0]


def test_noise_is_the_same_again_and_louder_where_people_are_by_day(world: World) -> None:
    day, night = (start + np.arange(1800 * RATE) / RATE / 3600 for start in (11.0, 1.0))
    road = next(site for site in world.sites if site.near_road)
    noise = render_noise(world.seed, road, day)
    assert noise.tobytes() == render_noise(world.seed, road, day).tobytes()
    # Above the swell.
    loud = [
        signal.sosfilt(signal.butter(4, 4, "highpass", fs=RATE, output="sos"), samples).std()
        for samples in (noise, render_noise(world.seed, road, night))
    ]
    assert loud[0] > loud[1]
