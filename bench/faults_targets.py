"""Targets of `bench.faults`: kinds of files, how each is read, and what a different result means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Outcome = Literal["same", "noted", "error", "changed", "other", "silent", "hang", "crash"]
OUTCOMES: tuple[Outcome, ...] = ("same", "noted", "error", "changed", "other", "silent", "hang", "crash")
BAD: tuple[Outcome, ...] = ("other", "silent", "hang", "crash")


@dataclass(frozen=True)
class Found:
    """The platform's result of reading a file.

    Attributes
    ----------
    digest
        Digest of all values that were read.
    notes
        Remarks about parts that are left out or unusual.
    samples
        If parts may be left out: time in ns (N,) int64 and value (N,) of each sample.
    """

    digest: str
    notes: tuple[str, ...] = ()
    samples: tuple[NDArray[np.int64], NDArray[Any]] | None = None


@dataclass(frozen=True)
class Damage:
    """A file before and after the damage, and the results of reading both."""

    original: bytes
    spoilt: bytes
    whole: Found
    found: Found

    def other_samples(self) -> NDArray[np.bool_] | None:
        """Return which samples of the whole file (N,) have another value; none if a sample is new."""
        if self.whole.samples is None or self.found.samples is None:
            return None
        (known_times, known_values), (times, values) = self.whole.samples, self.found.samples
        place = np.minimum(np.searchsorted(known_times, times), len(known_times) - 1)
        if not np.array_equal(known_times[place], times):
            return None
        other = np.zeros(len(known_times), dtype=np.bool_)
        other[place] = known_values[place] != values
        return other


def always(damage: Damage) -> bool:
    """Files with their own digest: all damage can be detected."""
    return True


def never(damage: Damage) -> bool:
    """Foreign files without a digest: a changed value cannot be detected."""
    return False


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes
    ----------
    make
        Writes whole files under an empty folder and returns those that are damaged, one at a time.
    read
        Reads a file of such a folder as the platform's commands do.
    told
        Whether damage can be detected in the file.
    text
        Whether it is text.
    nameless
        Whether there is no file that an error could name, as for an answer over the network.
    """

    make: Callable[[Path], list[Path]]
    read: Callable[[Path, Path], Found]
    told: Callable[[Damage], bool] = always
    text: bool = False
    nameless: bool = False


@dataclass(frozen=True)
class Verdict:
    """An outcome, and its message."""

    outcome: Outcome
    said: str = ""


def try_out(target: Target, folder: Path, path: Path, original: bytes, spoilt: bytes, whole: Found) -> Verdict:
    """Write damaged bytes to a path, read them, and judge the result; then restore the original.

    Parameters
    ----------
    whole
        Result of reading the original.
    """
    path.write_bytes(spoilt)
    try:
        found = target.read(folder, path)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - that is what is counted
        return _of_error(target, path, error)
    finally:
        path.write_bytes(original)
    return _of_answer(target, Damage(original, spoilt, whole, found))


def _of_error(target: Target, path: Path, error: BaseException) -> Verdict:
    said = f"{type(error).__name__}: {error}"
    own = type(error).__module__.startswith(("ris_core.", "ris_dagster."))
    named = target.nameless or path.name in said or str(path.parent) in said
    return Verdict("error" if own and named else "other", said)


def _of_answer(target: Target, damage: Damage) -> Verdict:
    if damage.found.digest == damage.whole.digest:
        return Verdict("same")
    said = "; ".join(note for note in damage.found.notes if note not in damage.whole.notes)
    other = damage.other_samples()
    if said and other is not None and not other.any():
        return Verdict("noted", said)
    if target.told(damage):
        return Verdict("silent", said or "no word of it")
    return Verdict("noted" if said else "changed", said)


def digest_of_values(values: Any) -> str:
    """Return a digest of mappings, sequences, arrays, numbers and texts, to the last bit."""
    sha = hashlib.sha256()
    _take_in(sha, values)
    return sha.hexdigest()


def _take_in(sha: Any, values: Any) -> None:
    if isinstance(values, np.ndarray) and values.dtype != object:
        sha.update(f"{values.dtype.str}{values.shape}".encode() + values.tobytes())
    elif isinstance(values, Mapping):
        sha.update(b"{")
        for key in sorted(values, key=str):
            sha.update(repr(key).encode())
            _take_in(sha, values[key])
    elif isinstance(values, str | bytes) or not isinstance(values, Iterable):
        sha.update(repr(values).encode() + b",")
    else:
        sha.update(b"[")
        for value in values:
            _take_in(sha, value)
