"""Common parts of the sensors of station-days: limits of requests, and the requests."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg

from ris_core.contracts.station_day import StationDay
from ris_core.stages.station_day_stage import StationDayStage
from ris_core.station_days.station_days import StationDays
from ris_core.storage.journal import FailedAttempt
from ris_dagster.adapter.run_tags import never_retried, of_sensor, with_priority
from ris_dagster.bindings import Binding, Bindings
from ris_dagster.partitions import station_day
from ris_dagster.planning import Block
from ris_dagster.records import AT_WORK, station_days_of

# A tick may take a minute. Looking at products on disk stops before that; the next tick continues.
LOOKING_S = 20.0
_LOST_DAYS = 7
_LOST_RUNS = 200


def job_of(jobs: Sequence[Any], name: str) -> Any:
    """Return the job with a name."""
    return next(job for job in jobs if job.name == name)


def status(running: bool) -> dg.DefaultSensorStatus:
    """Return whether a sensor runs unless someone has switched it in the UI."""
    return dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED


def room(instance: dg.DagsterInstance, sensor: str, at_most: int) -> int:
    """Return how many more runs a sensor may request."""
    waiting = dg.RunsFilter(tags=of_sensor(sensor), statuses=list(AT_WORK))
    return max(0, at_most - instance.get_runs_count(waiting))


def latest(instance: dg.DagsterInstance, binding: Binding, known: set[StationDay]) -> dict[StationDay, int]:
    """Return the number of the latest record of each known station-day that a stage has made."""
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    found = instance.get_latest_storage_id_by_partition(binding.assets[-1], made)
    numbers = {station_day(partition): number for partition, number in found.items()}
    return {key: number for key, number in numbers.items() if key in known}


def lost_attempts(
    instance: dg.DagsterInstance,
    days: StationDays,
    bindings: Bindings,
    sensor: str,
    name: str,
    among: set[StationDay],
    now: datetime,
) -> dict[StationDay, FailedAttempt]:
    """Return the station-days for which recent runs of a sensor ended without a result, as failed attempts.

    Neither a product nor a failure was recorded: the process was killed, or the workers could not be reached. Only runs
    after the input was written count. Such a station-day waits and is given up like other failed ones
    (`ris_core.stages.attempts`). So it is not requested again and again, and an outage of minutes costs one wait.
    """
    recent = dg.RunsFilter(
        tags=of_sensor(sensor),
        statuses=[dg.DagsterRunStatus.FAILURE],
        created_after=now - timedelta(days=_LOST_DAYS),
    )
    stage = days.stages[name]
    lost: dict[StationDay, FailedAttempt] = {}
    for record in instance.get_run_records(recent, limit=_LOST_RUNS):  # newest first
        run = record.dagster_run
        if name not in bindings.of_run(run):
            continue
        created, ended = utc(record.create_timestamp), utc(record.update_timestamp).isoformat()
        for key in among.intersection(station_days_of(run.tags, days.stations)):
            if stage.input_changed_at(key) < created:
                first = FailedAttempt(name, key.station, key.day.isoformat(), f"run {run.run_id}", 0, ended)
                known = lost.get(key, first)
                lost[key] = replace(known, attempts=known.attempts + 1)
    return lost


def utc(time: datetime) -> datetime:
    """Return a time of one of Dagster's records with its zone, which some storages omit."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def without_failed(
    days: StationDays, name: str, keys: Iterable[StationDay], since: datetime | None = None
) -> list[StationDay]:
    """Leave out station-days that failed with their present input: `catch_up` repeats them.

    Failures before `since`, when something else changed on which the stage depends, do not count.
    """
    stage, failures = days.stages[name], days.journal.all(name, days.files)
    return [key for key in keys if key not in failures or _failed_before(failures[key], stage, key, since)]


def _failed_before(
    failure: FailedAttempt, stage: StationDayStage[Any], key: StationDay, since: datetime | None
) -> bool:
    changed = stage.input_changed_at(key)
    return datetime.fromisoformat(failure.last_attempt) < (changed if since is None else max(changed, since))


def found_in_time(
    keys: Iterable[StationDay],
    wanted: Callable[[StationDay], bool],
    at_most: int,
    unwanted: Callable[[StationDay], None] = lambda _: None,
) -> Iterator[StationDay]:
    """Yield wanted station-days until there are enough or the time is over; report the others."""
    until = monotonic() + LOOKING_S
    for key in keys:
        if at_most <= 0 or monotonic() > until:
            return
        if wanted(key):
            at_most -= 1
            yield key
        else:
            unwanted(key)


_REMEMBERED: defaultdict[tuple[Path, str], dict[StationDay, Any]] = defaultdict(dict)


def remembered(root: Path, what: str) -> dict[StationDay, Any]:
    """Return this process's findings about station-days, for additions; they are lost when the process ends."""
    return _REMEMBERED[root, what]


def request(stage: str, block: Block, priority: int, asked_again: bool = True) -> dg.RunRequest:
    """Return the request of one run: a stage over a block.

    Parameters
    ----------
    stage, block
        The stage and its block.
    priority
        Waiting runs with the greatest priority start first; the default is 0.
    asked_again
        Whether the sensor requests the rest of a killed run itself, so that Dagster need not start it again.
    """
    retries = never_retried() if asked_again else {}
    return dg.RunRequest(job_name=stage, tags=block.tags() | with_priority(priority) | retries)
