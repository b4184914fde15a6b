"""Raw station-days in the data root: kept as they came, and refused once they are not what was acquired."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from obspy import Stream
from stage_steps import acquire_one, acquisition_of, days_at, is_current, process_one, stored_segments
from store import Store
from waveform_builders import KEY, PADDING, make_settings, make_trace, ns_at, record

from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.verification import damaged_files
from ris_core.waveforms.received import stream_of
from ris_core.waveforms.segments import digest_of_segments

RATE = 50.0
EVENTS = [3000.0, 40_000.0, 80_000.0]
START, END = ns_at(KEY, -PADDING), ns_at(KEY, 86_400 + PADDING)


class Centre:
    """A data centre that gives the same records each time."""

    in_place = False

    def __init__(self, body: bytes):
        self.body = body

    def fetch(self, station, day):
        return stream_of(self.body, "XX.S01..HHZ", START, END)

    def inventory(self, station):
        return None


def body_of(*traces) -> bytes:
    written = io.BytesIO()
    Stream(list(traces)).write(written, format="MSEED", reclen=4096, encoding="STEIM2")
    return written.getvalue()


@pytest.fixture(scope="module")
def body() -> bytes:
    return body_of(record(KEY, -400, 86_800, EVENTS, rate=RATE))


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}), tmp_path / "root")


def half_of(content: bytes) -> bytes:
    return content[: len(content) // 2]


def half_of_the_records(content: bytes) -> bytes:
    return content[: len(content) // 8192 * 4096]


def bits_turned(content: bytes) -> bytes:
    changed = bytearray(content)
    for at in (9_000, 200_000, 300_003):
        changed[at] ^= 4
    return bytes(changed)


def another_time(content: bytes) -> bytes:
    """The second of the start of one record."""
    return content[: 4096 * 5 + 26] + bytes([(content[4096 * 5 + 26] + 1) % 60]) + content[4096 * 5 + 27 :]


def nothing(content: bytes) -> bytes:
    return b""


def zeros(content: bytes) -> bytes:
    return bytes(len(content))


DAMAGES = [half_of, half_of_the_records, bits_turned, another_time, nothing, zeros]


def test_records_are_stored_as_they_came_and_cut_when_they_are_read(store, body):
    done = acquire_one(store, KEY, Centre(body)).result
    stored = store.waveform(KEY).read_bytes()
    assert stored in body
    assert done.whole_records is True
    (segment,) = stored_segments(store, KEY)
    assert (segment.start_ns, segment.end_ns) == (START, END)
    assert digest_of_segments([segment]) == done.content


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_raw_file_that_is_not_what_was_acquired_is_refused_with_the_remedy_that_heals(store, body, damage):
    source = Centre(body)
    acquire_one(store, KEY, source)
    path = store.waveform(KEY)
    good = path.read_bytes()
    path.write_bytes(damage(good))
    for reading in (lambda: process_one(store, KEY, source), lambda: stored_segments(store, KEY)):
        with pytest.raises(DamagedFileError, match="remove it, and the next `ris backfill`") as refused:
            reading()
        assert refused.value.path == path
    assert not store.detections(KEY).exists()
    assert [error.path for error in damaged_files(store.days, [KEY])] == [path]

    path.unlink()
    assert not is_current("acquire", store, KEY)
    acquire_one(store, KEY, source)
    assert path.read_bytes() == good
    assert process_one(store, KEY, source).result.events == len(EVENTS)
    assert list(damaged_files(store.days, [KEY])) == []


def test_products_made_before_the_damage_stay_and_stay_current_with_the_good_file(store, body):
    source = Centre(body)
    acquire_one(store, KEY, source)
    process_one(store, KEY, source)
    path = store.waveform(KEY)
    good = path.read_bytes()
    path.write_bytes(half_of_the_records(good))
    store.spectrograms(KEY).unlink()
    with pytest.raises(DamagedFileError):
        process_one(store, KEY, source)
    path.write_bytes(good)
    assert process_one(store, KEY, source).result.events == len(EVENTS)
    assert days_at(store).process.is_current(KEY)


def test_products_bear_the_digest_of_what_was_read_and_verify_compares_it_with_what_stands(store, body):
    source = Centre(body)
    acquire_one(store, KEY, source)
    process_one(store, KEY, source)
    assert tables.read_stamp(store.detections(KEY))[0] == days_at(store).process.expected_stamp(KEY)
    other = Centre(body_of(record(KEY, -400, 86_800, EVENTS[:1], rate=RATE, seed=1)))
    acquire_one(store, KEY, other, again=True)
    assert not days_at(store).process.is_current(KEY)
    found = {error.path: str(error) for error in damaged_files(store.days, [KEY])}
    assert set(found) == {store.detections(KEY), store.spectrograms(KEY), store.live(KEY)}
    assert all("it was not made from the samples and the response that are there" in text for text in found.values())
    process_one(store, KEY, other)
    assert list(damaged_files(store.days, [KEY])) == []


def test_times_between_microseconds_are_those_that_the_file_keeps(store):
    """Samples that come without records are written as such; miniSEED tells times to the µs."""
    trace = make_trace(START + 1_234, np.arange(864_000, dtype=np.int32) % 1000, 128.0)

    class Samples(Centre):
        def fetch(self, station, day):
            return Stream([trace])

    done = acquire_one(store, KEY, Samples(b"")).result
    assert done.whole_records is False
    (segment,) = stored_segments(store, KEY)
    assert abs(segment.start_ns - START - 1_234) < 1_000
    assert list(damaged_files(store.days, [KEY])) == []


def test_a_raw_file_of_an_earlier_version_is_read_whole(store, body, tmp_path: Path):
    """It was cut to the nearest sample before it was written, so it may begin up to half a sample early."""
    source = Centre(body)
    acquire_one(store, KEY, source)
    stream = source.fetch("S01", KEY.day)
    early = make_trace(START - 4_000_000, stream[0].data, RATE)
    early.write(str(store.waveform(KEY)), format="MSEED", encoding="STEIM2")
    values = read_json(store.acquisition(KEY))
    del values["whole_records"]
    write_json(store.acquisition(KEY), values | {"inputs": "0"})
    with pytest.raises(DamagedFileError):
        stored_segments(store, KEY)
    from ris_core.waveforms.stored import read_stored

    segments, _ = read_stored(store.waveform(KEY), KEY, PADDING, whole_records=False)
    write_json(store.acquisition(KEY), values | {"inputs": digest_of_segments(segments)})
    (segment,) = stored_segments(store, KEY)
    assert segment.start_ns == START - 4_000_000
    assert acquisition_of(store, KEY).has_data


def test_an_older_record_of_no_data_does_not_hide_samples_that_stand(store, body):
    class Nothing(Centre):
        def fetch(self, station, day):
            return Stream()

    acquire_one(store, KEY, Nothing(body))
    older = store.acquisition(KEY).read_bytes()
    assert is_current("acquire", store, KEY)
    acquire_one(store, KEY, Centre(body), again=True)
    process_one(store, KEY, Centre(body))
    good = {
        path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and path != store.acquisition(KEY)
    }

    store.acquisition(KEY).write_bytes(older)
    with pytest.raises(DamagedFileError, match=f"it says no data, but there is {store.waveform(KEY)}"):
        acquisition_of(store, KEY)
    assert not is_current("acquire", store, KEY) and not is_current("process", store, KEY)
    assert [error.path for error in damaged_files(store.days, [KEY])] == [store.acquisition(KEY)]
    assert process_one(store, KEY, Centre(body)).result.events == len(EVENTS), "processing acquires it again"
    assert {path: path.read_bytes() for path in good} == good
