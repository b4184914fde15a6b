"""What `ris_core/waveforms/libmseed.py` relies on: fails when another version of pymseed changes it."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager

import numpy as np
import pytest
from contracts import relied_upon
from obspy import Stream
from waveform_builders import KEY, record

from ris_core.waveforms.libmseed import clibmseed, ensure_thread_logging, ffi

RATE = 10.0


def pymseed_keeps(what: str) -> AbstractContextManager[None]:
    return relied_upon("pymseed", what, "ris_core/waveforms/libmseed.py")


def body() -> bytes:
    written = io.BytesIO()
    Stream([record(KEY, 0, 600, rate=RATE)]).write(written, format="MSEED", encoding="STEIM2", reclen=512)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sid", "char[64]"),
        ("reclen", "int32_t"),
        ("swapflag", "uint8_t"),
        ("starttime", "int64_t"),
        ("samprate", "double"),
        ("encoding", "int16_t"),
        ("samplecnt", "int64_t"),
        ("crc", "uint32_t"),
        ("datalength", "uint32_t"),
    ],
)
def test_a_parsed_record_has_its_fields(name: str, kind: str) -> None:
    with pymseed_keeps(f"the structure MS3Record has {name} as {kind}"):
        assert dict(ffi.typeof("MS3Record").fields)[name].type.cname == kind


def test_a_record_is_parsed_and_its_samples_are_decoded() -> None:
    content = body()
    with pymseed_keeps("arguments and results of msr3_parse() and ms_decode_data()"):
        ensure_thread_logging()
        buffer, found = ffi.from_buffer("char[]", content), ffi.new("MS3Record **")
        flags = clibmseed.MSF_ATENDOFFILE | clibmseed.MSF_VALIDATECRC
        try:
            assert clibmseed.msr3_parse(buffer, len(content), found, flags, 0) == 0
            head = found[0]
            assert (head.reclen, head.encoding, head.samprate) == (512, 11, RATE)
            count, start = int(head.samplecnt), int(head.reclen - head.datalength)
            # In records of 512 bytes of ObsPy the samples follow 64 bytes of header.
            payload = ffi.from_buffer("char[]", content[64:512])
            samples, kind = np.empty(count, np.int32), ffi.new("char[1]")
            room = ffi.from_buffer("char[]", samples, require_writable=True)
            rest = 448, head.encoding, count, room, samples.nbytes, kind, bool(head.swapflag & 2)
            name = ffi.new("char[]", b"record")
            assert clibmseed.ms_decode_data(payload, *rest, name, 0) == count
            assert start == 64
            assert samples.tolist() == record(KEY, 0, 600, rate=RATE).data[:count].tolist()
            assert kind[0] == b"i"
        finally:
            clibmseed.msr3_free(found)


def test_what_is_no_record_is_not_parsed() -> None:
    with pymseed_keeps("msr3_parse() gives another status than 0 for what is no record"):
        ensure_thread_logging()
        content, found = b"no record at all" * 40, ffi.new("MS3Record **")
        buffer = ffi.from_buffer("char[]", content)
        try:
            assert clibmseed.msr3_parse(buffer, len(content), found, clibmseed.MSF_ATENDOFFILE, 0) != 0
        finally:
            clibmseed.msr3_free(found)
