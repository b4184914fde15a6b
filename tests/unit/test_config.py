"""Settings: the paper's defaults, units, and what is refused with which words."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
import yaml
from waveform_builders import make_settings, sds_settings, settings_values

from ris_core.config import (
    DEFAULT_CONFIG,
    PROJECT_ROOT,
    Settings,
    SettingsError,
    config_path,
    data_root,
    load_settings,
    spectrogram_shape,
    trial_key,
)


def write(path: Path, **sections: object) -> Path:
    path.write_text(yaml.safe_dump(settings_values(**sections)), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(path)
    message = str(refused.value)
    assert str(path) in message
    return message


def test_defaults_are_the_published_values():
    s = make_settings()
    conditioning = s.conditioning
    assert (conditioning.padding, conditioning.taper, conditioning.sampling_rate) == (300.0, 60.0, 50.0)
    assert (conditioning.band_low, conditioning.band_high, conditioning.band_order) == (3.0, 20.0, 4)
    assert conditioning.decimation == "causal_chebyshev"
    assert (conditioning.shortest_segment, conditioning.guard_before_gap, conditioning.guard_after_gap) == (40, 1, 31)
    detector = s.detector
    assert (detector.sta, detector.lta, detector.threshold_on, detector.threshold_off) == (0.5, 30.0, 15.0, 10.0)
    assert detector.cleaning_window == 5.0
    spectrogram = s.spectrogram
    assert (spectrogram.window, spectrogram.kaiser_beta, spectrogram.hop, spectrogram.nfft) == (0.4, 5.7, 0.04, 256)
    assert (spectrogram.duration, spectrogram.search, spectrogram.duplicate_within) == (4.0, 5.0, 0.1)
    assert (spectrogram.frequency_low, spectrogram.frequency_high) == (3.0, 20.0)
    assert (s.training_set.events, s.training_set.validation_fraction) == (50_000, 0.2)
    assert s.aec.grid.batch_size == (64, 128, 256, 512)
    assert s.aec.grid.learning_rate == (1e-4, 1e-3, 1e-2)
    assert (s.cluster_count.k_min, s.cluster_count.k_max) == (2, 20)
    dec = s.dec
    assert dec.k == (5, 6, 7, 8, 9, 10)
    assert (dec.initialisation, dec.n_init, dec.gamma) == ("gmm", 100, 1e-3)
    assert (dec.batch_size, dec.learning_rate, dec.max_epochs) == (64, 1e-3, 400)
    assert (dec.updates_per_epoch, dec.tolerance, dec.max_steps) == (2, 3e-3, None)
    assert s.retention.raw == "keep"
    assert spectrogram_shape(conditioning, spectrogram) == (87, 100)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"detector": {"treshold_on": 15}}, ["detector.treshold_on", "not known"]),
        ({"colour": "red"}, ["colour", "not known"]),
        ({"detector": {"sta": "30 Hz"}}, ["detector.sta", "30 Hz", "number in s"]),
        ({"conditioning": {"band_low": "3 s"}}, ["conditioning.band_low", "3 s", "number in Hz"]),
        ({"detector": {"sta": "1.2.3 s"}}, ["detector.sta", "1.2.3 s", "number in s"]),
        ({"detector": {"sta": True}}, ["detector.sta", "True", "number in s"]),
        ({"first_day": 20150109}, ["first_day", "20150109", "date"]),
        ({"detector": {"sta": 0}}, ["detector.sta", "0", "greater than 0"]),
        ({"detector": {"lta": float("nan")}}, ["detector.lta", "nan", "finite"]),
        ({"detector": {"lta": float("inf")}}, ["detector.lta", "inf", "finite"]),
        ({"detector": {"sta": 40}}, ["detector", "40 s", "30 s", "shorter"]),
        ({"detector": {"threshold_off": 20}}, ["threshold_off", "20", "15", "not exceed"]),
        ({"conditioning": {"taper": 400}}, ["taper", "400 s", "padding", "300 s"]),
        ({"conditioning": {"band_high": 30}}, ["band_high", "30 Hz", "25 Hz"]),
        ({"conditioning": {"decimation": "fir"}}, ["conditioning.decimation", "fir", "zero_phase_fir"]),
        ({"conditioning": {"padding": 5}}, ["conditioning.padding", "5", "60"]),
        ({"response": {"band_low": 20, "band_high": 3}}, ["response", "20 Hz", "3 Hz", "below"]),
        ({"spectrogram": {"hop": 0.05}}, ["spectrogram", "0.05 s", "whole samples"]),
        ({"spectrogram": {"frequency_high": 15}}, ["spectrogram", "87 x 100"]),
        ({"spectrogram": {"nfft": 16}}, ["spectrogram.nfft", "16", "20 samples"]),
        ({"aec": {"grid": {"batch_size": [64, 64]}}}, ["aec.grid.batch_size", "[64, 64]", "only once"]),
        ({"aec": {"grid": {"learning_rate": [0]}}}, ["aec.grid.learning_rate", "greater than 0"]),
        ({"dec": {"k": [1, 2]}}, ["dec.k", "2 or more"]),
        ({"dec": {"k": [8, 8]}}, ["dec.k", "only once"]),
        ({"champion": {"k": 12}}, ["champion.k", "12", "[5, 6, 7, 8, 9, 10]"]),
        ({"labelling": {"reconstruction_error": False}}, ["novelty.score", "reconstruction", "distance"]),
        ({"cluster_count": {"k_min": 9, "k_max": 3}}, ["cluster_count", "9", "3"]),
        ({"last_day": "2015-01-01"}, ["last_day", "2015-01-01", "before first_day", "2015-01-09"]),
        ({"first_day": "2015-13-01"}, ["first_day", "2015-13-01"]),
        ({"first_day": "2010-01-01"}, ["first_day", "truth catalogue", "2014-12-01"]),
        ({"location": "000"}, ["location", "000"]),
        ({"channel": "hhz"}, ["channel", "hhz"]),
        ({"channels": []}, ["channels", "at least 1"]),
        ({"channels": ["HHZ", "hhn"]}, ["channels.1", "hhn"]),
        ({"channels": ["HHZ", "HHZ"]}, ["channels", "HHZ", "only once"]),
        ({"channels": ["HHZ", "BHN"]}, ["channels", "HHZ, BHN", "one instrument", "settings of their own"]),
        ({"channel": "HHZ", "channels": ["HHZ", "HHN"]}, ["channel and channels", "channels alone"]),
        ({"components": {"detect_on": "vector_sum"}}, ["components.detect_on", "vector_sum", "HHZ alone"]),
        ({"components": {"detect_on": "HHN"}}, ["components.detect_on", "HHN", "['HHZ']"]),
        ({"components": {"missing": "keep"}}, ["components.missing", "keep", "zeros"]),
        ({"context": {"noise_step": 70}}, ["context", "70 s", "60 s"]),
        ({"context": {"noise_step": 0.01}}, ["context.noise_step", "0.01 s", "50 Hz"]),
        ({"context": {"noise_quantile": 1}}, ["context.noise_quantile", "less than 1"]),
        ({"source": {"kind": "tape"}}, ["source", "tape", "'synthetic', 'sds', 'fdsn'"]),
        ({"source": {"kind": "synthetic", "missing": ["S01"]}}, ["source.missing", "S01", "S01/2014-12-03"]),
        ({"stations": []}, ["stations", "at least 1"]),
        ({"stations": [{"code": "S01", "latitude": -99, "longitude": 0}]}, ["stations.0.latitude", "-99", "-90"]),
        ({"retention": {"raw": "drop"}}, ["retention.raw", "drop", "drop_after_processing"]),
    ],
)
def test_an_unusable_value_is_refused_with_file_key_value_and_what_is_allowed(tmp_path, sections, words):
    message = refusal(write(tmp_path / "settings.yaml", **sections))
    for word in words:
        assert word in message


def test_one_channel_may_be_written_as_channel_and_several_keep_their_order():
    assert make_settings(channel="HHE") == make_settings(channels=["HHE"])
    three = make_settings(channels=["HHN", "HHZ", "HHE"])
    assert three.channels == ("HHN", "HHZ", "HHE")
    assert three.input_spec().components == ("N", "Z", "E")
    assert [str(seed_id) for seed_id in three.seed_ids("S01")] == ["XX.S01..HHN", "XX.S01..HHZ", "XX.S01..HHE"]
    assert Settings.model_validate_json(three.model_dump_json()) == three


@pytest.mark.parametrize(
    ("channels", "detect_on", "named"),
    [
        (["HHN", "HHZ"], "vertical", "HHZ"),
        (["HH1", "HH2"], "vertical", "HH1"),
        (["HHN", "HHZ"], "vector_sum", "HHZ"),
        (["HHN", "HHZ"], "HHN", "HHN"),
    ],
)
def test_the_channel_of_detections_names_events(channels, detect_on, named):
    settings = make_settings(channels=channels, components={"detect_on": detect_on})
    assert settings.channel == named
    assert settings.seed_id("S01").channel == named


def test_the_settings_of_one_channel_of_several_are_those_of_a_network_of_that_channel():
    three = make_settings(channels=["HHZ", "HHN", "HHE"], components={"detect_on": "vector_sum", "missing": "zeros"})
    assert three.of_channel("HHN") == make_settings(channel="HHN")
    with pytest.raises(KeyError, match="BHZ is not in the settings; known: HHZ, HHN, HHE"):
        three.of_channel("BHZ")


def test_published_files_hold_one_channel(tmp_path):
    source = {"kind": "published"}
    message = refusal(write(tmp_path / "settings.yaml", source=source, channels=["HHZ", "HHN"]))
    assert "published files hold one channel" in message


def test_a_required_key_that_is_absent_is_named(tmp_path):
    path = tmp_path / "settings.yaml"
    values = settings_values()
    del values["first_day"], values["network"]["code"]
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    message = refusal(path)
    assert "2 setting(s)" in message
    assert "first_day: this key is required" in message
    assert "network.code: this key is required" in message


def test_stations_that_stand_twice_are_named(tmp_path):
    station = {"code": "S07", "latitude": 0, "longitude": 0}
    message = refusal(write(tmp_path / "settings.yaml", stations=[station, station]))
    assert "S07" in message
    assert "only once" in message


def test_an_unset_environment_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("RIS_TEST_ARCHIVE", raising=False)
    path = write(tmp_path / "settings.yaml", source={"kind": "sds", "root": "${RIS_TEST_ARCHIVE}/sds"})
    message = refusal(path)
    assert "source.root = '${RIS_TEST_ARCHIVE}/sds'" in message
    assert "RIS_TEST_ARCHIVE is not set" in message


def test_environment_variables_and_the_home_folder_are_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_TEST_ARCHIVE", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/someone")
    source = {"kind": "sds", "root": "${RIS_TEST_ARCHIVE}/sds", "inventory": "~/responses"}
    found = load_settings(write(tmp_path / "settings.yaml", source=source)).source
    assert (found.root, found.inventory) == (tmp_path / "sds", Path("/home/someone/responses"))


def test_an_absent_file_is_named(tmp_path):
    message = refusal(tmp_path / "absent.yaml")
    assert "cannot be read" in message
    assert "RIS_CONFIG" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"network: [1, 2\nstations: {", "not valid YAML"),
        (b"\x89HDF\r\n\x1a\n\xff\xfe\x00", "not valid YAML"),
        (b"? [a, b]\n: 1\n", "not valid YAML"),
        (b"just a sentence", "found str"),
        (b"", "found NoneType"),
        (b"- a\n- b\n", "found list"),
    ],
)
def test_a_file_that_is_not_a_mapping_in_yaml_is_refused(tmp_path, content, words):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "settings.yaml"
    text = yaml.safe_dump(settings_values(detector={"sta": 1}))
    path.write_text(text + "detector:\n  lta: 20\n", encoding="utf-8")
    message = refusal(path)
    assert "the key 'detector' is given twice" in message
    assert f"line {text.count(chr(10)) + 1}" in message


@pytest.mark.parametrize("value", [0.4, "0.4", "0.4 s", "0.4s", " 4e-1 s "])
def test_a_quantity_is_a_number_or_text_with_its_unit(value):
    assert make_settings(detector={"sta": value}).detector.sta == 0.4


@pytest.mark.parametrize(("written", "meant"), [("--", ""), ("", ""), ("00", "00"), ("10", "10")])
def test_an_empty_location_may_be_written_with_dashes(written, meant):
    assert make_settings(location=written).location == meant


@pytest.mark.parametrize(
    ("batch", "rate", "key"),
    [
        (64, 1e-3, "bs64_lr1e-3"),
        (512, 1e-2, "bs512_lr1e-2"),
        (128, 2.5e-4, "bs128_lr2.5e-4"),
        (256, 0.1, "bs256_lr1e-1"),
    ],
)
def test_the_key_of_a_trial_names_batch_size_and_learning_rate(batch, rate, key):
    assert trial_key(batch, rate) == key


def test_trials_are_every_batch_size_with_every_learning_rate_under_their_keys():
    trials = make_settings().aec.grid.trials()
    assert len(trials) == 12
    assert trials["bs64_lr1e-3"] == (64, 1e-3)
    assert list(trials)[:2] == ["bs64_lr1e-4", "bs64_lr1e-3"]


def test_settings_cannot_be_changed_and_survive_json():
    s = make_settings()
    with pytest.raises(ValueError, match="frozen"):
        s.detector.sta = 1.0
    assert Settings.model_validate_json(s.model_dump_json()) == s


def test_days_end_yesterday_where_the_network_still_runs():
    live = make_settings(source={"kind": "fdsn"}, last_day=None)
    assert live.days(today=date(2015, 1, 12)) == [date(2015, 1, 9), date(2015, 1, 10), date(2015, 1, 11)]
    assert live.days(today=date(2015, 1, 9)) == []
    closed = make_settings()
    assert closed.days(today=date(2030, 1, 1))[-1] == date(2015, 1, 11)
    assert closed.days(today=date(2015, 1, 11))[-1] == date(2015, 1, 10)


def test_an_unknown_station_is_refused_naming_the_known_ones():
    with pytest.raises(KeyError, match="X99 is not in the settings; known: S01, S02"):
        make_settings().station("X99")


@pytest.mark.parametrize(
    "sections",
    [
        {"channel": "HHN"},
        {"channels": ["HHZ", "HHN"]},
        {"location": "10"},
        {"conditioning": {"padding": 600}},
        {"source": {"kind": "synthetic", "seed": 1}},
        {"source": {"kind": "fdsn"}},
    ],
)
def test_the_digest_of_acquisition_changes_with_what_decides_about_the_samples(sections):
    assert make_settings(**sections).acquire_digest() != make_settings().acquire_digest()


@pytest.mark.parametrize("name", ["max_steps", "max_update_interval"])
def test_models_without_a_bound_stay_those_of_before_there_was_one(name: str) -> None:
    dec, bounded = make_settings().dec, make_settings(dec={name: 200}).dec
    assert name not in dec.training_values()
    assert bounded.training_values() == dec.training_values() | {name: 200}


def test_long_epochs_have_more_updates() -> None:
    dec = make_settings(dec={"max_update_interval": 100}).dec
    assert [dec.updates_in(steps) for steps in (1, 200, 201, 782)] == [2, 2, 3, 8]
    assert make_settings().dec.updates_in(782) == 2


@pytest.mark.parametrize(
    "sections", [{"detector": {"sta": 1}}, {"dec": {"gamma": 0.1}}, {"retention": {"raw": "drop_after_processing"}}]
)
def test_the_digest_of_acquisition_does_not_change_with_later_steps(sections):
    assert make_settings(**sections).acquire_digest() == make_settings().acquire_digest()


def test_digests_do_not_change_with_the_place_of_the_archive_or_the_list_of_stations(tmp_path):
    one = sds_settings(tmp_path / "one")
    stations = [*settings_values()["stations"], {"code": "S03", "latitude": 0, "longitude": 0}]
    other = sds_settings(tmp_path / "other", stations=stations, last_day="2016-01-01")
    assert one.acquire_digest() == other.acquire_digest()
    assert one.process_digest() == other.process_digest()


@pytest.mark.parametrize(
    "sections",
    [
        {"conditioning": {"decimation": "zero_phase_fir"}},
        {"conditioning": {"guard_after_gap": 35}},
        {"detector": {"threshold_on": 12}},
        {"response": {"band_high": 18}},
        {"spectrogram": {"search": 4}},
        {"context": {"half_length": 6}},
        {"channels": ["HHZ", "HHN"]},
    ],
)
def test_the_digest_of_processing_changes_with_each_section_of_it(sections):
    assert make_settings(**sections).process_digest() != make_settings().process_digest()


def test_the_digest_of_acquisition_of_one_channel_is_that_of_earlier_versions():
    """Acquired station-days of earlier versions stay current; they are processed again."""
    other = make_settings(channel="BHN", components={"detect_on": "BHN", "missing": "zeros"}, source={"kind": "fdsn"})
    assert (make_settings().acquire_digest(), other.acquire_digest()) == ("bb41bd486fbe", "e4f428c99cf3")
    assert make_settings().process_digest() == other.process_digest()


def test_the_digests_of_several_channels_change_with_what_is_done_with_them():
    def digests(**components: str) -> tuple[str, str]:
        settings = make_settings(channels=["HHZ", "HHN"], components=components)
        return settings.acquire_digest(), settings.process_digest()

    assert digests() == digests(detect_on="HHZ")
    assert len({digests()[0], digests(detect_on="HHN")[0], digests(detect_on="vector_sum")[0]}) == 3
    assert digests(missing="zeros")[0] == digests()[0]
    assert digests(missing="zeros")[1] != digests()[1]


def test_the_digest_of_processing_does_not_change_with_how_a_value_is_written_or_with_training():
    written = make_settings(detector={"sta": "0.5 s", "lta": 30}, dec={"k": [8]}, aec={"max_epochs": 3})
    assert written.process_digest() == make_settings().process_digest()


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "config").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_settings_file_loads(path, tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_ARCHIVE", str(tmp_path))
    assert load_settings(path).days()


def test_the_ross_ice_shelf_is_the_published_network():
    s = load_settings(PROJECT_ROOT / "config" / "ross_ice_shelf.yaml")
    codes = [f"DR{n:02d}" for n in range(1, 17)] + [f"RS{n:02d}" for n in range(1, 19)]
    assert sorted(station.code for station in s.stations) == codes
    assert (s.network.code, s.channel, s.source.kind) == ("XH", "HHZ", "fdsn")
    assert (s.first_day, s.last_day) == (date(2014, 12, 1), date(2016, 11, 30))
    assert len(s.days()) == 731
    assert s.dec.k == (5, 6, 7, 8, 9, 10)
    assert s.champion.k == 8
    published = make_settings()
    for section in ("conditioning", "response", "detector", "spectrogram", "training_set", "aec"):
        assert getattr(s, section) == getattr(published, section)


def test_settings_come_from_the_file_that_the_environment_names_else_the_demo(tmp_path, monkeypatch):
    monkeypatch.delenv("RIS_CONFIG", raising=False)
    assert config_path() == DEFAULT_CONFIG
    monkeypatch.setenv("RIS_CONFIG", str(write(tmp_path / "mine.yaml")))
    assert load_settings().network.name == "test"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIS_CONFIG", "config/undervolc.yaml")
    assert config_path() == PROJECT_ROOT / "config" / "undervolc.yaml"


def test_products_of_a_network_lie_under_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_DATA", str(tmp_path))
    assert data_root(make_settings()) == tmp_path / "test"
    monkeypatch.setenv("RIS_DATA", "s3://bucket/data")
    with pytest.raises(SettingsError, match=r"RIS_DATA = 's3://bucket/data' is an address, not a folder"):
        data_root(make_settings())
    monkeypatch.delenv("RIS_DATA")
    monkeypatch.chdir(tmp_path)
    assert data_root(make_settings()) == Path(os.path.realpath(tmp_path)) / "data" / "test"
