"""StationXML files that are none: named, with what they are and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from waveform_builders import KEY, make_settings

from ris_core.station_days.open_source import open_source
from ris_core.synthetic.seismometer import build_inventory
from ris_core.waveforms.stationxml import NotStationXmlError, inventory_from


def stationxml(path: Path) -> Path:
    build_inventory(make_settings(), "S01").write(str(path), format="STATIONXML")
    return path


def test_a_stationxml_is_read(tmp_path: Path) -> None:
    found = inventory_from(stationxml(tmp_path / "XX.S01.xml").read_bytes())
    assert found.get_contents()["channels"] == ["XX.S01..HHZ"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: b[: len(b) // 2], "no XML that can be read"),
        (lambda b: b"", "empty"),
        (lambda b: b"\xff\xfe\x00" * 50, "no XML that can be read"),
        (lambda b: b.replace(b'xmlns="http://www.fdsn.org/xml/station/1"', b'xmlns="{}"'), "no XML that can be read"),
    ],
)
def test_what_is_no_stationxml_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(NotStationXmlError, match=f"^{said}"):
        inventory_from(spoil(stationxml(tmp_path / "XX.S01.xml").read_bytes()))


def test_stored_metadata_that_are_damaged_are_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    centre = open_source(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"}))
    fetched = build_inventory(make_settings(), "S01")
    monkeypatch.setattr(centre, "inventory", lambda _: fetched)
    path = stationxml(tmp_path / "XX.S01.xml")
    assert centre.newer_inventory("S01", KEY.day, path) is None
    path.write_bytes(path.read_bytes()[:500])
    assert centre.newer_inventory("S01", KEY.day, path) is fetched
