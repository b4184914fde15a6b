"""Detectors of the settings: each has its own words, and another one is added by one module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import yaml
from amplitude_detector import AmplitudeDetector
from members import added
from pydantic import ValidationError
from waveform_builders import KEY, by_channel, make_settings, ns_at, record, settings_values

from ris_core.config import Settings, SettingsError, load_settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS
from ris_core.detectors.detector import Detector
from ris_core.detectors.registry import DETECTORS
from ris_core.detectors.sta_lta import RecursiveStaLta
from ris_core.processing.chain import process
from ris_core.storage import table_schemas, tables


@pytest.fixture(autouse=True)
def _amplitude() -> Iterator[None]:
    with added(DETECTORS, AmplitudeDetector):
        yield


def written(path: Path, detector: dict) -> Path:
    path.write_text(yaml.safe_dump(settings_values(detector=detector)), encoding="utf-8")
    return path


def test_an_added_detector_goes_from_the_settings_file_to_the_detection_table(tmp_path):
    settings = load_settings(written(tmp_path / "a.yaml", {"method": "amplitude", "level": 4000, "hold": "0.5 s"}))
    assert settings.detector == AmplitudeDetector(level=4000, hold=0.5)
    products = process(by_channel(KEY, record(KEY, 0, 400, (8.0, 200.0, 390.0))), KEY, settings, None)
    path = tmp_path / "detections.parquet"
    stamp = Stamp(settings.process_digest(), "1", "")
    tables.write_table(path, products.detections, table_schemas.DETECTION_SCHEMA, stamp)
    found = tables.read_table(path)
    # Both ends are gaps: the guards leave out the first event, and no warm-up of averages leaves out more.
    onsets = found["time_on"].astype(np.int64) - KEY.start_ns
    assert (onsets / NS).tolist() == pytest.approx([200.0, 390.0], abs=0.2)
    assert set(found["found_by"]) == {"amplitude 4000"}
    assert (found["characteristic_max"] >= 4000).all()
    assert (found["snr"] > 20).all()
    assert found["outcome"].tolist() == ["event", "event"]
    assert products.live_seconds == pytest.approx(400 - 31 - 1)


def test_the_guard_after_a_gap_holds_for_a_detector_without_warm_up():
    settings = make_settings(detector={"method": "amplitude", "level": 4000}, conditioning={"guard_after_gap": 3})
    products = process(by_channel(KEY, record(KEY, 100, 400, (108.0,))), KEY, settings, None)
    assert products.detections["time_on"].tolist() == [pytest.approx(ns_at(KEY, 108.0), abs=0.2 * NS)]
    assert products.live_seconds == pytest.approx(300 - 3 - 1)


@pytest.mark.parametrize("wrong", [{"off": -1}, {"off": 10**6}, {"on": -5}, {"average": 0}])
def test_a_trigger_outside_of_its_segment_names_the_detector(wrong, monkeypatch):
    settings = make_settings(detector={"method": "amplitude", "level": 4000})
    found_by_it = AmplitudeDetector.triggers
    monkeypatch.setattr(
        AmplitudeDetector, "triggers", lambda *args: [replace(trigger, **wrong) for trigger in found_by_it(*args)]
    )
    with pytest.raises(ValueError, match=r"detector\.method amplitude gave a trigger of the samples"):
        process(by_channel(KEY, record(KEY, 0, 400, [200.0])), KEY, settings, None)


def test_settings_with_an_added_detector_travel_as_json():
    settings = make_settings(detector={"method": "amplitude", "level": 123, "cleaning_window": 2})
    again = Settings.model_validate_json(settings.model_dump_json())
    assert again == settings
    assert again.process_digest() == settings.process_digest()
    other = make_settings(detector={"method": "amplitude", "level": 124, "cleaning_window": 2})
    assert other.process_digest() != settings.process_digest()


def test_a_detector_without_a_method_is_the_published_one():
    assert make_settings().detector == make_settings(detector={}).detector == RecursiveStaLta()
    assert make_settings(detector={"sta": 1}).detector == RecursiveStaLta(sta=1)


def test_an_unknown_method_is_refused_with_the_known_ones(tmp_path):
    path = written(tmp_path / "a.yaml", {"method": "recursiv"})
    known = r"detector 'recursiv' is not known; there are recursive, classic, delayed, z_detect, carl, amplitude \(a pl"
    with pytest.raises(SettingsError, match=known):
        load_settings(path)
    for wrong in (None, 5, ["recursive"]):
        with pytest.raises(ValidationError, match="is not known; there are recursive"):
            make_settings(detector={"method": wrong})
    with pytest.raises(ValidationError, match="a detector needs its `method`: one of recursive"):
        make_settings(detector="carl")


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ({"carl_ratio": 2}, "detector.carl_ratio: this key is not known here; it belongs to method carl"),
        ({"method": "amplitude", "sta": 1}, "detector.sta: this key is not known here; it belongs to method recursive"),
        ({"method": "carl", "carl_rato": 2}, "detector.carl_rato: this key is not known; did you mean 'carl_ratio'?"),
        ({"method": "amplitude", "level": -3}, "detector.level = -3: Input should be greater than 0"),
        ({"method": "amplitude", "hold": "3 Hz"}, "detector.hold = '3 Hz': give a number in s"),
        ({"further_pairs": [{"sta": 1, "lta": "x"}]}, "detector.further_pairs.0.lta = 'x': give a number in s"),
    ],
)
def test_a_detector_has_its_own_words_alone(tmp_path, detector, said):
    with pytest.raises(SettingsError) as refused:
        load_settings(written(tmp_path / "a.yaml", detector))
    assert said in str(refused.value)


def test_a_detector_that_does_not_fit_the_sampling_rate_is_refused():
    with pytest.raises(ValidationError, match=r"sta \(0\.01 s\) is shorter than one sample at 50 Hz"):
        make_settings(detector={"method": "z_detect", "sta": 0.01})


def test_two_detectors_of_one_name_are_refused_and_the_same_one_may_be_added_again():
    class Other(AmplitudeDetector):
        method: Literal["carl"] = "carl"

    with pytest.raises(
        ValueError, match=r"detector 'carl' is ris_core\.detectors\.carl:CarlTrigger already; give .*Other"
    ):
        DETECTORS.add(Other)
    DETECTORS.add(AmplitudeDetector)
    assert DETECTORS.sections.count(AmplitudeDetector) == 1
    assert DETECTORS.load("amplitude", Detector) is AmplitudeDetector  # type: ignore[type-abstract]


def test_a_section_without_a_method_cannot_be_a_detector():
    class Nameless(AmplitudeDetector):
        method: str

    with pytest.raises(ValueError, match="Nameless: a detector has a field `method` with its name as default"):
        DETECTORS.add(Nameless)
