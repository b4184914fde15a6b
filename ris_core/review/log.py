"""The review log: an append-only file with one JSON line per decision.

Every line has a digest of itself, and the digest of the line before, so that an edited, removed or moved line is found
when the log is read. A small record beside it (`log.json`) says how many lines were appended, so that missing last
lines are noticed, too, and said until a salvage, whatever is appended after them. A line counts once it is whole. What
a killed process leaves of a line is never taken for a decision; it is named, and the next append removes it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from ris_core.contracts.decision import Decision
from ris_core.review.log_lines import FIRST, REMEDY, LaterFormatError, of_line, to_line
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError, check_regular
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.locked_file import cannot_write, flush_folder, is_free, locked

logger = logging.getLogger(__name__)


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
    missing
        In words, how many lines were removed at the end, also if others were appended since; empty if none.
    length
        Bytes of the whole lines.
    """

    decisions: tuple[Decision, ...] = ()
    digest: str = FIRST
    torn: str = ""
    missing: str = ""
    length: int = 0


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


@dataclass(frozen=True)
class Salvaged:
    """What was left of a damaged log.

    Attributes
    ----------
    kept
        Decisions of the new log.
    lost
        In words, the lines that are not in it.
    aside
        Where the damaged log is now; none if only lines at its end were missing, so that it was not changed.
    """

    kept: int
    lost: tuple[str, ...]
    aside: Path | None


