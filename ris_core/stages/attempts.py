"""Failed attempts at station-days: which are tried again, and which are given up until someone resets them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ris_core.config import OperationsSettings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.files import Files
from ris_core.storage.journal import FailedAttempt, Journal

_LONGEST_WAIT_H = 30 * 24.0


def is_given_up(record: FailedAttempt, operations: OperationsSettings) -> bool:
    """Return whether a station-day has failed so often that the sensors no longer request it."""
    return record.attempts >= operations.attempts


def is_due(record: FailedAttempt, operations: OperationsSettings, now: datetime) -> bool:
    """Return whether it is time for another attempt: the wait doubles with each, and after a reset there is none."""
    if is_given_up(record, operations):
        return False
    if record.attempts == 0:
        return True
    wait = timedelta(hours=min(operations.attempt_wait * 2.0 ** (record.attempts - 1), _LONGEST_WAIT_H))
    return datetime.fromisoformat(record.last_attempt) + wait <= now


def given_up(
    journal: Journal, stages: Iterable[str], operations: OperationsSettings, files: Files | None = None
) -> dict[tuple[str, StationDay], FailedAttempt]:
    """Return the station-days that are given up, by stage, with their last error and number of attempts."""
    return {
        (stage, key): record
        for stage in stages
        for key, record in journal.all(stage, files).items()
        if is_given_up(record, operations)
    }
