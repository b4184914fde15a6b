"""miniSEED is read with libmseed: what ObsPy reads is read alike, and what records state falsely is found."""

from __future__ import annotations

import io
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import obspy.io.mseed
import pytest
from obspy import Stream, Trace, UTCDateTime, read
from pymseed import DataEncoding, MS3Record
from waveform_builders import KEY, ns_at, record

from ris_core.config import PROJECT_ROOT
from ris_core.waveforms import miniseed
from ris_core.waveforms.like_headers import like_headers
from ris_core.waveforms.miniseed import NotMiniSeedError, Records, scan
from ris_core.waveforms.pieces import Piece
from ris_core.waveforms.record_reading import has_samples, words_on
from ris_core.waveforms.unpacking import Faults, unpack

SHARED = PROJECT_ROOT.parent / "shared" / "data"
RATE = 10.0
OF_OBSPY = Path(obspy.io.mseed.__file__).parent / "tests" / "data"
# ObsPy takes 10,000 of 9,999 possible fractions of a second for a second more; libmseed refuses the record.
REFUSED = {"microsecond_wrap.mseed"}


def read_all(content: bytes) -> tuple[list[Piece], Faults, list[str]]:
    records = scan(content)
    pieces, (faults,) = unpack([(records, has_samples(records))])
    return pieces, faults, words_on(records, faults)


