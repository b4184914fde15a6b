"""What the settings ask of a source is looked for: archive, codes, responses, data centre."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fdsn_archive import Epoch, station_xml
from waveform_builders import make_settings

from ris_core.waveforms.source_check import check_source

FOLDER = "2015/XX/{station}/HHZ.D"
NAME = "XX.{station}..HHZ.D.2015.010"


def put(root: Path, path: str, station: str = "S01") -> Path:
    whole = root / path.format(station=station)
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_bytes(b"not looked into")
    return whole


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive in which S02 is as it should be."""
    put(tmp_path / "sds", f"{FOLDER}/{NAME}", "S02")
    return tmp_path / "sds"


def check(root: Path, sections: dict[str, Any] | None = None, **source: Any) -> list[tuple[bool, str]]:
    settings = make_settings(source={"kind": "sds", "root": str(root), **source}, **sections or {})
    return [(finding.wrong, finding.text) for finding in check_source(settings)]


def test_nothing_is_said_where_all_is_there(root):
    put(root, f"{FOLDER}/{NAME}.gz")
    assert check(root) == []


@pytest.mark.parametrize("made", [False, True])
def test_an_archive_that_is_not_mounted_is_not_good(tmp_path, made):
    if made:
        (tmp_path / "sds").mkdir()
    ((wrong, text),) = check(tmp_path / "sds", inventory=None)
    assert wrong
    assert text.startswith(f"source.root = {tmp_path / 'sds'}: ")
    assert text.endswith("is its disk mounted?")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{FOLDER}/XX.S01.00.HHZ.D.2015.010", "its files there have location '00' instead of '' (1)"),
        ("2015/XX/S01/HHN.D/XX.S01..HHN.D.2015.010", "its files there have channel 'HHN' instead of 'HHZ' (1)"),
        (f"{FOLDER}/{NAME}.zst", "its files there have suffix '.zst', read are none, .mseed"),
        (f"{FOLDER}/xx.s01..hhz.d.2015.010", "its files there have upper and lower case differ (1)"),
        ("2013/XX/S01/HHZ.D/XX.S01..HHZ.D.2013.100", "its files there have other days, 2013-04-10 ... 2013-04-10 (1)"),
        (f"{FOLDER}/something else", "there are stations S01, S02"),
    ],
)
def test_what_a_station_has_instead_is_said(root, path, told):
    put(root, path)
    ((wrong, text),) = check(root)
    assert wrong
    expected = root / FOLDER.format(station="S01") / "XX.S01..HHZ.D.2015.009"
    assert text.startswith(
        f"station S01: no file of 2015-01-09 ... 2015-01-11 was found; the first one would be {expected}"
    )
    assert told in text


def test_a_link_that_leads_nowhere_is_named_and_the_other_stations_are_looked_for(root):
    (root / "2015/XX/S01").symlink_to(root.parent / "disk")
    (root / "2015/XX/S02").rename(root / "2015/XX/S03")
    found = check(root)
    assert [text.partition(":")[0] for _, text in found] == ["station S01", "station S02"]
    assert found[0][1].endswith("which is not there; is its disk mounted?")


def test_another_network_is_named(root):
    told = check(root, {"network": {"name": "test", "code": "YY"}})
    assert [text.rpartition("; ")[2] for _, text in told] == [
        "there are networks XX",
        "its files there have network 'XX' instead of 'YY' (1)",
    ]


def test_a_great_archive_is_not_walked_through(root, monkeypatch):
    looked: list[Path] = []
    names = "ris_core.waveforms.archive_layout._names"
    from ris_core.waveforms import archive_layout

    real = archive_layout._names
    monkeypatch.setattr(names, lambda folder, *rest, **more: looked.append(folder) or real(folder, *rest, **more))
    first = date(2015, 1, 1)
    for number in range(400):
        day = first + timedelta(days=number)
        put(root, f"{day:%Y}/XX/S01/HHZ.D/XX.S01.00.HHZ.D.{day:%Y}.{day:%j}")
    monkeypatch.setattr("ris_core.waveforms.source_check._ENTRIES", 100)
    span = {"first_day": "2005-01-01", "last_day": "2024-12-31"}
    told = check(root, {**span, "stations": [{"code": "S01"}]})
    ((wrong, text),) = told
    assert wrong
    assert text.endswith("(not everything was looked at)")
    assert len(looked) < 40


def test_a_station_of_few_days_in_a_long_span_is_found(root):
    put(root, f"{FOLDER}/{NAME}")
    assert check(root, {"first_day": "2005-01-01", "last_day": "2024-12-31"}) == []


