"""HDF5 files: writing that survives a full disk, and reading with errors that name their cause.

On a full disk the library itself would end the process (HDF5 1.14). Errors of reading distinguish a damaged file from
too little memory and the like.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ris_core.storage.atomic import replacing
from ris_core.storage.damage import NOT_DAMAGE, REMADE, DamagedFileError, damage_named
from ris_core.storage.hdf5_objects import UnsafeHdf5Error

IN_MEMORY_BYTES = 2**28
"""Files up to this size, before compression, are built in memory, as those of station-days are."""
_MARGIN = 1.02  # size of an HDF5 file besides its values
_GROWTH = 2**20


@contextmanager
def created(path: Path, size: int, **options: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that replaces ``path`` when the block ends without an error.

    Parameters
    ----------
    path, size, options
        See `written`.

    Raises
    ------
    CannotWriteError
        The disk is full, or the folder cannot be written.
    """
    with replacing(path) as temporary, written(temporary, size, **options) as file:
        yield file


@contextmanager
def written(path: Path, size: int, room: int = 0, **options: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that is written to ``path`` when the block ends without an error.

    Parameters
    ----------
    path
        The file.
    size
        Bytes of all values to be written, before compression. Large files need this much free space at the start.
    room
        Bytes left free at the start of the file, for its head: none, or a power of two from 512 on.
    **options
        Further arguments of `h5py.File`.
    """
    if room:
        options["userblock_size"] = room
    if size > IN_MEMORY_BYTES:
        if shutil.disk_usage(path.parent).free < size * _MARGIN:
            raise OSError(errno.ENOSPC, f"{size / 1e6:.0f} MB are needed")
        with h5py.File(path, "w", **options) as file:
            yield file
        return
    memory = {"driver": "core", "backing_store": False, "block_size": _GROWTH}
    with h5py.File(path, "w", **memory, **options) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()  # without the room
    with path.open("wb") as plain:
        plain.seek(room)
        plain.write(image)


@contextmanager
def reading(path: Path, remedy: str = REMADE) -> Iterator[None]:
    """Turn errors of HDF5 over a checked file into `DamagedFileError`, unless they have another cause.

    Raises
    ------
    OSError
        Too little memory, a full disk or missing rights; names the file.
    DamagedFileError
        The file is damaged.
    """
    with damage_named(path, remedy):
        try:
            yield
        except UnsafeHdf5Error as error:
            raise DamagedFileError(path, str(error), remedy) from error
        except DamagedFileError:
            raise
        except Exception as error:
            # Checksums are tested before codecs run: a codec that fails lacks memory.
            outer = circumstance(error, "filter returned failure")
            if outer is None:
                raise
            raise OSError(outer.errno, outer.strerror, str(path)) from error


def circumstance(error: Exception, *texts: str) -> OSError | None:
    """Return the cause of an HDF5 error if it is not the file; else none.

    Parameters
    ----------
    error
        Error of h5py; HDF5 gives most causes only in words.
    *texts
        Further words that mean too little memory.
    """
    said = str(error)
    if isinstance(error, MemoryError) or any(text in said for text in ("memory allocation failed", "llocate", *texts)):
        return OSError(errno.ENOMEM, "too little memory to read it; give the process more, or run fewer at a time")
    if "unable to lock" in said:
        return OSError(
            errno.ENOLCK, "it cannot be locked; set HDF5_USE_FILE_LOCKING=FALSE if its file system has no locks"
        )
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := re.search(r"errno = (\d+)", said)):
        number = int(told[1])
    return OSError(number, os.strerror(number)) if number in NOT_DAMAGE else None
