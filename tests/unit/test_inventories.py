"""Responses come from StationXML of any names; what cannot be used is named, and digests are of the channel alone."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fdsn_archive import Epoch, station_xml
from hypothesis import given
from hypothesis import strategies as st
from obspy import UTCDateTime, read_inventory
from stage_steps import days_at
from store import Store
from waveform_builders import KEY, make_settings, record, write_sds

from ris_core.station_days.open_source import open_source
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.inventories import ContradictionError, Inventories, NoStationXmlError
from ris_core.waveforms.stationxml import NotStationXmlError, digest_of_text, inventory_from

EPOCHS = (Epoch("2014-01-01", "2015-01-05"), Epoch("2015-01-05", None, gain=2e9))
BOMB = b"<!DOCTYPE r [<!ENTITY a0 'ha'>%s]>" % b"".join(
    b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)
)
HEADER = b'<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1">'


def xml_of(station: str, *epochs: Epoch, **options: Any) -> bytes:
    return station_xml("XX", station, epochs or EPOCHS, **options)


def together(*documents: bytes) -> bytes:
    """StationXML of a whole network, as a data centre writes it."""
    networks = [re.search(rb"<Network.*</Network>", document, re.DOTALL)[0] for document in documents]
    head, tail = documents[0].split(networks[0])
    return head + b"".join(networks) + tail


def inventories(place: Path, location: str = "", channel: str = "HHZ") -> Inventories:
    return Inventories(place, "XX", location, channel)


def gains(found: Any) -> list[float]:
    return [channel.response.instrument_sensitivity.value for network in found for s in network for channel in s]


def test_one_file_of_the_whole_network_serves_every_station(tmp_path):
    path = tmp_path / "network.xml"
    path.write_bytes(together(xml_of("S01"), xml_of("S02", Epoch("2010-01-01", None, gain=5e8))))
    for place in (path, tmp_path, tmp_path / "*.xml", tmp_path / "net?ork.[x]ml"):
        there = inventories(place)
        assert there.inventory("S01").get_contents()["channels"] == ["XX.S01..HHZ"] * 2
        assert gains(there.inventory("S01")) == gains(read_inventory(str(path)).select(station="S01"))
        assert gains(there.inventory("S02")) == [5e8]
        assert (there.stations(), there.channels("S02")) == (["S01", "S02"], ["XX.S02..HHZ"])


def test_epochs_of_one_channel_may_stand_in_several_files_of_any_name(tmp_path):
    (tmp_path / "old instrument.XML").write_bytes(xml_of("S01", EPOCHS[0]))
    (tmp_path / "b").write_bytes(xml_of("S01", EPOCHS[1]))
    (tmp_path / "copy of b").write_bytes(xml_of("S01", EPOCHS[1]))
    (tmp_path / ".hidden.xml").write_bytes(xml_of("S01", Epoch("2000-01-01", None, gain=1.0)))
    there = inventories(tmp_path)
    both = Inventories(tmp_path / "old*", "XX", "", "HHZ").inventory("S01")
    assert len(gains(both)) == 1
    assert sorted(set(gains(there.inventory("S01")))) == sorted(
        gains(read_inventory(str(tmp_path / "b"))) + gains(both)
    )
    assert [path.name for path, _ in there.epochs("S01")] == ["old instrument.XML", "b"]


def test_the_response_of_merged_files_is_that_of_one_file(tmp_path):
    whole = tmp_path / "whole"
    whole.write_bytes(xml_of("S01"))
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, epoch in enumerate(EPOCHS):
        (parts / f"{number}.xml").write_bytes(xml_of("S01", epoch))
    for day in ("2014-06-01", "2015-06-01"):
        one, other = (
            inventories(place).inventory("S01").select(time=UTCDateTime(day))[0][0][0].response
            for place in (whole, parts)
        )
        np.testing.assert_array_equal(
            one.get_evalresp_response(0.005, 1024, output="ACC")[0],
            other.get_evalresp_response(0.005, 1024, output="ACC")[0],
        )


def test_files_that_contradict_each_other_are_both_named(tmp_path):
    first, second = tmp_path / "a.xml", tmp_path / "b.xml"
    first.write_bytes(xml_of("S01", Epoch("2014-01-01", None)))
    second.write_bytes(xml_of("S01", Epoch("2015-01-01", "2016-01-01", gain=2e9)))
    there = inventories(tmp_path)
    with pytest.raises(ContradictionError) as refused:
        there.inventory("S01")
    assert str(refused.value).startswith(
        f"{first} and {second} give different responses of XX.S01..HHZ for the time from 2015-01-01T00:00:00 to 2016-01"
    )
    assert len(there.digest("S01")) == 12
    # The same response with another end is no contradiction.
    second.write_bytes(xml_of("S01", Epoch("2014-01-01", "2016-01-01")))
    assert len(gains(there.inventory("S01"))) == 2


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "XX.S01.dataless",
            b"000001V 010009402.3121970,001,00:00:00.0000~",
            "dataless SEED, no StationXML; convert it",
        ),
        (
            "RESP.XX.S01",
            b"#\nB050F03     Station:     S01\nB050F16     Network:     XX\n",
            "RESP text, no StationXML; con",
        ),
        (
            "XX.S01.xml",
            b"B050F03     Station:     S01\nB050F16     Network:     XX\n",
            "RESP text, no StationXML; convert",
        ),
        ("XX.S01.xml", b"nothing of the kind", "neither StationXML nor anything else"),
        ("sc3.xml", b'<seiscomp xmlns="http://geofon"><Inventory/></seiscomp>', r"XML of another kind \('seiscomp'\)"),
        ("cut.xml", xml_of("S01")[:-500], "no XML that can be read"),
        ("bomb.xml", BOMB + HEADER + b"<Source>&a11;</Source></FDSNStationXML>", "StationXML with a document type"),
        (
            "attribute.xml",
            BOMB + HEADER.replace(b">", b" x='&a11;'>") + b"</FDSNStationXML>",
            "no XML that can be read",
        ),
        ("empty.xml", b"", "empty"),
        ("zip.xml", b"\x1f\x8b\x08\0", "packed with gzip; unpack it"),
        (
            "date.xml",
            xml_of("S01").replace(b'startDate="2014', b'startDate="some day 14'),
            "startDate='some day 14.*' of a channel is not a time",
        ),
    ],
)
def test_what_is_no_stationxml_is_named_with_the_remedy_and_harms_no_other_station(tmp_path, name, content, why):
    (tmp_path / "fine").write_bytes(xml_of("S02"))
    path = tmp_path / name
    path.write_bytes(content)
    (tmp_path / "README").write_text("a note beside them")
    there = inventories(tmp_path)
    with pytest.raises(
        NoStationXmlError, match=f"describes XX.S01..HHZ; there are stations S02; {re.escape(str(path))}: {why}"
    ):
        there.inventory("S01")
    assert len(gains(there.inventory("S02"))) == 2
    (problem,) = there.problems()
    assert re.match(f"{re.escape(str(path))}: {why}", problem)


def test_what_is_there_instead_of_the_channel_is_named(tmp_path):
    (tmp_path / "S01.xml").write_bytes(xml_of("S01").replace(b'locationCode=""', b'locationCode="00"'))
    with pytest.raises(
        NoStationXmlError, match=r"describes XX\.S01\.\.HHZ; of this station there is XX\.S01\.00\.HHZ$"
    ):
        inventories(tmp_path).inventory("S01")
    (tmp_path / "S01.xml").write_bytes(xml_of("S01").replace(b'locationCode=""', b'locationCode="--"'))
    assert inventories(tmp_path).inventory("S01")[0][0][0].location_code == ""
    with pytest.raises(NoStationXmlError, match=r"there is no file$"):
        inventories(tmp_path / "nowhere").inventory("S01")


def test_a_file_that_is_too_great_is_named_with_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("ris_core.waveforms.stationxml.LARGEST_MB", 0.001)
    (tmp_path / "S01.xml").write_bytes(xml_of("S01"))
    with pytest.raises(NoStationXmlError, match=r"S01\.xml: 0 MB; StationXML may have at most 0 MB"):
        inventories(tmp_path).inventory("S01")


def test_the_digest_is_of_the_station_s_channel_alone(tmp_path):
    path = tmp_path / "network.xml"
    path.write_bytes(together(xml_of("S01"), xml_of("S02")))
    there = inventories(tmp_path)
    before = there.digest("S01"), there.digest("S02")
    assert there.digest("S03") == "none"
    path.write_bytes(together(xml_of("S03"), xml_of("S02", Epoch("2014-01-01", None, gain=3.0)), xml_of("S01")))
    (tmp_path / "S04.xml").write_bytes(xml_of("S04"))
    (tmp_path / "broken.xml").write_bytes(b"<")
    assert there.digest("S01") == before[0]
    assert there.digest("S02") != before[1]
    # The same epochs in files of their own.
    path.unlink()
    for number, epoch in enumerate(EPOCHS):
        (tmp_path / f"{number}.xml").write_bytes(xml_of("S01", epoch))
    assert there.digest("S01") == before[0]


def test_a_change_is_seen_at_once_even_if_size_and_time_stay(tmp_path):
    path = tmp_path / "S01.xml"
    path.write_bytes(xml_of("S01", Epoch("2014-01-01", None, gain=1e9)))
    there = inventories(tmp_path)
    before, times = there.digest("S01"), path.stat().st_mtime_ns
    other = tmp_path / ".new"
    other.write_bytes(path.read_bytes().replace(b"1000000000", b"3000000000"))
    os.utime(other, ns=(times, times))
    other.replace(path)
    assert (path.stat().st_mtime_ns, there.digest("S01")) != (times, before)


def old_digest(xml: bytes) -> str:
    """As products of before are stamped."""
    written = re.compile(rb"\s*<(Source|Sender|Module|ModuleURI|Created)(/>|>[^<]*</\1>)")
    return hashlib.sha256(written.sub(b"", xml)).hexdigest()[:12]


def test_folders_of_files_named_by_network_and_station_keep_their_digests(tmp_path):
    own = tmp_path / "XX.S01.xml"
    own.write_bytes(xml_of("S01"))
    settings = make_settings(source={"kind": "sds", "root": str(tmp_path), "inventory": str(tmp_path)})
    store = Store(settings, tmp_path / "data")
    assert days_at(store).acquire.response_digest("S01") == old_digest(own.read_bytes())
    assert days_at(store).acquire.response_digest("S02") == "none"
    (tmp_path / "copy.xml").write_bytes(own.read_bytes())
    (tmp_path / "S02.xml").write_bytes(xml_of("S02"))
    assert days_at(store).acquire.response_digest("S01") == old_digest(own.read_bytes())
    own.write_bytes(b"broken")
    assert len(days_at(store).acquire.response_digest("S01")) == 12


_PARTS = st.sampled_from(
    [
        b" ",
        b"\n\t",
        b"\x0b\x0c\r",
        b"\x1c",
        b"<Source>",
        b"</Source>",
        b"<Source/>",
        b"<Module>a</Module>",
        b"x",
        b"<",
        b">",
    ]
)


@given(st.lists(_PARTS, max_size=20).map(b"".join))
def test_the_digest_of_text_is_that_of_before(xml):
    assert digest_of_text(xml) == old_digest(xml)


@pytest.mark.parametrize("text", [b" " * 10**6, b"<Source>" * 10**5, b"<Source>x</Source" * 10**5, b" <" * 10**6])
def test_no_text_takes_the_digest_longer_than_its_length(text):
    assert len(digest_of_text(text)) == 12


def test_stored_stationxml_that_is_damaged_is_named(tmp_path):
    store = Store(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}), tmp_path)
    path = store.inventory("S01")
    path.parent.mkdir(parents=True)
    source = open_source(store.settings)
    path.write_bytes(xml_of("S01"))
    assert len(gains(days_at(store, source).acquire.inventory("S01"))) == 2
    path.write_bytes(xml_of("S01")[:-200])
    with pytest.raises(DamagedFileError) as refused:
        days_at(store, source).acquire.inventory("S01")
    assert refused.value.path == path


@pytest.mark.parametrize("name", [b"a:Station", b"x:", b"S\xc2\xb2"])
def test_names_that_xml_does_not_allow_are_no_crash(tmp_path, name):
    (tmp_path / "odd.xml").write_bytes(xml_of("S01").replace(b"<Site>", b"<%s/><Site>" % name))
    (tmp_path / "fine.xml").write_bytes(xml_of("S02"))
    there = inventories(tmp_path)
    assert len(gains(there.inventory("S02"))) == 2
    try:
        assert len(gains(there.inventory("S01"))) == 2
    except NoStationXmlError as error:
        assert str(tmp_path / "odd.xml") in str(error)


def test_obspy_is_never_given_entities():
    with pytest.raises(NotStationXmlError, match="document type"):
        inventory_from(BOMB + HEADER + b"<Source>&a11;</Source><Created>2015-01-01</Created></FDSNStationXML>")


def test_a_station_without_stationxml_fails_alone_and_says_what_is_there(tmp_path):
    write_sds(tmp_path / "sds", record(KEY, 0, 600), record(KEY._replace(station="S02"), 0, 600))
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "anything.xml").write_bytes(xml_of("S01"))
    (tmp_path / "inventory" / "S02.resp").write_text("B050F03     Station:     S02\n")
    source = {"kind": "sds", "root": str(tmp_path / "sds"), "inventory": str(tmp_path / "inventory")}
    settings = make_settings(source=source)
    store = Store(settings, tmp_path / "data")
    for station, error in (("S01", ""), ("S02", "S02.resp: RESP text, no StationXML; convert it")):
        for stage in ("acquire", "process"):
            outcome = run_station_day(
                StageTask(stage, settings.model_dump_json(), str(store.root)), KEY._replace(station=station)
            )
        assert error in outcome.error
        assert (outcome.made is None) == bool(error), outcome.trace
