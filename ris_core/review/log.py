"""The review log: an append-only file with one JSON line per decision.

Every line has a digest of itself, and the digest of the line before, so that an edited, removed or moved line is found
when the log is read. A line counts once it is whole. What a killed process leaves of a line is never taken for a
decision; it is named, and the next append removes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from ris_core.contracts.decision import Decision, Kind
from ris_core.storage.atomic import CannotWriteError, why_not_written
from ris_core.storage.damage import DamagedFileError, check_regular, damage_named

log = logging.getLogger(__name__)

FORMAT = 1
REMEDY = (
    "put back a copy of it from before the change; without one, `ris review salvage` keeps the sound lines and names "
    "the others"
)
_LOCK_S = 60.0
_FIRST = "0" * 16
_TEXT = ("kind", "reviewer", "class_name", "reason", "model", "note", "id")
_TEXTS = ("event_ids", "former", "withdrawn")
_FIELDS = {*_TEXT, *_TEXTS, "bulk", "time"}


@dataclass(frozen=True)
class LogContent:
    """What a review log holds.

    Attributes
    ----------
    decisions
        In the order of the log.
    digest
        Digest of the last line, 16 hexadecimal digits, which stands for the whole log.
    torn
        In words, what a killed process left of a line at the end; empty if nothing.
    """

    decisions: tuple[Decision, ...]
    digest: str
    torn: str = ""


@dataclass(frozen=True)
class Appended:
    """What an append did.

    Attributes
    ----------
    added, known
        Decisions that were written, and those that the log already had.
    """

    added: int
    known: int


class ReviewLog:
    """The review log of a data root; several processes and threads may append to it at once.

    Parameters
    ----------
    path
        `Layout.reviews`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> LogContent:
        """Return all decisions; an absent log has none.

        Raises
        ------
        DamagedFileError
            A line is not what was written, or is of a later version; the message has its number. A decision that is
            left out would change classes silently, so nothing of such a log is used.
        """
        try:
            check_regular(self.path, REMEDY)
            found = self._parse(self.path.read_bytes())[0]
            if found.torn and _free_soon(self.path):  # perhaps another process was just writing it
                found = self._parse(self.path.read_bytes())[0]
        except FileNotFoundError:
            return LogContent((), _FIRST)
        return found

    def append(self, decisions: Sequence[Decision]) -> Appended:
        """Add decisions at the end and flush them to disk; those whose `id` the log already has are not added again.

        Raises
        ------
        DamagedFileError
            The log is damaged; nothing is added to it.
        ValueError
            The log has another decision with the same `id`.
        CannotWriteError
            The file cannot be written, or another process holds it for a minute.
        """
        with self._locked() as file:
            before, end = self._parse(_all_of(file))
            known = {decision.id: decision for decision in before.decisions}
            new: list[Decision] = []
            for decision in decisions:
                if decision.id not in known:
                    known[decision.id] = decision
                    new.append(decision)
                elif known[decision.id] != decision:
                    raise ValueError(
                        f"{self.path} has another decision with id {decision.id}; an entry is never changed: withdraw "
                        "it, and add a new one"
                    )
            if before.torn:
                log.warning("%s: %s; it is removed", self.path, before.torn)
            text, digest = b"", before.digest
            if end.whole_but_newline:
                text = b"\n"
            for decision in new:
                line, digest = _to_line(decision, digest)
                text += line
            if text:
                self._write(file, text, end.length)
        return Appended(len(new), len(decisions) - len(new))

    def _write(self, file: int, text: bytes, at: int) -> None:
        try:
            os.ftruncate(file, at)
            os.lseek(file, at, os.SEEK_SET)
            written = 0
            while written < len(text):
                written += os.write(file, text[written:])
            os.fsync(file)
        except OSError as error:
            # Nothing of a decision that is reported as failed stays.
            os.ftruncate(file, at)
            raise CannotWriteError(why_not_written(self.path, self.path, error) or f"{self.path}: {error}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file for one writer."""
        created = not self.path.exists()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        except OSError as error:
            raise CannotWriteError(why_not_written(self.path, self.path, error) or f"{self.path}: {error}") from error
        try:
            check_regular(self.path, REMEDY)
            _lock(self.path, file)
            yield file
            if created:
                _flush_folder(self.path.parent)
        finally:
            os.close(file)  # this gives back the lock

    def _parse(self, data: bytes) -> tuple[LogContent, _End]:
        decisions: list[Decision] = []
        digest, length = _FIRST, 0
        seen: set[str] = set()
        lines = data.split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):
            with damage_named(self.path, REMEDY):
                decision, digest = _of_line(self.path, number, line, digest)
                if decision.id in seen:
                    raise DamagedFileError(self.path, f"line {number}: the id {decision.id} is there twice", REMEDY)
            seen.add(decision.id)
            decisions.append(decision)
            length += len(line) + 1
        rest = lines[-1]
        torn, whole = "", False
        if rest:
            try:
                decision, digest = _of_line(self.path, len(lines), rest, digest)
                decisions.append(decision)
                length, whole = length + len(rest), True
            except (DamagedFileError, ValueError):
                torn = (
                    f"the last line ({len(rest)} bytes) was never completed, because its process was killed; it is "
                    "not a decision"
                )
        return LogContent(tuple(decisions), digest, torn), _End(length, whole)


