"""Clocks that drift against the nominal rate: a moment is the same on both days, and each event is found once."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from builders import trace_path
from obspy import Trace, UTCDateTime
from waveform_builders import DAY, KEY, NEXT_KEY, PADDING, burst, noise, ns_at, sds_settings

from ris_core.contracts.station_day import NS
from ris_core.processing.chain import process
from ris_core.processing.condition import condition
from ris_core.station_days.open_source import open_source
from ris_core.waveforms.pieces import Marks, Piece
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments

RATE, BEFORE, AFTER = 100.0, 5400.0, 5400.0
MIDNIGHT = NEXT_KEY.start_ns
# Seconds from the midnight between the two days.
ONSETS = [-3000.0, -10.5, -0.4, 0.3, 50.0, 3000.0]


def write_drifting(root: Path, true_rate: float, onsets: list[float], resolution_ns: int = 100_000) -> None:
    """Write two day files around a midnight whose records bear the true times, and say 100 Hz."""
    size = round((BEFORE + AFTER) * true_rate)
    samples = noise(size, seed=3, deviation=50.0)
    for onset in onsets:
        burst(samples, true_rate, onset + BEFORE)
    header = {"network": "XX", "station": "S01", "channel": "HHZ", "sampling_rate": RATE}
    trace = Trace(np.rint(samples).astype(np.int32), header)
    written = io.BytesIO()
    trace.write(written, format="MSEED", reclen=512, encoding="INT32")
    content, done = written.getvalue(), 0
    files: dict[date, bytearray] = {}
    for at in range(0, len(content), 512):
        one = bytearray(content[at : at + 512])
        since = round(done * NS / true_rate / resolution_ns) * resolution_ns
        time = UTCDateTime(ns=MIDNIGHT - round(BEFORE * NS) + since)
        one[20:24] = time.year.to_bytes(2, "big") + time.julday.to_bytes(2, "big")
        one[24:27] = bytes([time.hour, time.minute, time.second])
        one[28:30] = (time.microsecond // 100).to_bytes(2, "big")
        files.setdefault(time.date, bytearray()).extend(one)
        done += int.from_bytes(one[30:32], "big")
    for day, bytes_of_day in files.items():
        path = trace_path(root, trace, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes_of_day)


def onsets_found(root: Path) -> tuple[list[float], list[str]]:
    """Return the onsets of the events of both days, seconds from the midnight between them, and the notes."""
    settings = sds_settings(root)
    source = open_source(settings)
    found, notes = [], []
    for key in (KEY, NEXT_KEY):
        stream = source.fetch("S01", key.day)
        frame = process({"HHZ": to_segments(stream, key, PADDING)}, key, settings, None).detections
        found += ((frame["time_on"][frame["outcome"] == "event"] - MIDNIGHT) / NS).tolist()
        notes += stream.notes
    return found, notes


@pytest.mark.parametrize("parts_per_million", [200.0, -200.0, 10.0, -10.0])
@pytest.mark.parametrize("left_out", [-0.4, 0.3])
def test_every_event_around_midnight_is_found_once_and_at_its_time(tmp_path, parts_per_million, left_out):
    onsets = [onset for onset in ONSETS if onset != left_out]
    write_drifting(tmp_path / "true", RATE, onsets)
    wanted, said = onsets_found(tmp_path / "true")
    assert len(wanted) == len(onsets)
    assert said == []
    write_drifting(tmp_path / "drifting", RATE * (1 + parts_per_million * 1e-6), onsets)
    found, said = onsets_found(tmp_path / "drifting")
    assert len(found) == len(onsets)
    # A sample of the decimated trace, and half a raw one by which the event itself lies elsewhere.
    np.testing.assert_allclose(found, wanted, atol=0.025 + 1e-6)
    # Half an hour's drift of 10 ppm is 0.05 s, five samples.
    assert all("run" in note and "away from the sampling rate" in note for note in said)
    assert len(said) == 2


def test_neighbouring_days_give_the_same_time_to_the_same_sample(tmp_path):
    write_drifting(tmp_path, RATE * 1.0002, ONSETS)
    source = open_source(sds_settings(tmp_path))
    (early,) = to_segments(source.fetch("S01", DAY), KEY, PADDING)
    (late,) = to_segments(source.fetch("S01", NEXT_KEY.day), NEXT_KEY, PADDING)
    starts = [i for i in np.flatnonzero(early.samples == late.samples[0]) if i + 50_000 < early.samples.size]
    (first,) = [i for i in starts if np.array_equal(early.samples[i : i + 50_000], late.samples[:50_000])]
    assert [early.time_ns(int(first) + i) for i in range(50_000)] == [late.time_ns(i) for i in range(50_000)]
    # No sample is in both days, and none in neither.
    assert early.within(KEY).size + late.within(NEXT_KEY).size == round((BEFORE + AFTER) * RATE * 1.0002)


def test_marks_change_the_digest_and_straight_times_have_none():
    samples = np.arange(100, dtype=np.int32)
    plain = Segment(KEY.start_ns, RATE, samples, False, False)
    marked = Segment(
        KEY.start_ns, RATE, samples, False, False, Marks(np.array([0, 50]), ns_at(KEY, 0) + np.array([0, NS // 2 + 5]))
    )
    assert digest_of_segments([plain]) != digest_of_segments([marked])
    assert [marked.time_ns(i) - KEY.start_ns for i in (49, 50, 51)] == [490_000_000, 500_000_005, 510_000_005]
    piece = Piece(KEY.start_ns, RATE, samples, marked.marks)
    assert piece.part(60, 90).marks is None
    assert piece.part(60, 90).start_ns == KEY.start_ns + 600_000_005
    assert piece.part(40, 90).time_ns(10) == KEY.start_ns + 500_000_005
    assert piece.between(KEY.start_ns + 500_000_005, KEY.start_ns + NS).samples[0] == 50


@pytest.mark.parametrize("rate", [200.0, 100.0, 62.5, 99.9998])
def test_conditioned_samples_have_the_times_of_the_raw_ones(tmp_path, rate):
    settings = sds_settings(tmp_path).conditioning
    size = 40_000
    index = np.arange(0, size, 400)
    # A clock that is fast by 1e-4, and jitters by 0.1 ms.
    jitter = np.random.default_rng(0).integers(-100_000, 100_000, index.size)
    times = KEY.start_ns + 5 * NS + np.rint(index * (NS / rate) * (1 - 1e-4)).astype(np.int64) + jitter
    segment = Segment(int(times[0]), rate, noise(size), False, False, Marks(index, times))
    found = condition(segment, settings, KEY.start_ns)
    step = rate / found.sampling_rate
    shift = (found.time_ns(0) - segment.start_ns) * rate / NS
    for place in (0, 1, 199, 200, 201, 5_000, found.samples.size - 1):
        raw = shift + place * step
        low = int(raw)
        wanted = segment.time_ns(low) + round((raw - low) * NS / rate)
        assert abs(found.time_ns(place) - wanted) <= 3