def responses(root: Path, *epochs: Epoch, **source: Any) -> list[tuple[bool, str]]:
    put(root, f"{FOLDER}/{NAME}")
    inventory = root.parent / "inventory"
    inventory.mkdir(exist_ok=True)
    (inventory / "any.xml").write_bytes(station_xml("XX", "S01", epochs))
    (inventory / "S02").write_bytes(station_xml("XX", "S02", [Epoch("2000-01-01", None)]))
    return check(root, inventory=str(inventory), **source)


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        ([Epoch("2015-01-01", None)], []),
        ([Epoch("2015-01-01", "2015-01-10"), Epoch("2015-01-10", "2015-01-12")], []),
        ([Epoch("2015-01-01", "2015-01-09T23:59:59"), Epoch("2015-01-10", None)], []),
        (
            [Epoch("2015-01-10", "2015-01-11")],
            [
                (
                    False,
                    "2015-01-09T00:00:00 ... 2015-01-10T00:00:00, 2015-01-11T00:00:00 ... 2015-01-12T00:00:00",
                )
            ],
        ),
        ([Epoch("2016-01-01", None)], [(True, "2015-01-09T00:00:00 ... 2015-01-12T00:00:00")]),
    ],
)
def test_responses_must_hold_for_the_days(root, epochs, told):
    expected = [(wrong, f"station S01: no response in StationXML for {text}") for wrong, text in told]
    assert responses(root, *epochs) == expected


def test_files_that_are_no_stationxml_and_absent_stations_are_named(root):
    assert responses(root, Epoch("2000-01-01", None)) == []
    inventory = root.parent / "inventory"
    (inventory / "any.xml").unlink()
    (inventory / "S01.dataless").write_bytes(b"000001V 010009402.3121970")
    (_, note), (wrong, text) = check(root, inventory=str(inventory))
    assert note.startswith(f"{inventory / 'S01.dataless'}: dataless SEED")
    assert wrong
    assert text.endswith("describes XX.S01..HHZ; there are stations S02")
    ((wrong, text),) = check(root, inventory=str(inventory / "*.stationxml"))
    assert (wrong, text) == (
        True,
        f"source.inventory = {inventory / '*.stationxml'}: there is no such file, or the folder is empty",
    )


def test_files_and_responses_of_every_channel_are_looked_for(root):
    channels = {"channels": ["HHZ", "HHN"], "stations": [{"code": "S02"}]}
    ((wrong, text),) = check(root, channels)
    assert wrong
    assert text.startswith("station S02, HHN: no file of 2015-01-09 ... 2015-01-11 was found; ")
    assert text.endswith("its files there have channel 'HHZ' instead of 'HHN' (1)")
    put(root, "2015/XX/S02/HHN.D/XX.S02..HHN.D.2015.010")
    assert check(root, channels) == []
    inventory = root.parent / "inventory"
    inventory.mkdir()
    (inventory / "Z.xml").write_bytes(station_xml("XX", "S02", [Epoch("2000-01-01", None)]))
    ((wrong, text),) = check(root, channels, inventory=str(inventory))
    assert (wrong, text.partition("describes ")[2]) == (True, "XX.S02..HHN; of this station there is XX.S02..HHZ")
    short = [Epoch("2015-01-10", None)]
    (inventory / "N.xml").write_bytes(station_xml("XX", "S02", short, channel="HHN"))
    told = "station S02, HHN: no response in StationXML for 2015-01-09T00:00:00 ... 2015-01-10T00:00:00"
    assert check(root, channels, inventory=str(inventory)) == [(False, told)]


def test_ground_motion_without_an_inventory_cannot_be(root):
    put(root, f"{FOLDER}/{NAME}")
    ((wrong, text),) = check(root, {"response": {"detection_trace": "velocity"}})
    assert (wrong, text) == (True, "source.inventory is not set, but response asks for traces of ground motion")


def test_a_data_centre_is_not_asked_unless_that_is_wanted(monkeypatch):
    for name in ("RIS_FDSN_USER", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9", "attempts": 1})
    assert check_source(settings) == []
    found = check_source(settings, ask=True)
    assert [finding.wrong for finding in found] == [True, True]
    assert "http://127.0.0.1:9" in found[0].text
    unknown = make_settings(source={"kind": "fdsn", "provider": "NOWHERE"})
    (finding,) = check_source(unknown)
    assert finding.text.startswith("source.provider = NOWHERE: ObsPy knows no such data centre; it knows ")
    monkeypatch.setenv("RIS_FDSN_USER", "me")
    (finding,) = check_source(settings)
    assert "RIS_FDSN_PASSWORD is not" in finding.text


def test_other_sources_have_nothing_to_be_looked_for():
    assert check_source(make_settings()) == []
