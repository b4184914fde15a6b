"""Live intervals: where a detection could start, through gaps, overlaps and midnight, and on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chain_builders import run_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_steps import run_and_record
from waveform_builders import KEY, NEXT_KEY, make_settings, record, sds_settings, write_sds

from ris_core.contracts.station_day import NS
from ris_core.processing.chain import Products
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables


def seconds(products: Products, key=KEY) -> list[list[float]]:
    return ((products.live - key.start_ns) / NS).tolist()


def test_a_gap_divides_the_day_into_two_intervals():
    products = run_chain(KEY, record(KEY, -300, 400), record(KEY, 500, 900, seed=1))
    assert seconds(products) == [pytest.approx([0, 399]), pytest.approx([531, 899])]
    assert products.live_seconds == pytest.approx(399 + 368)


def test_the_intervals_of_two_days_touch_at_midnight():
    whole = record(KEY, 85_500, 87_300)
    midnight = whole.stats.starttime + 900
    today = run_chain(KEY, whole.slice(None, midnight + 299.99))
    tomorrow = run_chain(NEXT_KEY, whole.slice(midnight - 300, None))
    assert today.live[-1, 1] == tomorrow.live[0, 0] == NEXT_KEY.start_ns


def test_where_segments_overlap_time_is_in_one_interval():
    products = run_chain(KEY, record(KEY, 0, 400), record(KEY, 200, 600, seed=2), record(KEY, 450, 500, seed=3))
    assert seconds(products) == [pytest.approx([31, 599], abs=0.02)]


def test_a_segment_shorter_than_its_guards_has_none():
    products = run_chain(KEY, record(KEY, 0, 41), record(KEY, 100, 131.5, seed=1))
    assert seconds(products) == [pytest.approx([31, 40])]
    assert run_chain(KEY).live.shape == (0, 2)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(15, 300)), min_size=1, max_size=6),
    st.lists(st.floats(0, 900), max_size=12),
    st.integers(0, 1000),
)
def test_every_detection_starts_in_a_live_interval_and_the_intervals_are_apart(stretches, events, seed):
    whole = record(KEY, -100, 900, events, seed=seed)
    start = whole.stats.starttime
    traces = [whole.slice(start + at, start + at + length) for at, length in stretches]
    products = run_chain(KEY, *traces, settings=make_settings(detector={"threshold_on": 4, "threshold_off": 2}))
    assert (np.diff(products.live.ravel()) > 0).all()
    onsets = products.detections["time_on"].to_numpy(np.int64)[:, None]
    inside = (products.live[:, 0] <= onsets) & (onsets < products.live[:, 1])
    assert (inside.sum(axis=1) == 1).all()


@pytest.mark.parametrize("method", ["recursive", "classic", "delayed", "carl"])
@pytest.mark.parametrize("late_ns", [0, 7_000_000])
def test_without_a_guard_the_first_detection_comes_when_the_detector_has_warmed_up(method, late_ns):
    # Guards of one and a half samples; thresholds that everything exceeds.
    chosen = make_settings(
        conditioning={"guard_after_gap": 0.03, "guard_before_gap": 0.03},
        detector={"method": method, "threshold_on": 1e-9, "threshold_off": 1e-10, "cleaning_window": 0},
    )
    trace = record(KEY, 100, 160, [129.9])
    trace.stats.starttime += late_ns / NS
    products = run_chain(KEY, trace, settings=chosen)
    onsets = products.detections["time_on"].to_numpy(np.int64)
    assert seconds(products) == [pytest.approx([130 + late_ns / NS, 159.96 + late_ns / NS], abs=1e-6)]
    assert onsets.size
    assert (products.live[0, 0] <= onsets).all() and (onsets < products.live[0, 1]).all()


@pytest.fixture
def network(tmp_path: Path) -> StationDays:
    write_sds(tmp_path / "archive", record(KEY, 0, 400, [200.0]), record(KEY, 450, 800), record(NEXT_KEY, 0, 600))
    found = StationDays.open(sds_settings(tmp_path / "archive"), tmp_path / "data")
    for stage in ("acquire", "process"):
        assert run_and_record(found, stage, KEY).error == ""
    return found


def test_the_table_of_a_station_day_says_what_made_it_and_sums_up_to_the_live_seconds(network):
    path = network.layout.live(KEY)
    assert network.layout.relative(path) == "live/station=S01/day=2015-01-10.parquet"
    found = tables.read_table(path)
    assert found["station"].tolist() == ["S01", "S01"]
    lengths = (found["end"] - found["start"]).dt.total_seconds()
    result = network.process.run(KEY).result
    assert lengths.sum() == pytest.approx(result.live_seconds) == pytest.approx(400 - 32 + 350 - 32)
    stamp, content, rows = tables.read_stamp(path)
    assert stamp == network.process.expected_stamp(KEY)
    assert (result.live_intervals, result.live_content, rows) == (2, content, 2)


def test_without_live_intervals_a_station_day_is_out_of_date_and_follows_its_input(network):
    """Earlier versions have written none; their products are there all the same."""
    path = network.layout.live(KEY)
    good = path.read_bytes()
    path.unlink()
    assert network.process.exists(KEY) and network.process.follows_its_input(KEY)
    assert not network.process.is_current(KEY)
    assert not run_and_record(network, "process", KEY).made.already_current
    assert path.read_bytes() == good
