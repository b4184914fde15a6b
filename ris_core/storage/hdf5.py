"""HDF5 files are written so that a full disk is an error: the library itself would end the process (HDF5 1.14)."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ris_core.storage.atomic import replacing

IN_MEMORY_BYTES = 2**28
"""Files up to this size, before compression, are put together in memory: station-days."""
_MARGIN = 1.02  # what an HDF5 file holds besides its values
_GROWTH = 2**20


@contextmanager
def created(path: Path, size: int, **options: Any) -> Iterator[h5py.File]:
    """Give a new HDF5 file that takes the place of ``path`` when the block ends well.

    Parameters
    ----------
    path
        The file.
    size
        Bytes of the values that are going to be written, before compression. Great files need as much free space at
        the beginning.
    **options
        Further arguments of `h5py.File`.

    Raises
    ------
    CannotWriteError
        The disk is full, or the folder cannot be written.
    """
    with replacing(path) as temporary:
        if size > IN_MEMORY_BYTES:
            if shutil.disk_usage(path.parent).free < size * _MARGIN:
                raise OSError(errno.ENOSPC, f"{size / 1e6:.0f} MB are needed")
            with h5py.File(temporary, "w", **options) as file:
                yield file
            return
        memory = {"driver": "core", "backing_store": False, "block_size": _GROWTH}
        with h5py.File(temporary, "w", **memory, **options) as file:
            yield file
            file.flush()
            image = file.id.get_file_image()
        temporary.write_bytes(image)
