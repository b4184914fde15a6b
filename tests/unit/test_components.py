"""Several components in the chain: cut at the same instants, a missing one, the vector sum, amplitudes of each."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from chain_builders import onsets, run_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Trace
from stage_steps import run_and_record
from waveform_builders import KEY, NOISE, burst, make_settings, ns_at, record, sds_settings, segments_of, write_sds

from ris_core.access import read_detections
from ris_core.clustering.noise_windows import noise_windows
from ris_core.contracts.station_day import NS
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import BadWaveformError, Conditioned
from ris_core.processing.day_traces import DayTraces
from ris_core.processing.spectrograms import densities, plan
from ris_core.processing.vector_sum import vector_sums
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file
from ris_core.synthetic.seismometer import build_inventory
from ris_core.waveforms.pieces import Marks

CHANNELS = ("HHZ", "HHN", "HHE")
THREE = make_settings(channels=CHANNELS)
PLAN = plan(THREE.spectrogram, THREE.conditioning)


def of_channels(components: dict | None = None, **sections):
    return make_settings(channels=CHANNELS, components=components or {}, **sections)


def component(code: str, start: float, end: float, events=(), rate: float = 50.0) -> Trace:
    trace = record(KEY, start, end, events, rate, seed=CHANNELS.index(code))
    trace.stats.channel = code
    return trace


def three(start: float, end: float, events) -> list[Trace]:
    return [component(code, start, end, events) for code in CHANNELS]


def grid_sample(products: Products, code: str, time_ns: int) -> tuple[Conditioned, int]:
    """The segment of a channel that holds an instant, and the sample there, counted on the grid from midnight."""
    grid = round((time_ns - KEY.start_ns) * 50 / NS)
    (trace,) = [
        t
        for t in products.traces.by_channel[code]
        if t.grid_offset <= grid and grid + 218 <= t.grid_offset + t.samples.size
    ]
    return trace, grid - trace.grid_offset


def test_all_components_are_cut_at_the_same_samples_of_the_grid():
    # They start at different times; N has a gap, so that its later samples are in a segment of their own.
    events = [100.0, 260.0, 330.0]
    traces = [
        component("HHZ", 0, 400, events),
        component("HHN", -20.46, 180.02, events),
        component("HHN", 203.34, 400, events),
        component("HHE", 3.3, 400, events),
    ]
    products = run_chain(KEY, *traces, settings=THREE)
    found = products.spectrograms
    assert found.components == ("Z", "N", "E")
    assert found.recorded is None
    assert found.spectrogram.shape == (3, 3, 87, 100)
    for row, start in enumerate(found.window_start.tolist()):
        for column, code in enumerate(CHANNELS):
            trace, first = grid_sample(products, code, start)
            samples = trace.samples[first : first + 218]
            np.testing.assert_array_equal(found.waveform[row, column], samples.astype(np.float32))
            np.testing.assert_array_equal(found.spectrogram[row, column], densities(samples, PLAN))
    # All record the same impulse, so their peaks lie within a sample of each other.
    peaks = np.abs(found.waveform).argmax(axis=2)
    assert np.ptp(peaks, axis=1).max() <= 1


def test_the_vertical_has_the_events_that_it_has_alone():
    events = [100.0, 200.0, 300.0]
    alone = run_chain(KEY, component("HHZ", 0, 400, events))
    products = run_chain(KEY, *three(0, 400, events), settings=THREE)
    assert products.spectrograms.event_id == alone.spectrograms.event_id
    np.testing.assert_array_equal(products.spectrograms.spectrogram[:, 0], alone.spectrograms.spectrogram)
    np.testing.assert_array_equal(products.spectrograms.context[:, :1], alone.spectrograms.context)
    names = list(alone.detections.columns)
    assert products.detections[names].equals(alone.detections)
    np.testing.assert_array_equal(products.live, alone.live)


def test_another_channel_may_be_that_of_detections():
    traces = [component("HHZ", 0, 400), component("HHN", 0, 400, [200.0]), component("HHE", 0, 400)]
    assert onsets(run_chain(KEY, *traces, settings=THREE), KEY) == []
    products = run_chain(KEY, *traces, settings=of_channels({"detect_on": "HHN"}))
    assert onsets(products, KEY) == [pytest.approx(200.0, abs=0.1)]
    assert products.detections["event_id"][0].startswith("XX.S01..HHN.")
    assert products.detections["channel"].tolist() == ["HHN"]


def with_gap() -> list[Trace]:
    """The second event falls into a gap of N."""
    events = [100.0, 200.0, 300.0]
    return [
        component("HHZ", 0, 400, events),
        component("HHN", 0, 190, events),
        component("HHN", 240, 400, events),
        component("HHE", 0, 400, events),
    ]


def test_an_event_that_a_component_did_not_record_is_dropped_and_says_which():
    products = run_chain(KEY, *with_gap(), settings=THREE)
    assert products.detections["outcome"].tolist() == ["event", "component_missing HHN", "event"]
    assert products.spectrograms.spectrogram.shape == (2, 3, 87, 100)
    assert run_chain(KEY, component("HHZ", 0, 400, [200.0]), settings=THREE).detections["outcome"].tolist() == [
        "component_missing HHN HHE"
    ]


def test_an_event_that_a_component_did_not_record_may_have_zeros_and_a_mask():
    dropped = run_chain(KEY, *with_gap(), settings=THREE).spectrograms
    found = run_chain(KEY, *with_gap(), settings=of_channels({"missing": "zeros"})).spectrograms
    assert found.recorded is not None and dropped.recorded is None
    assert found.recorded.tolist() == [[True] * 3, [True, False, True], [True] * 3]
    for name in ("spectrogram", "waveform", "context", "noise_psd", "noise_columns"):
        assert not getattr(found, name)[1, 1].any()
        assert getattr(found, name)[1, [0, 2]].any()
        # Events are computed together: how many there are decides on some processors about the last digit.
        np.testing.assert_allclose(getattr(found, name)[[0, 2]], getattr(dropped, name), rtol=2e-6)


def test_a_window_that_was_dropped_is_free_for_a_later_detection():
    # Both detections of Z have the same strongest column. N begins within the window.
    trace = component("HHZ", 0, 300, [100.0])
    samples = trace.data.astype(np.float64)
    burst(samples, 50.0, 106.0, 4e5)
    trace.data = samples
    wide = {"spectrogram": {"search": 8}}
    late = [component("HHN", 150, 300), component("HHE", 0, 300)]
    outcomes = run_chain(KEY, trace, *late, settings=of_channels(**wide)).detections["outcome"]
    assert outcomes.tolist() == ["component_missing HHN"] * 2
    kept = run_chain(KEY, trace, *late, settings=of_channels({"missing": "zeros"}, **wide)).detections
    assert kept["outcome"].tolist() == ["event", f"duplicate_of {kept['event_id'][0]}"]


def test_amplitudes_are_those_of_each_component():
    loud = component("HHE", 0, 400)
    samples = loud.data.astype(np.float64)
    burst(samples, 50.0, 100.0, 1e5)
    loud.data = samples
    traces = [component("HHZ", 0, 400, [100.0, 300.0]), component("HHN", 0, 200), loud]
    products = run_chain(KEY, *traces, settings=of_channels({"missing": "zeros"}))
    first, second = products.detections.to_dict("records")
    assert first["peak_counts"] == first["peak_counts_HHZ"]
    assert abs(first["peak_counts_HHE"]) > 3 * abs(first["peak_counts_HHZ"])
    assert abs(first["peak_counts_HHN"]) < 5 * NOISE
    assert np.isnan(second["peak_counts_HHN"])
    assert second["acceleration_note_HHN"] == "HHN was not recorded"
    assert np.isfinite(second["peak_counts_HHE"])
    for code in CHANNELS[::2]:
        assert np.isnan(first[f"peak_acceleration_{code}"]) and first[f"acceleration_note_{code}"] == "no response"


def test_each_channel_has_the_response_of_its_own():
    inventory = build_inventory(THREE, "S01")
    (station,) = inventory[0]
    (north,) = [channel for channel in station.channels if channel.code == "HHN"]
    north.response = deepcopy(north.response)
    north.response.response_stages[0].stage_gain *= 10
    north.response.instrument_sensitivity.value *= 10
    station.channels = [channel for channel in station.channels if channel.code != "HHE"]
    events, traces = [100.0, 300.0], []
    for code in CHANNELS:
        traces.append(record(KEY, 0, 400, events))
        traces[-1].stats.channel = code
    segments = {trace.stats.channel: segments_of(KEY, trace) for trace in traces}
    products = process(segments, KEY, THREE, inventory)
    for row in products.detections.to_dict("records"):
        assert row["peak_counts_HHZ"] == row["peak_counts_HHN"] == row["peak_counts_HHE"]
        assert row["peak_acceleration_HHZ"] == row["peak_acceleration"]
        assert row["peak_acceleration_HHN"] == pytest.approx(row["peak_acceleration_HHZ"] / 10, rel=1e-6)
        assert np.isnan(row["peak_acceleration_HHE"])
        assert "no valid response for XX.S01..HHE" in row["acceleration_note_HHE"]
    assert any("XX.S01..HHE" in note for note in products.notes)


def test_the_vector_sum_finds_what_every_component_hides():
    # No component alone reaches the threshold.
    events, settings = [100.0, 200.0, 300.0], {"detector": {"threshold_on": 8, "threshold_off": 4}}
    weak = [component(code, 0, 400) for code in CHANNELS]
    for trace in weak:
        samples = trace.data.astype(np.float64)
        for at in events:
            burst(samples, 50.0, at, 2.3e3)
        trace.data = samples
    products = run_chain(KEY, *weak, settings=of_channels({"detect_on": "vector_sum"}, **settings))
    assert onsets(products, KEY) == pytest.approx(events, abs=0.3)
    assert products.detections["event_id"][0].startswith("XX.S01..HHZ.")
    (total,) = products.traces.detection
    squares = [np.square(found[0].samples) for found in products.traces.by_channel.values()]
    np.testing.assert_allclose(total.samples, np.sqrt(sum(squares)), rtol=1e-12)


def test_the_vector_sum_and_its_live_time_are_where_all_components_are():
    traces = [
        component("HHZ", 0, 400, [100.0, 350.0]),
        component("HHN", 20, 300, [100.0, 350.0]),
        component("HHE", 10, 390, [100.0, 350.0]),
    ]
    products = run_chain(KEY, *traces, settings=of_channels({"detect_on": "vector_sum"}))
    assert onsets(products, KEY) == [pytest.approx(100.0, abs=0.2)]
    assert ((products.live - KEY.start_ns) / NS).tolist() == [pytest.approx([51, 299], abs=0.02)]
    (total,) = products.traces.detection
    assert total.start_ns == ns_at(KEY, 20)
    assert total.grid_offset == 1000
    start = int(products.spectrograms.window_start[0])
    for column, code in enumerate(CHANNELS):
        trace, first = grid_sample(products, code, start)
        found = products.spectrograms.waveform[0, column]
        np.testing.assert_array_equal(found, trace.samples[first : first + 218].astype(np.float32))


def test_rounding_beside_a_strong_signal_is_no_event_of_a_vector_sum_either():
    # At 0.1 Hz the band-pass rings long, and blocks of the transform are longer.
    low = of_channels({"detect_on": "vector_sum"}, conditioning={"band_low": 0.1, "padding": 300})
    products = run_chain(KEY, *three(-300, 700, [100.0]), settings=low)
    blocks = {trace.block for segments in products.traces.by_channel.values() for trace in segments}
    assert {trace.block for trace in products.traces.detection} == blocks
    assert min(blocks) > 4096


def test_the_window_of_a_vector_sum_is_centred_on_the_power_of_all_components():
    # The stronger arrival is horizontal, and 2 s later.
    traces = three(0, 300, [100.0])
    for trace in traces[1:]:
        samples = trace.data.astype(np.float64)
        burst(samples, 50.0, 102.0, 1e5)
        trace.data = samples
    starts = {}
    for way in ("vertical", "vector_sum"):
        (start,) = run_chain(KEY, *traces, settings=of_channels({"detect_on": way})).spectrograms.window_start
        starts[way] = (start - KEY.start_ns) / NS + 2.2
    assert starts["vertical"] == pytest.approx(100.1, abs=0.2)
    assert starts["vector_sum"] == pytest.approx(102.1, abs=0.2)


def drifting(start_ns: int, size: int, each_ns: int) -> Conditioned:
    """Samples whose number is their value, at 50 Hz by count; each 1000 of them last ``each_ns`` longer."""
    index = np.arange(0, size, 1000)
    marks = Marks(index, start_ns + index * (NS // 50) + index // 1000 * each_ns)
    return Conditioned(start_ns, 50.0, np.arange(size, dtype=np.float64), 0, True, True, marks=marks)


def test_samples_of_a_drifting_clock_are_found_by_their_time():
    # After 100,000 samples the clock of both is 25 samples late; N begins anew there, on a grid of its own.
    of_z = drifting(KEY.start_ns, 200_000, NS // 200)
    time = of_z.time_ns(100_000)
    grid = round((time - KEY.start_ns) * 50 / NS)
    of_n = Conditioned(time, 50.0, np.arange(50_000.0), grid, False, True)
    assert grid == 100_025
    traces = DayTraces({"HHZ": [of_z], "HHN": [of_n]}, "HHZ", [of_z], [[of_z.samples]])
    assert traces.places(0, 100_500, 218) == ((0, 100_500), (0, 500))
    assert traces.places(0, 99_999, 218) == ((0, 99_999), None)


def test_the_vector_sum_follows_a_clock_that_drifts_against_the_other():
    even, late = drifting(KEY.start_ns, 20_000, 0), drifting(KEY.start_ns, 20_000, NS // 100)
    sums, ((of_z, of_n),) = vector_sums({"HHZ": [even], "HHN": [late]}, "HHZ", "counts", "counts")
    # Every 2000 samples of the late clock take one sample of time more.
    assert of_z[-1] - of_n[-1] == pytest.approx(10, abs=1)
    times = np.array([even.time_ns(int(i)) for i in of_z[::500]])
    others = np.array([late.time_ns(int(i)) for i in of_n[::500]])
    assert np.abs(times - others).max() <= NS // 50
    np.testing.assert_allclose(sums[0].samples, np.hypot(of_z, of_n))


def test_components_go_to_disk_and_back(tmp_path: Path):
    write_sds(tmp_path / "archive", *three(0, 600, [200.0, 400.0]))
    settings = sds_settings(tmp_path / "archive", channels=list(CHANNELS))
    network = StationDays.open(settings, tmp_path / "data")
    for stage in ("acquire", "process"):
        assert run_and_record(network, stage, KEY).error == ""
    found = spectrogram_file.read_spectrograms(network.layout.spectrograms(KEY))
    assert found.components == ("Z", "N", "E")
    assert found.spectrogram.shape == (2, 3, 87, 100) and found.context.shape[:2] == (2, 3)
    assert (found.noise_columns > 0).all()
    wanted = ["peak_counts_HHE", "peak_acceleration_HHN", "acceleration_note_HHN"]
    table = read_detections(network, columns=wanted)
    assert len(table) == 2 and np.isfinite(table["peak_counts_HHE"]).all()
    result = network.process.run(KEY)
    assert result.already_current and result.result.outcomes == {"event": 2}


def test_a_component_that_cannot_be_conditioned_is_named():
    traces = [component("HHZ", 0, 400), component("HHN", 0, 400, rate=40.0), component("HHE", 0, 400)]
    with pytest.raises(BadWaveformError, match="HHN: sampling rate 40 Hz"):
        run_chain(KEY, *traces, settings=THREE)
    with pytest.raises(BadWaveformError, match="HHZ: a trace of velocity needs the instrument's response"):
        run_chain(KEY, *three(0, 400, []), settings=of_channels(response={"spectrogram_trace": "velocity"}))


def test_windows_of_noise_have_all_components(tmp_path: Path):
    # N has a gap: no window lies there.
    traces = [component(code, 0, 900, [200.0, 400.0]) for code in CHANNELS]
    north = traces[1].stats.starttime
    traces[1:2] = [traces[1].slice(north, north + 500), traces[1].slice(north + 600, None)]
    write_sds(tmp_path / "archive", *traces)
    network = StationDays.open(sds_settings(tmp_path / "archive", channels=list(CHANNELS)), tmp_path / "data")
    for stage in ("acquire", "process"):
        assert run_and_record(network, stage, KEY).error == ""
    found = noise_windows(network.process, 100, 0).events
    assert found is not None and len(found) > 10
    assert found.components == ("Z", "N", "E") and found.spectrogram.shape[1:] == (3, 87, 100)
    assert found.waveform.any(axis=2).all()
    seconds = (found.window_start - KEY.start_ns) / NS
    assert not ((seconds > 500 - 4.36) & (seconds < 600)).any()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.floats(60, 300), st.floats(0, 60)), min_size=3, max_size=3),
    st.sampled_from(["vertical", "vector_sum", "HHE"]),
    st.sampled_from(["drop", "zeros"]),
    st.sampled_from([50.0, 62.5, 100.0]),
)
def test_whatever_is_missing_each_component_is_cut_where_the_others_are(gaps, way, missing, rate):
    traces = []
    for code, (late, gap, length) in zip(CHANNELS, gaps, strict=True):
        whole = component(code, -20, 400, [100.0, 180.0, 260.0, 340.0], rate)
        start = whole.stats.starttime
        traces += [whole.slice(start + late, start + 20 + gap), whole.slice(start + 20 + gap + length, None)]
    products = run_chain(KEY, *traces, settings=of_channels({"detect_on": way, "missing": missing}))
    found = products.spectrograms
    recorded = found.recorded if found.recorded is not None else np.ones((len(found), 3), bool)
    for row, start in enumerate(found.window_start.tolist()):
        for column, code in enumerate(CHANNELS):
            near = [
                trace.samples[index : index + 218]
                for trace in products.traces.by_channel[code]
                if abs(trace.time_ns(index := round((start - trace.start_ns) * 50 / NS)) - start) <= NS // 100
                and 0 <= index <= trace.samples.size - 218
            ]
            assert bool(near) == recorded[row, column]
            wanted = near[0].astype(np.float32) if near else np.zeros(218, np.float32)
            np.testing.assert_array_equal(found.waveform[row, column], wanted)
    onsets_ns = products.detections["time_on"].to_numpy(np.int64)[:, None]
    inside = (products.live[:, 0] <= onsets_ns) & (onsets_ns < products.live[:, 1])
    assert (inside.sum(axis=1) == 1).all()


def test_detections_of_a_time_with_fewer_channels_say_so(tmp_path: Path):
    write_sds(tmp_path / "archive", *three(0, 400, [200.0]))
    one = StationDays.open(sds_settings(tmp_path / "archive"), tmp_path / "data")
    for stage in ("acquire", "process"):
        assert run_and_record(one, stage, KEY).error == ""
    network = StationDays.open(sds_settings(tmp_path / "archive", channels=CHANNELS), tmp_path / "data")
    for found in (
        read_detections(network),
        read_detections(network, columns=["peak_counts_HHN", "acceleration_note_HHN"]),
    ):
        assert len(found) == 1
        assert found["peak_counts_HHN"].isna().all()
        assert found["acceleration_note_HHN"].tolist() == ["processed without HHN among the channels; process it again"]
    for stage in ("acquire", "process"):
        assert run_and_record(network, stage, KEY).error == ""
    assert read_detections(network, columns=["peak_counts_HHN"])["peak_counts_HHN"].notna().all()
