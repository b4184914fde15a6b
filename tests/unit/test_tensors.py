"""Arrays in a safetensors file: what is read is what was written, or the file is refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ris_core.storage.damage import DamagedFileError
from ris_core.storage.tensors import read_arrays, write_arrays

ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3).T,
    "scalar": np.array(3, np.int32),
    "mask": np.array([True, False]),
    "empty": np.empty((0, 9), np.float32),
}
ABOUT = {"configuration": "é", "state": '{"a": 1}'}


def test_arrays_come_back_and_the_same_ones_give_the_same_bytes(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", ARRAYS, ABOUT)
    write_arrays(tmp_path / "b", dict(reversed(ARRAYS.items())), dict(reversed(ABOUT.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found, about = read_arrays(tmp_path / "a", digest_needed=True)
    assert about == ABOUT
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.writeable


def test_no_flipped_bit_passes_as_another_value(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_arrays(path, ARRAYS, ABOUT)
    data = path.read_bytes()
    refused = 0
    for place in range(len(data) * 8):
        spoilt = bytearray(data)
        spoilt[place // 8] ^= 1 << place % 8
        path.write_bytes(spoilt)
        try:
            found, about = read_arrays(path, "mend it")
        except DamagedFileError as error:
            assert str(error).startswith(f"{path}: damaged (") and str(error).endswith("); mend it")
            refused += 1
            continue
        assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items()), place
        assert about == ABOUT, place
    assert refused > 0.95 * len(data) * 8


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F64", "shape": [2**40, 2**20], "data_offsets": [0, 2**63]}},
        {"a": {"dtype": "F64", "shape": [2**62], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}},
        {"__metadata__": {"about": "[1, 2]"}, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}},
        {"__metadata__": {"about": "[" * 100_000}, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}},
        [1, 2],
    ],
)
def test_headers_that_declare_what_is_not_there_are_refused(tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(DamagedFileError, match=f"{tmp_path}/a: damaged"):
        read_arrays(tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 8 + b"{}", (2**31).to_bytes(8, "little") + b"{}" * 9])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_arrays(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "absent")


@pytest.mark.parametrize("name", [b'"about"', b"file_digest"])
def test_a_file_whose_digest_lost_its_name_does_not_pass_for_one_of_an_earlier_version(
    name: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    write_arrays(path, ARRAYS, ABOUT)
    path.write_bytes(path.read_bytes()[:-1].replace(name, name.replace(b"t", b"T")) + b"\x01")
    with pytest.raises(DamagedFileError, match="its digest cannot be found"):
        read_arrays(path)


def test_a_file_without_a_digest_is_read_unless_one_is_needed(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"a": np.ones(2)}, tmp_path / "a", {"configuration": "x"})
    found, about = read_arrays(tmp_path / "a")
    assert (found["a"].tolist(), about) == ([1, 1], {"configuration": "x"})
    with pytest.raises(DamagedFileError, match="an earlier version wrote it"):
        read_arrays(tmp_path / "a", digest_needed=True)
