"""Damage: a file exists, but is not the file that was written."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REMADE = "remove it, and it will be made again"
"""The remedy for files that the platform makes itself."""

MODEL_AGAIN = "choose the same model as champion again, by its K or its version in MLflow"
"""The remedy for damaged files of a champion."""

NOT_DAMAGE = {
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ESTALE,
    errno.EIO,
    errno.EAGAIN,
    errno.ENOLCK,
    errno.ETIMEDOUT,
}
"""Numbers of errors that do not depend on a file's content."""


class DamagedFileError(OSError):
    """A file cannot be read, or its content is not what was written; the message has path, reason and remedy.

    Attributes
    ----------
    path
        The file.
    why
        What is wrong with it.
    remedy
        What to do.
    """

    def __init__(self, path: Path | str, why: str, remedy: str = REMADE) -> None:
        super().__init__(f"{path}: damaged ({why}); {remedy}")
        self.path = Path(path)
        self.why = why
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.why, self.remedy)


@contextmanager
def damage_named(path: Path | str, remedy: str = REMADE) -> Iterator[None]:
    """Turn every error of a reader that is caused by a file's content into `DamagedFileError`.

    Libraries raise errors of every kind for unexpected bytes. Errors with another cause pass: an absent file, no right
    to read it, too little memory.

    Parameters
    ----------
    path
        The file that is read inside the block.
    remedy
        What the reader of the message should do.
    """
    try:
        yield
    except (DamagedFileError, MemoryError):
        raise
    except OSError as error:
        if error.errno in NOT_DAMAGE:
            raise
        raise DamagedFileError(path, _said(error), remedy) from error
    except Exception as error:  # libraries raise errors of every kind
        raise DamagedFileError(path, _said(error), remedy) from error


def check_regular(path: Path, remedy: str = REMADE) -> None:
    """Raise `DamagedFileError` if a path is not a file: a folder, or a pipe, whose reading might never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise DamagedFileError(path, "not a file, but a folder or something else", remedy)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
