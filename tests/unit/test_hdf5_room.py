"""HDF5 files that are too great for the disk, and errors of reading them."""

from pathlib import Path

import numpy as np
import pytest

from ris_core.storage import hdf5
from ris_core.storage.atomic import CannotWriteError
from ris_core.storage.damage import DamagedFileError


def test_a_file_greater_than_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "training_set.h5"
    message = r"training_set.h5 cannot be written: the disk is full"
    with pytest.raises(CannotWriteError, match=message) as caught, hdf5.created(path, 10**18):
        pytest.fail("it was begun")
    assert "free space there and repeat the command" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, hdf5.IN_MEMORY_BYTES + 1])
def test_what_was_written_is_read_again_whatever_the_size(size: int, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "some.h5"
    with hdf5.created(path, size) as file:
        file.create_dataset("values", data=np.arange(5))
    with h5py.File(path, "r") as file:
        assert file["values"][:].tolist() == [0, 1, 2, 3, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["some.h5"]


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (
            OSError("Unable to open file (unable to lock file, errno = 95, error message = 'Operation not supported')"),
            37,
        ),
        (BlockingIOError(11, "Unable to synchronously open file (unable to lock file, errno = 11)"), 37),
        (OSError("Can't read data (file read failed: time = now, errno = 5, error message = 'Input/output error')"), 5),
        (OSError("Can't synchronously read data (memory allocation failed for raw data chunk)"), 12),
        (OSError("Can't synchronously read data (filter returned failure during read)"), 12),
        (MemoryError(), 12),
        (PermissionError(13, "no"), 13),
        (FileNotFoundError(2, "no"), 2),
    ],
)
def test_want_of_memory_locks_or_rights_is_not_damage(error: Exception, number: int, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"some\.h5") as caught, hdf5.reading(tmp_path / "some.h5"):
        raise error
    assert caught.value.errno == number
    assert not isinstance(caught.value, DamagedFileError)


@pytest.mark.parametrize(
    "error",
    [
        OSError("Can't synchronously read data (data error detected by Fletcher32 checksum)"),
        OSError("Can't read data (file read failed: time = now, errno = 22, error message = 'Invalid argument')"),
        RuntimeError("Link iteration failed (unable to offset into local heap data block)"),
        KeyError("spectrogram"),
    ],
)
def test_what_the_content_makes_fail_is_damage(error: Exception, tmp_path: Path) -> None:
    with (
        pytest.raises(DamagedFileError, match=r"some\.h5: damaged \(.*\); remove it"),
        hdf5.reading(tmp_path / "some.h5"),
    ):
        raise error
