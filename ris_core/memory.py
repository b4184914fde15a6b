"""Too little memory, whichever library reports it: one error that says what needed it, how much, and what to change."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_WORDS = ("can't allocate memory", "cannot allocate memory", "out of memory", "memory allocation failed")


class TooLittleMemoryError(MemoryError):
    """There is too little memory; the message says what needed it, and what to change."""


def said_of_memory(error: BaseException) -> str:
    """Return in one line what an error says of a lack of memory; empty if it is about something else."""
    lines = str(error).strip().splitlines()
    first = lines[0][:200] if lines else type(error).__name__
    by_number = isinstance(error, OSError) and error.errno == errno.ENOMEM
    by_words = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)
    return first if by_number or by_words or isinstance(error, MemoryError) else ""


@contextmanager
def memory_named(what: str, in_memory: float | None = None) -> Iterator[None]:
    """Turn every error over memory into `TooLittleMemoryError`.

    Parameters
    ----------
    what
        What needs it, with the amount where it is known: ``training_set.h5 (8.7 GB of spectrograms)``.
    in_memory
        The setting `training_set.in_memory`, GB, where it is known; the message names it.
    """
    try:
        yield
    except TooLittleMemoryError:
        raise
    except Exception as error:  # libraries report it with errors of many kinds
        if not (said := said_of_memory(error)):
            raise
        raise TooLittleMemoryError(f"{what}: too little memory ({said}); {memory_remedy(in_memory)}") from error


def memory_remedy(in_memory: float | None) -> str:
    """Return what to change where memory is too little; `in_memory` as in `memory_named`."""
    size = "" if in_memory is None else f" (now {in_memory:g} GB)"
    return (
        f"set training_set.in_memory{size} lower, so that a larger training set is read when needed, or use fewer "
        "workers (RIS_WORKERS) or runs at once"
    )


def give_back_memory() -> None:
    """Return memory that was freed to the system, where the C library can (glibc): after much was read at once.

    Many threads each keep what they freed, which adds up to hundreds of megabytes in a server.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