class ReviewLog:
    """The review log of a data root; several processes and threads may append to it at once.

    Parameters
    ----------
    path
        `Layout.reviews`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def record(self) -> Path:
        """Path of the record of how many lines were appended."""
        return self.path.with_suffix(".json")

    def read(self) -> LogContent:
        """Return all decisions; an absent log has none.

        Raises
        ------
        DamagedFileError
            A line is not what was written; the message has its number. Such a log is not used at all, because a
            decision that is left out may change many classes. What is lost at its end is said in the result.
        LaterFormatError
            A later version wrote a decision.
        """
        # The record comes first: a line that is appended meanwhile is not in it.
        appended = self._appended()
        try:
            check_regular(self.path, REMEDY)
            found = self._parse(self.path.read_bytes())
            if found.torn and is_free(self.path):  # perhaps another process was just writing it
                found = self._parse(self.path.read_bytes())
        except FileNotFoundError:
            found = LogContent()
        return replace(found, missing=_missing(found, appended))

    def append(self, decisions: Sequence[Decision]) -> Appended:
        """Add decisions at the end and flush them to disk; those whose `id` the log already has are not added again.

        Raises
        ------
        DamagedFileError
            The log is damaged, or of a later version; nothing is added to it.
        ValueError
            The log has another decision with the same `id`; nothing is added.
        CannotWriteError
            The file cannot be written, or another process holds it for a minute.
        """
        with locked(self.path) as file:
            before, appended = self._parse(_all_of(file)), self._appended()
            missing = _missing(before, appended)
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
            if new:
                for lost in filter(None, (before.torn, missing)):
                    logger.warning("%s: %s", self.path, lost)
                self._write(file, before, new)
                # Lines that are missing stay missing.
                write_json(self.record, {"lines": max(appended, len(before.decisions)) + len(new)})
        return Appended(len(new), len(decisions) - len(new))

    def salvage(self) -> Salvaged | None:
        """Replace a damaged log by one of its sound lines, and keep the damaged one beside it; None if it is sound.

        Lines that were moved come back to their places, as far as the lines before them are there. Of a log whose last
        lines are missing, but which is sound otherwise, they are not said any more.

        Raises
        ------
        LaterFormatError
            A later version wrote a decision, which would be lost.
        """
        with locked(self.path) as file:
            data = _all_of(file)
            with suppress(DamagedFileError):
                there, appended = len(self._parse(data).decisions), self._appended()
                if there >= appended:
                    return None
                write_json(self.record, {"lines": there})
                return Salvaged(there, (_removed(appended - there),), None)
            kept, lost = self._sound_lines(data)
            aside = self.path.with_name(f"{self.path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jsonl")
            with replacing(aside) as temporary:
                temporary.write_bytes(data)
            text, digest = b"", FIRST
            for decision in kept:
                line, digest = to_line(decision, digest)
                text += line
            with replacing(self.path) as temporary:
                temporary.write_bytes(text)
            write_json(self.record, {"lines": len(kept)})
        return Salvaged(len(kept), tuple(lost), aside)

    def _sound_lines(self, data: bytes) -> tuple[list[Decision], list[str]]:
        kept: dict[str, tuple[Decision, str]] = {}
        after: dict[str, str] = {}
        lost: list[str] = []
        lines = data.split(b"\n")
        for number, line in enumerate(lines[:-1] if lines[-1] == b"" else lines, start=1):
            try:
                decision, digest = of_line(self.path, number, line, None)
                if decision.id not in kept:
                    kept[decision.id] = decision, digest
                    after.setdefault(json.loads(line)["before"], decision.id)
            except LaterFormatError:
                raise
            except DamagedFileError as error:
                lost.append(error.why)
        gone = self._appended() - len(kept) - len(lost)
        if gone > 0:
            lost.append(_removed(gone))
        digests = {digest for _, digest in kept.values()}
        order: dict[str, Decision] = {}
        for before, first in after.items():
            following: str | None = None if before in digests else first
            while following is not None and following not in order:
                order[following], digest = kept[following]
                following = after.get(digest)
        rest = {name: decision for name, (decision, _) in kept.items() if name not in order}
        return [*order.values(), *rest.values()], lost

    def _parse(self, data: bytes) -> LogContent:
        decisions: dict[str, Decision] = {}
        digest, length, torn = FIRST, 0, ""
        lines = data.split(b"\n")
        for number, line in enumerate(lines, start=1):
            last = number == len(lines)
            if last and not line:
                break
            try:
                decision, digest = self._of_line(number, line, digest)
            except DamagedFileError as error:
                if not last or isinstance(error, LaterFormatError):
                    raise
                torn = (
                    f"the last line ({len(line)} bytes) was never completed, because its process was killed; it is "
                    "not a decision, and the next one takes its place"
                )
                break
            if decision.id in decisions:
                raise DamagedFileError(self.path, f"line {number}: the id {decision.id} is there twice", REMEDY)
            decisions[decision.id] = decision
            length += len(line) + (not last)
        return LogContent(tuple(decisions.values()), digest, torn, length=length)

    def _of_line(self, number: int, line: bytes, before: str) -> tuple[Decision, str]:
        with suppress(DamagedFileError):
            return _sound_line(line, before)
        return of_line(self.path, number, line, before)  # its error names file and line

    def _appended(self) -> int:
        """Return how many lines the record knows of; 0 if there is none."""
        try:
            return int(read_record(self.record, {"lines": int})["lines"])
        except (FileNotFoundError, DamagedFileError):
            return 0

    def _write(self, file: int, before: LogContent, new: Sequence[Decision]) -> None:
        # A whole last line may lack its newline.
        text = b"" if before.length == 0 or _ends_a_line(file, before.length) else b"\n"
        digest = before.digest
        for decision in new:
            line, digest = to_line(decision, digest)
            text += line
        try:
            os.ftruncate(file, before.length)
            os.lseek(file, before.length, os.SEEK_SET)
            written = 0
            while written < len(text):
                written += os.write(file, text[written:])
            os.fsync(file)
            if before.length == 0:
                flush_folder(self.path.parent)
        except OSError as error:
            os.ftruncate(file, before.length)  # nothing of a decision that is reported as failed stays
            raise cannot_write(self.path, error) from error


@lru_cache(maxsize=100_000)
def _sound_line(line: bytes, before: str) -> tuple[Decision, str]:
    """Return what `of_line` does; who reads a growing log again and again parses each line once."""
    return of_line(Path(), 0, line, before)


def _missing(found: LogContent, appended: int) -> str:
    if (there := len(found.decisions)) >= appended:
        return ""
    return (
        f"{appended} decisions were appended, and {there} are there: {appended - there} were removed at the end; put "
        "back a copy of the log if you have one (`ris review export` and `import` keep what came after it); without "
        "one, `ris review salvage` takes note of the loss"
    )


def _removed(count: int) -> str:
    return f"{count} that were removed: nothing of them is in the log"


def _all_of(file: int) -> bytes:
    parts = []
    os.lseek(file, 0, os.SEEK_SET)
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _ends_a_line(file: int, length: int) -> bool:
    return os.pread(file, 1, length - 1) == b"\n"