@dataclass(frozen=True)
class _End:
    """Where the whole lines end, and whether only the newline of the last one is missing."""

    length: int
    whole_but_newline: bool


def _to_line(decision: Decision, before: str) -> tuple[bytes, str]:
    """Return the line of a decision after the line with a digest, and its own digest."""
    values: dict[str, Any] = {name: getattr(decision, name) for name in _TEXT}
    values |= {name: list(getattr(decision, name)) for name in _TEXTS}
    values |= {"bulk": decision.bulk, "time": decision.time.isoformat(timespec="microseconds")}
    values |= {"format": FORMAT, "before": before}
    digest = _digest(values)
    text = json.dumps({**values, "digest": digest}, sort_keys=True, ensure_ascii=False)
    return text.encode() + b"\n", digest


def _of_line(path: Path, number: int, line: bytes, before: str | None) -> tuple[Decision, str]:
    """Return the decision of a line, and its digest; raises `DamagedFileError` with the number of the line.

    `before` is the digest of the line before it; None does not look at it.
    """

    def damaged(why: str, remedy: str = REMEDY) -> DamagedFileError:
        return DamagedFileError(path, f"line {number}: {why}", remedy)

    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged(f"not JSON: {line[:60]!r}") from error
    if not isinstance(values, dict):
        raise damaged(f"not a decision: {line[:60]!r}")
    digest = values.pop("digest", None)
    if digest != _digest(values):
        raise damaged("it does not match its digest, so it was changed")
    if before is not None and values["before"] != before:
        raise damaged("it does not follow the line before it: lines were removed, moved or inserted there")
    kind, version = values.get("kind"), values.pop("format", None)
    values.pop("before")
    later = "use the version of this platform that wrote it, or a later one"
    if kind not in get_args(Kind):
        raise damaged(f"a decision of the kind {str(kind)[:80]!r}, which this version does not know", later)
    if version != FORMAT or (other := sorted(values.keys() ^ _FIELDS)):
        what = f"of format {version!r}" if version != FORMAT else f"with or without the fields {', '.join(other)}"
        raise damaged(f"a decision {what[:200]}, which this version does not know", later)
    try:
        if not all(isinstance(values[name], str) for name in (*_TEXT, "time")) or not isinstance(values["bulk"], bool):
            raise TypeError("a field has another type")
        for name in _TEXTS:
            if not isinstance(values[name], list) or not all(isinstance(item, str) for item in values[name]):
                raise TypeError(f"{name} is not a list of text")
            values[name] = tuple(values[name])
        values["time"] = datetime.fromisoformat(values["time"])
        return Decision(**values), digest
    except (TypeError, ValueError) as error:
        raise damaged(str(error)) from error


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _all_of(file: int) -> bytes:
    parts = []
    os.lseek(file, 0, os.SEEK_SET)
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _free_soon(path: Path) -> bool:
    """Wait until no process writes to the file, for a second at most; return whether that is so."""
    with path.open("rb") as file:
        for _ in range(100):
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            time.sleep(0.01)
    return False


def _lock(path: Path, file: int) -> None:
    """Wait for the lock of the file, which the system gives back when its holder ends, however it ends."""
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise CannotWriteError(
                    f"{path} cannot be locked: {error.strerror}; keep it on a file system with locks"
                ) from error
        if time.monotonic() > until:
            raise CannotWriteError(
                f"{path}: another process has held the log for {_LOCK_S:.0f} s; see which (`fuser {path}`), end it, "
                "and repeat the command; nothing was added"
            )
        time.sleep(0.01)


def _flush_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
