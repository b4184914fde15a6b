"""Atomic writes: a file is complete, or it does not exist."""

from __future__ import annotations

import errno
import getpass
import hashlib
import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file is larger than is allowed",
}
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class CannotWriteError(OSError):
    """A file cannot be written: no space or no permission; the message says what to do."""


def this_host() -> str:
    """Return 8 hexadecimal digits that stand for the name of this host."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def this_process() -> str:
    """Return the mark of the writing process in the names of temporary files (see `sweep`)."""
    return f"{this_host()}-{os.getpid()}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success flush it to disk and rename it to ``path``.

    If the body raises, the temporary file is removed and ``path`` does not change.

    Raises
    ------
    CannotWriteError
        The disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{this_process()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with suppress(OSError):
            path.rmdir()  # an empty folder in place of the file
        temporary.replace(path)
    except Exception as error:
        why = why_not_written(path, temporary, error)
        if why:
            raise CannotWriteError(why) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, if it is there, or an empty folder in its place.

    Raises
    ------
    CannotWriteError
        The file may not be removed, or there is a folder with files at this path.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        why = (
            "there is a folder with files at this path; move it away"
            if path.is_dir()
            else why_not_written(path, path, error)
        )
        raise CannotWriteError(f"{path} cannot be removed: {why or error}") from error


def check_writable(folder: Path) -> None:
    """Raise `CannotWriteError` if this user may not write to an existing folder."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotWriteError(_closed(folder))


def why_not_written(path: Path, temporary: Path, error: Exception) -> str:
    """Return a message for an error of writing a file; empty for any other error."""
    number = getattr(error, "errno", None)
    if number is None and (told := re.search(r"errno = (\d+)", str(error))):
        number = int(told[1])  # HDF5 has the number only in its text
    if number in _FULL:
        folder = _existing(path.parent)
        free = shutil.disk_usage(folder).free / 1e6
        return (
            f"{path} cannot be written: {_FULL[number]} ({free:.1f} MB free in {folder}); free space there and repeat "
            "the command; no incomplete file is left"
        )
    if number in (errno.EISDIR, errno.ENOTEMPTY, errno.ENOTDIR) and path.is_dir():
        return f"{path} cannot be written: there is a folder with files at this path; move it away"
    named = getattr(error, "filename", None)
    if number in _CLOSED and (named is None or Path(str(named)) in (temporary, path, *path.parents)):
        return f"{path} cannot be written: {_closed(_existing(path.parent))}"
    return ""


def _closed(folder: Path) -> str:
    return (
        f"{folder} is read-only for user {_user()}; give this user the right to write there, or set RIS_DATA to a "
        "folder in which it has this right"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user number without a name, as in containers
        return str(os.geteuid())


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())