def assert_as_obspy(path: Path) -> int:
    """Compare samples, types, rates and times; return how many samples there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traces = [t for t in read(str(path), format="MSEED") if t.stats.npts and t.data.dtype.kind in "if"]
    pieces, _, _ = read_all(path.read_bytes())
    assert sum(p.samples.size for p in pieces) == sum(t.stats.npts for t in traces)
    for trace in traces:
        # Where ObsPy cuts and we do not, or the other way round, the parts must be found.
        begin, rate, done = trace.stats.starttime.ns, trace.stats.sampling_rate, 0
        for piece in pieces:
            if piece.sampling_rate == rate and piece.samples.dtype == trace.data.dtype:
                first = round((piece.start_ns - begin) * rate / 1e9)
                low, high = max(first, 0), min(first + piece.samples.size, trace.stats.npts)
                if high > low and np.array_equal(piece.samples[low - first : high - first], trace.data[low:high]):
                    assert abs(piece.time_ns(low - first) - begin - low * 1e9 / rate) < 0.5e9 / rate
                    done += high - low
        assert done >= trace.stats.npts
    return sum(p.samples.size for p in pieces)


def obspy_reads(path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(read(str(path), format="MSEED"))
        except Exception:  # noqa: BLE001 - ObsPy raises errors of many kinds; such files are others' tests
            return False


def files_of_obspy() -> list[Path]:
    files = [p for p in sorted(OF_OBSPY.rglob("*")) if p.is_file() and p.name not in REFUSED]
    return [p for p in files if p.suffix not in (".txt", ".xml", ".gz", ".json") and obspy_reads(p)]


@pytest.mark.skipif(not OF_OBSPY.is_dir(), reason="this ObsPy comes without its test data")
def test_what_obspy_reads_of_its_own_files_is_read_alike():
    files = files_of_obspy()
    assert len(files) > 60
    assert sum(assert_as_obspy(path) for path in files) > 100_000


@pytest.mark.parametrize("place", ["undervolc", "socal"])
def test_what_obspy_reads_of_real_archives_is_read_alike(place):
    files = [
        p for p in (SHARED / place).rglob("*") if p.is_file() and (p.suffix in (".mseed", ".ms") or ".D." in p.name)
    ]
    if not files:
        pytest.skip(f"shared/data/{place} is absent")
    assert all(assert_as_obspy(path) > 1_000_000 for path in files)


def content_of(trace: Trace, **how) -> bytes:
    written = io.BytesIO()
    Stream([trace]).write(written, format="MSEED", **{"reclen": 512, "encoding": "STEIM2", **how})
    return written.getvalue()


def split(content: bytes, size: int = 512) -> list[bytearray]:
    return [bytearray(content[at : at + size]) for at in range(0, len(content), size)]


def samples_of(trace: Trace, kind: str) -> Trace:
    trace = trace.copy()
    trace.data = np.clip(trace.data, -30_000, 30_000).astype(kind)
    return trace


KINDS = {"STEIM1": "i4", "STEIM2": "i4", "INT16": "i2", "INT32": "i4", "FLOAT32": "float32", "FLOAT64": "float64"}
CODES = {"STEIM1": 10, "STEIM2": 11, "INT16": 1, "INT32": 3, "FLOAT32": 4, "FLOAT64": 5}
LOUD = record(KEY, 0, 1800, events=[600], rate=RATE)


@pytest.mark.parametrize("stated", [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 15, 27, 43, 75, 139])
@pytest.mark.parametrize("encoding", KINDS)
def test_a_record_that_states_another_encoding_than_its_own_gives_no_wrong_sample(encoding, stated):
    if stated == CODES[encoding]:
        return
    trace = samples_of(LOUD, KINDS[encoding])
    records = split(content_of(trace, encoding=encoding))
    records[3][52] = stated
    pieces, faults, said = read_all(b"".join(records))
    got = np.full(trace.stats.npts, np.nan)
    for piece in pieces:
        if piece.samples.dtype.kind == trace.data.dtype.kind:
            at = round((piece.start_ns - KEY.start_ns) * RATE / 1e9)
            got[at : at + piece.samples.size] = piece.samples
    bad = (got != trace.data) & ~np.isnan(got)
    assert not bad.any()
    assert {piece.samples.dtype.name for piece in pieces} == {
        "int32" if trace.data.dtype.kind == "i" else KINDS[encoding]
    }
    assert said
    assert faults.lost + faults.reread == 1


def test_an_integer_record_in_the_wrong_byte_order_is_left_out():
    records = split(content_of(LOUD, encoding="INT32"))
    records[3][53] ^= 1
    pieces, faults, said = read_all(b"".join(records))
    assert faults.lost == 1
    assert "1 of" in said[0]
    assert "are not encoded as they state" in said[0]
    assert max(abs(int(p.samples.max())) for p in pieces) <= abs(LOUD.data).max()


@pytest.mark.parametrize("encoding", ["INT16", "INT32", "FLOAT32", "FLOAT64"])
def test_a_record_that_states_more_samples_than_fit_is_left_out(encoding):
    trace = samples_of(LOUD, KINDS[encoding])
    records = split(content_of(trace, encoding=encoding))
    records[-1][30:32] = (65_535).to_bytes(2, "big")
    pieces, faults, said = read_all(b"".join(records))
    lost = trace.stats.npts - sum(int.from_bytes(r[30:32], "big") for r in records[:-1])
    assert sum(p.samples.size for p in pieces) == trace.stats.npts - lost
    assert faults.lost == 1
    assert "state more samples than fit into them" in said[0]
    assert f"at byte {512 * (len(records) - 1)}, 2015-01-10T00:" in said[0]


def test_a_rate_in_blockette_100_counts():
    trace = LOUD.copy()
    trace.stats.sampling_rate = 10.0001
    content = content_of(trace)
    records = split(content)
    for one in records:
        one[32:36] = b"\0\0\0\1"
    (piece,), _, said = read_all(b"".join(records))
    assert piece.sampling_rate == pytest.approx(10.0001, rel=1e-6)
    assert said == []
    np.testing.assert_array_equal(piece.samples, LOUD.data)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 1.0, 3.0, 31.25, 99.9998, 128.0, 1000.0])
def test_rates_are_those_of_the_header(rate):
    trace = LOUD.copy()
    trace.stats.sampling_rate = rate
    (piece,), _, _ = read_all(content_of(trace))
    assert piece.sampling_rate == pytest.approx(rate, rel=1e-7)
    assert piece.samples.size == trace.stats.npts
    assert abs(piece.end_ns - piece.start_ns - trace.stats.npts * 1e9 / piece.sampling_rate) < 1e6


def version_3(trace: Trace, encoding=DataEncoding.STEIM2) -> list[bytes]:
    head = MS3Record(reclen=512, encoding=encoding)
    head.sourceid, head.formatversion, head.samprate = "FDSN:XX_S01__H_H_Z", 3, trace.stats.sampling_rate
    head.starttime = trace.stats.starttime.ns
    return list(head.generate(data_samples=trace.data, sample_type={"i": "i", "f": "d"}[trace.data.dtype.kind]))


def test_version_3_is_read_and_its_checksums_are_looked_at():
    records = version_3(LOUD)
    (piece,), faults, said = read_all(b"".join(records))
    np.testing.assert_array_equal(piece.samples, LOUD.data)
    assert (piece.start_ns, said, faults.lost) == (LOUD.stats.starttime.ns, [], 0)
    assert set(scan(b"".join(records)).identifier) == {"XX.S01..HHZ"}
    changed = bytearray(records[2])
    changed[-5] ^= 1
    pieces, faults, said = read_all(b"".join([*records[:2], bytes(changed), *records[3:]]))
    assert faults.lost == 1
    assert "have not the checksum that they state" in said[0]
    assert len(pieces) == 2


def test_versions_may_stand_side_by_side():
    old, new = split(content_of(LOUD)), version_3(LOUD)
    half = len(new) // 2
    assert sum(p.samples.size for p in read_all(b"".join([*old, *new[:half]]))[0]) > LOUD.stats.npts
    records = scan(b"".join([*new, *old]))
    assert (len(records), records.strange_bytes) == (len(old) + len(new), 0)


def test_records_without_blockette_1000_are_steim_whichever_passes_its_check():
    for encoding in ("STEIM1", "STEIM2"):
        records = split(content_of(LOUD, encoding=encoding))
        for one in records:
            one[39], one[46:48], one[48:56] = 0, b"\0\0", bytes(8)
        (piece,), faults, _ = read_all(b"".join(records))
        np.testing.assert_array_equal(piece.samples, LOUD.data)
        assert faults.reread == (len(records) if encoding == "STEIM2" else 0)


def test_the_leap_second_is_the_second_after():
    records = split(content_of(LOUD))
    records[0][24:27] = bytes([23, 59, 60])
    assert scan(bytes(records[0])).start_ns[0] == ns_at(KEY, 86_400)


def test_a_wrong_length_hides_no_record():
    records = split(content_of(LOUD))
    records[4][54] = 10
    found = scan(b"".join(records))
    assert len(found) == len(records) - 1
    assert found.strange_bytes == 512
    np.testing.assert_array_equal(found.offset, [512 * n for n in range(len(records)) if n != 4])


@pytest.mark.parametrize("content", [b"\0" * 8192, b"no waveform at all" * 100, b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_what_is_no_miniseed_is_said(content):
    with pytest.raises(NotMiniSeedError):
        scan(content)


def test_times_of_records_are_the_times_of_their_samples():
    records = split(content_of(LOUD))
    for number, one in enumerate(records):
        fraction = int.from_bytes(one[28:30], "big")
        one[28:30] = (fraction + 7 * number % 400).to_bytes(2, "big")
    found = scan(b"".join(records))
    (piece,), _, _ = read_all(b"".join(records))
    index = np.cumsum([0, *found.samples[:-1]])
    assert [piece.time_ns(int(i)) for i in index] == found.start_ns.tolist()
    inner = piece.between(int(found.start_ns[3]), int(found.start_ns[5]))
    assert inner.samples.size == found.samples[3:5].sum()
    assert inner.time_ns(int(found.samples[3])) == found.start_ns[4]
    assert UTCDateTime(ns=inner.start_ns) == UTCDateTime(ns=int(found.start_ns[3]))


def _one_by_one(monkeypatch: pytest.MonkeyPatch, content: bytes) -> Records | str:
    """Return the records as libmseed reads them one by one, or why it cannot."""
    with monkeypatch.context() as patched:
        patched.setattr(miniseed, "like_headers", lambda *_: None)
        return _scanned(content)


def _scanned(content: bytes) -> Records | str:
    try:
        return scan(content)
    except NotMiniSeedError as error:
        return str(error)


def assert_same(one: Records | str, other: Records | str) -> None:
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    for field in fields(Records):
        found, expected = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_array_equal(found, expected, err_msg=field.name, strict=isinstance(found, np.ndarray))


@pytest.mark.parametrize("reclen", [512, 4096])
@pytest.mark.parametrize("start", ["2016-12-31T20:00:00.123456", "2015-03-01T00:00:00"])
def test_headers_read_at_once_are_those_that_libmseed_reads_one_by_one(monkeypatch, reclen, start):
    trace = LOUD.copy()
    trace.stats.starttime = UTCDateTime(start)
    content = content_of(trace, reclen=reclen)
    assert like_headers(content, reclen) is not None
    assert_same(scan(content), _one_by_one(monkeypatch, content))
    # Other programs write blockette 1000 before 1001.
    first, second = b"\x03\xe8\0\x38\x0b\1" + bytes([reclen.bit_length() - 1, 0]), b"\x03\xe9\0\0\x64\x7f\0\7"
    both = [bytes(part[:39] + b"\2" + part[40:48] + first + second + part[64:]) for part in split(content, reclen)]
    assert like_headers(b"".join(both), reclen) is not None
    assert_same(scan(b"".join(both)), _one_by_one(monkeypatch, b"".join(both)))


@pytest.mark.parametrize("value", [0, 1, 9, 48, 60, 128, 255])
@pytest.mark.parametrize("late_us", [0, 123])
def test_any_header_byte_may_be_another_and_is_read_as_libmseed_reads_it(monkeypatch, value, late_us):
    trace = LOUD.copy()
    trace.stats.starttime += late_us / 1e6
    whole, accepted = content_of(trace), 0
    for place in range(64):
        for places in (range(0, len(whole), 512), (512,)):  # in every record, and in the second one alone
            content = bytearray(whole)
            for at in places:
                content[at + place] = value
            accepted += like_headers(bytes(content), 512) is not None
            assert_same(_scanned(bytes(content)), _one_by_one(monkeypatch, bytes(content)))
    assert accepted  # there are such bytes, like the flags and the number of samples


def test_a_file_that_is_cut_off_or_has_a_strange_record_is_left_to_libmseed(monkeypatch):
    whole = content_of(LOUD)
    for content in (whole[:-100], whole[:512], whole + b"\0" * 512, whole[:1024] + b"x" * 512 + whole[1024:]):
        assert like_headers(content, 512) is None
        assert_same(_scanned(content), _one_by_one(monkeypatch, content))
