"""The schedule `daily_update`: the newest complete day of all stations is acquired in one run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.waveforms.acquire import AcquireStage
from ris_dagster.adapter.asset_graph import AssetGraph, asset_graph_beside
from ris_dagster.bindings import Bindings
from ris_dagster.planning import newest_complete_day, plan
from ris_dagster.records import in_progress, recorded_station_days
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import job_of, request

DAILY_UPDATE = "daily_update"
# Before all work that can wait a day.
_PRIORITY = 5


def build_daily_update(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> dg.ScheduleDefinition:
    """Return the schedule."""
    running = settings.operations.daily_update

    @dg.schedule(
        name=DAILY_UPDATE,
        job=job_of(jobs, AcquireStage.name),
        cron_schedule=settings.operations.daily_update_cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED,
        description="Acquires the newest complete day of all stations in one run, unless it exists or is under way.",
    )
    def daily_update(context: dg.ScheduleEvaluationContext, store: DataStore) -> list[dg.RunRequest] | dg.SkipReason:
        days = store.station_days(bindings.kinds)
        return ask(context.instance, asset_graph_beside(context), days, bindings, context.scheduled_execution_time)

    return daily_update


def ask(
    instance: dg.DagsterInstance, graph: AssetGraph, network: StationDays, bindings: Bindings, now: datetime
) -> list[dg.RunRequest] | dg.SkipReason:
    """Return the run that acquires the newest complete day, or why there is nothing to do.

    It is one run unless some stations between others have the day or failed: then there are several, so that nothing is
    requested twice.
    """
    settings = network.settings
    if settings.imported:
        return dg.SkipReason("this network's events were imported; there is nothing to acquire")
    day = newest_complete_day(settings, now.astimezone(UTC))
    if settings.last_day is not None and day > settings.last_day:
        return dg.SkipReason(f"the network ended on {settings.last_day}")
    if day < settings.first_day:
        return dg.SkipReason(f"the network begins on {settings.first_day}")
    stations = [s.code for s in settings.stations]
    keys = {StationDay(code, day) for code in stations}
    there = keys & recorded_station_days(instance, bindings[AcquireStage.name])
    busy = (keys & in_progress(instance, stations, graph, bindings)[AcquireStage.name]) - there
    failed = (keys & network.journal.all(AcquireStage.name).keys()) - there - busy
    blocks = plan(keys - there - busy - failed, stations, len(stations))
    if not blocks:
        said = {"there": there, "under way": busy, "failed and left to catch_up": failed}
        return dg.SkipReason(f"{day}: " + ", ".join(f"{len(k)} {what}" for what, k in said.items() if k))
    return [request(AcquireStage.name, block, _PRIORITY, asked_again=False) for block in blocks]
