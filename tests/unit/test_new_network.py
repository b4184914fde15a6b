"""`ris init`: the file says what an archive holds, can be used at once, and what is not certain is asked or said."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from builders import DAYS, ris, spoil, trace_path, write_archive
from fdsn_archive import Epoch, station_xml
from obspy import Stream, Trace, UTCDateTime

from ris_core.config import PROJECT_ROOT, load_settings

SHARED = PROJECT_ROOT.parent / "shared" / "data"


def write_trace(root: Path, code: str, rate: float = 100.0, day: int = 0) -> Path:
    """Write a minute of noise of NET.STA.LOC.CHAN on one of the days."""
    network, station, location, channel = code.split(".")
    header = {"network": network, "station": station, "location": location, "channel": channel, "sampling_rate": rate}
    samples = np.random.default_rng(0).normal(0, 20, round(60 * rate)).round().astype(np.int32)
    trace = Trace(samples, header | {"starttime": UTCDateTime(str(DAYS[day]) + "T06:00")})
    path = trace_path(root, trace, DAYS[day])
    path.parent.mkdir(parents=True, exist_ok=True)
    Stream([trace]).write(str(path), format="MSEED")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_archive_becomes_settings_that_can_be_used_at_once(folder):
    root = write_archive(folder / "archive")
    said = ris("init", "mine", "--archive", root)
    assert said.exit_code == 0, said.output
    assert (
        "network XX, 2 stations, HHZ in location --, 100 Hz, 2020-03-01 ... 2020-03-03, 6 station-days" in said.output
    )
    for command in ("check-config", "run", "ui"):
        assert f"ris {command} --config mine.yaml" in said.output
    settings = load_settings(folder / "mine.yaml")
    assert (settings.network.name, settings.network.code, settings.profile) == ("mine", "XX", "recommended")
    assert [s.code for s in settings.stations] == ["AA", "BB"]
    assert (settings.channels, settings.location) == (("HHZ",), "")
    assert (settings.first_day, settings.last_day) == (DAYS[0], DAYS[-1])
    assert settings.source.root == root
    checked = ris("check-config", "-c", "mine.yaml")
    assert checked.exit_code == 0
    assert "mine.yaml: good" in checked.output


def test_the_commented_values_are_those_that_hold(folder):
    write_archive(folder / "archive")
    ris("init", "mine", "--archive", "archive", "--preset", "volcano")
    text = (folder / "mine.yaml").read_text("utf-8")
    begin = text.index("# conditioning:")
    opened = text[:begin] + "\n".join(line.removeprefix("# ") for line in text[begin:].splitlines())
    (folder / "opened.yaml").write_text(opened, "utf-8")
    assert len(yaml.safe_load(opened)) > len(yaml.safe_load(text)) + 5
    assert load_settings(folder / "opened.yaml") == load_settings(folder / "mine.yaml")


def test_a_file_is_not_overwritten(folder):
    root = write_archive(folder / "archive", days=DAYS[:1])
    (folder / "mine.yaml").write_text("precious")
    said = ris("init", "mine", "--archive", root)
    assert said.exit_code == 2
    assert "--output" in said.output
    assert (folder / "mine.yaml").read_text() == "precious"
    assert ris("init", "mine", "--archive", root, "--output", "other.yaml").exit_code == 0


def test_several_networks_locations_or_instruments_are_asked_for_by_option(folder):
    for code in ("XX.AA..HHZ", "XX.BB.00.HHZ", "XX.CC.00.HHZ", "YY.DD..HHZ"):
        write_trace(folder / "archive", code)
    init = ("init", "mine", "--archive", "archive")
    assert "several networks: XX (3 stations), YY (1 stations); choose one with --network" in ris(*init).output
    said = ris(*init, "--network", "XX").output
    assert "several location codes: -- (1 stations), 00 (2 stations); choose one with --location" in said
    said = ris(*init, "--network", "XX", "--location", "00")
    assert "no location '00': AA" in said.output
    assert [s.code for s in load_settings(folder / "mine.yaml").stations] == ["BB", "CC"]
    assert "AA, BB, CC" in ris(*init, "--network", "XX", "--stations", "ZZ", "-o", "z.yaml").output
    write_trace(folder / "archive", "YY.DD..BHZ")
    said = ris(*init, "--network", "YY", "-o", "y.yaml")
    assert said.exit_code == 2
    assert "several channels: BHZ, HHZ" in said.output
    assert ris(*init, "--network", "YY", "--channels", "BHZ", "-o", "y.yaml").exit_code == 0


def test_of_three_components_the_vertical_is_taken_and_all_are_offered(folder):
    for channel in ("HHE", "HHN", "HHZ"):
        write_trace(folder / "archive", f"XX.AA..{channel}")
    write_trace(folder / "archive", "XX.BB..HHZ")
    init = ("init", "mine", "--archive", "archive")
    assert "--channels HHZ,HHE,HHN" in ris(*init).output
    assert load_settings(folder / "mine.yaml").channels == ("HHZ",)
    said = ris(*init, "--channels", "HHZ,HHE,HHN", "-o", "three.yaml")
    assert "left out (not all of HHZ, HHE, HHN): BB" in said.output
    assert load_settings(folder / "three.yaml").channels == ("HHZ", "HHE", "HHN")


def test_files_that_cannot_be_read_are_named_and_do_not_hide_the_others(folder):
    root = write_archive(folder / "archive", ("AA", "BB"), DAYS[:2])
    broken = spoil(root / "2020/XX/AA/HHZ.D/XX.AA..HHZ.D.2020.061")
    other = root / "2020/XX/BB/HHZ.D/XX.BB..HHZ.D.2020.062"
    other.write_bytes((root / "2020/XX/AA/HHZ.D/XX.AA..HHZ.D.2020.062").read_bytes())
    said = ris("init", "mine", "--archive", root)
    assert f"{broken}: no miniSEED record" in said.output
    assert f"{other}: its records hold XX.AA..HHZ" in said.output
    assert [s.code for s in load_settings(folder / "mine.yaml").stations] == ["AA", "BB"]


def test_an_archive_without_a_usable_file_says_what_is_there(folder):
    (folder / "archive" / "notes").mkdir(parents=True)
    said = ris("init", "mine", "--archive", "archive")
    assert said.exit_code == 2
    assert "there is notes" in said.output
    assert "--pattern" in said.output
    spoil(write_trace(folder / "archive", "XX.AA..HHZ"))
    said = ris("init", "mine", "--archive", "archive")
    assert said.exit_code == 2
    assert "no miniSEED record" in said.output
    assert not (folder / "mine.yaml").exists()


def test_stationxml_beside_the_archive_gives_positions_and_response(folder):
    root = write_archive(folder / "archive")
    inventory = folder / "inventory"
    inventory.mkdir()
    for station in ("AA", "BB"):
        (inventory / f"{station}.xml").write_bytes(station_xml("XX", station, [Epoch("2010-01-01", None)]))
    said = ris("init", "mine", "--archive", root)
    settings = load_settings(folder / "mine.yaml")
    assert settings.source.inventory == inventory / "*.xml"
    assert all(s.latitude is not None for s in settings.stations)
    assert "no position" not in said.output
    # Of one station alone: its position is used, and amplitudes stay in counts for all.
    (inventory / "BB.xml").unlink()
    said = ris("init", "half", "--archive", root)
    assert "no position of 1 of 2 stations" in said.output
    settings = load_settings(folder / "half.yaml")
    assert settings.source.inventory is None
    assert [s.latitude is None for s in settings.stations] == [False, True]
    assert ris("check-config", "-c", "half.yaml").exit_code == 0


def test_stationxml_that_does_not_fit_is_named_in_a_comment(folder):
    root = write_archive(folder / "archive", ("AA",))
    (folder / "AA.xml").write_bytes(station_xml("XX", "AA", [Epoch("2010-01-01", "2011-01-01")]))
    said = ris("init", "mine", "--archive", root)
    assert "StationXML is not used" in said.output
    text = (folder / "mine.yaml").read_text("utf-8")
    assert f'# inventory: "{folder}/*.xml"' in text
    assert ris("check-config", "-c", "mine.yaml").exit_code == 0


def test_a_low_sampling_rate_lowers_the_band(folder):
    write_trace(folder / "archive", "XX.AA..BHZ", rate=40)
    assert ris("init", "mine", "--archive", "archive", "--preset", "regional").exit_code == 0
    settings = load_settings(folder / "mine.yaml")
    assert settings.conditioning.sampling_rate == 40
    assert (settings.conditioning.band_high, settings.spectrogram.frequency_high) == (16, 16)
    # Too slow for a preset: nothing is written, and the settings that do not fit are named.
    said = ris("init", "ice", "--archive", "archive", "--preset", "icequakes_1000hz")
    assert said.exit_code == 2
    assert "ice.yaml" in said.output
    assert not (folder / "ice.yaml").exists()


def test_a_data_centre_needs_codes_and_days(folder):
    said = ris("init", "ice")
    assert said.exit_code == 2
    assert "--archive FOLDER" in said.output
    known = ("--network", "xh", "--stations", "DR01,NO", "--from", "2014-12-01", "--to", "2014-12-03")
    assert ris("init", "ice", *known).exit_code == 0
    settings = load_settings(folder / "ice.yaml")
    assert (settings.source.kind, settings.source.provider, settings.network.code) == ("fdsn", "EARTHSCOPE", "XH")
    assert [s.code for s in settings.stations] == ["DR01", "NO"]
    assert ris("check-config", "-c", "ice.yaml").exit_code == 0


def test_a_name_or_preset_that_cannot_be_used_is_refused(folder):
    assert "like my_network" in ris("init", "My Network", "--archive", ".").output
    assert "icequakes_1000hz, regional, volcano" in ris("init", "mine", "--preset", "lunar").output


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED.relative_to(PROJECT_ROOT.parent)} is absent")
def test_real_archives_in_sds_and_under_other_names(folder):
    said = ris("init", "uv", "--archive", SHARED / "undervolc" / "waveforms", "--preset", "volcano")
    assert said.exit_code == 0, said.output
    settings = load_settings(folder / "uv.yaml")
    assert (settings.network.code, settings.location, settings.preset) == ("YA", "00", "volcano")
    pattern = "CI{station}__{channel}___{year}{julday}"
    said = ris("init", "socal", "--archive", SHARED / "socal", "--pattern", pattern)
    assert said.exit_code == 0, said.output
    settings = load_settings(folder / "socal.yaml")
    # The network is that of the records, the positions are those of the StationXML beside them.
    assert (settings.network.code, settings.location, settings.channel) == ("CI", "", "BHN")
    assert settings.station("CCA").position == pytest.approx((35.15252, -118.01649))
    assert ris("check-config", "-c", "socal.yaml").exit_code == 0
