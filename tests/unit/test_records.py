import json
import pickle

import pytest

from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_json, write_json

VALUE = {"b": [1, 2.5, float("inf")], "a": "é", 3: None, "nested": {"k": 6}}


def test_json_comes_back_as_it_was(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, VALUE)
    assert read_json(path) == {"b": [1, 2.5, float("inf")], "a": "é", "3": None, "nested": {"k": 6}}
    write_json(path, [1, "two"])
    assert read_json(path) == [1, "two"]


def test_json_of_earlier_versions_has_no_digest_and_is_read(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"k": 6}))
    assert read_json(path) == {"k": 6}


def test_a_changed_bit_of_json_never_passes_as_another_value(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"k": 6, "state": "data", "rms": 1.25})
    good, value = path.read_bytes(), read_json(path)
    for place in range(len(good)):
        for bit in range(8):
            spoilt = bytearray(good)
            spoilt[place] ^= 1 << bit
            path.write_bytes(spoilt)
            try:
                assert read_json(path) == value
            except DamagedFileError as error:
                assert str(path) in str(error)


def test_a_json_whose_digest_is_gone_does_not_pass_for_one_of_an_earlier_version(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"k": 6, "state": "data"})
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "file_digest" not in line).replace("6", "7"))
    with pytest.raises(DamagedFileError, match="does not match its digest"):
        read_json(path)


def test_an_absent_json_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "record.json")


def test_any_error_of_a_reader_becomes_damage_with_file_and_remedy(tmp_path):
    path = tmp_path / "day.h5"
    expected = pytest.raises(DamagedFileError, match=r"day\.h5: damaged \(KeyError: 'x'\); fetch it again")
    with expected, damage_named(path, "fetch it again"):
        raise KeyError("x")
    with pytest.raises(PermissionError), damage_named(path):
        raise PermissionError(13, "Permission denied")


def test_damage_travels_between_processes(tmp_path):
    error = pickle.loads(pickle.dumps(DamagedFileError(tmp_path / "a", "why", "what to do")))  # noqa: S301
    assert (error.path, error.why, error.remedy) == (tmp_path / "a", "why", "what to do")
