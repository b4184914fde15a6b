"""HDF5 files that are too great for the disk."""

from pathlib import Path

import numpy as np
import pytest

from ris_core.storage import hdf5
from ris_core.storage.atomic import CannotWriteError


def test_a_file_greater_than_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "training_set.h5"
    message = r"training_set.h5 cannot be written: the disk is full"
    with pytest.raises(CannotWriteError, match=message) as caught, hdf5.created(path, 10**18):
        pytest.fail("it was begun")
    assert "free space there and do the same again" in str(caught.value)
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
