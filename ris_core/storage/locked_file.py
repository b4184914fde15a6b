"""A file that several processes and threads append to: one of them at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ris_core.storage.atomic import CannotWriteError, why_not_written
from ris_core.storage.damage import check_regular

LONGEST_WAIT_S = 60.0
_STEP_S = 0.01


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Open a file for reading and writing by this writer alone; give its descriptor. Makes the file if it is absent.

    Raises
    ------
    CannotWriteError
        The file cannot be written or locked, or another process holds it for `LONGEST_WAIT_S`.
    DamagedFileError
        There is something else than a file at this path.
    """
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            check_regular(path)
            _lock(path, file)
            # Another process may have replaced the file before this one had the lock.
            if _is_at(path, file):
                yield file
                return
        finally:
            os.close(file)  # this gives back the lock


def is_free(path: Path) -> bool:
    """Wait until no process writes to a file, for a second at most; return whether that is so."""
    with path.open("rb") as file:
        for _ in range(100):
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            time.sleep(_STEP_S)
    return False


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, after a file was made there."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def cannot_write(path: Path, error: OSError) -> CannotWriteError:
    """Return the error that says why a file cannot be written."""
    return CannotWriteError(why_not_written(path, path, error) or f"{path} cannot be written: {error}")


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lock(path: Path, file: int) -> None:
    """Wait for the lock of the file, which the system gives back when its holder ends, however it ends."""
    until = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise CannotWriteError(
                    f"{path} cannot be locked ({error.strerror}); keep the data root on a file system with locks"
                ) from error
        if time.monotonic() > until:
            raise CannotWriteError(
                f"{path}: another process has held it for {LONGEST_WAIT_S:.0f} s; see which (`fuser {path}`), end it, "
                "and repeat the command; nothing was written"
            )
        time.sleep(_STEP_S)
