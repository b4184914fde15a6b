"""StationXML files that are none: named, with what they are and what to do."""

from pathlib import Path

import pytest
from waveform_builders import KEY, make_settings

from ris_core.storage.damage import DamagedFileError
from ris_core.synthetic.instrument import build_inventory
from ris_core.waveforms.source import open_source
from ris_core.waveforms.stationxml import read_stationxml


def stationxml(path: Path) -> Path:
    build_inventory(make_settings(), "S01").write(str(path), format="STATIONXML")
    return path


def test_a_stationxml_is_read(tmp_path: Path) -> None:
    found = read_stationxml(stationxml(tmp_path / "XX.S01.xml"))
    assert found.get_contents()["channels"] == ["XX.S01..HHZ"]


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\xff\xfe\x00" * 50])
def test_a_damaged_stationxml_is_named_with_the_remedy(tmp_path: Path, spoil) -> None:
    path = stationxml(tmp_path / "XX.S01.xml")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DamagedFileError, match="put the station's StationXML in its place") as told:
        read_stationxml(path)
    assert str(told.value).startswith(f"{path}: damaged (")


def test_names_that_no_xml_would_have_are_no_stationxml(tmp_path: Path) -> None:
    path = stationxml(tmp_path / "XX.S01.xml")
    path.write_bytes(path.read_bytes().replace(b'xmlns="http://www.fdsn.org/xml/station/1"', b'xmlns="{}"'))
    with pytest.raises(DamagedFileError, match="put the station's StationXML in its place"):
        read_stationxml(path)


def test_stored_metadata_that_are_damaged_are_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    centre = open_source(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}))
    fetched = build_inventory(make_settings(), "S01")
    monkeypatch.setattr(centre, "inventory", lambda _: fetched)
    path = stationxml(tmp_path / "XX.S01.xml")
    assert centre.newer_inventory("S01", KEY.day, path) is None
    path.write_bytes(path.read_bytes()[:500])
    assert centre.newer_inventory("S01", KEY.day, path) is fetched
