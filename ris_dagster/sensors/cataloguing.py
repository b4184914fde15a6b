"""The sensor `cataloguing`: after new labels the catalogue of events and the rates are brought up to date."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.labels.label import LabelStage
from ris_core.station_days.station_days import StationDays
from ris_dagster.analysis_jobs import CATALOGUE
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.bindings import Bindings
from ris_dagster.records import AT_WORK
from ris_dagster.resources.data_store import DataStore
from ris_dagster.sensors.asking import job_of, latest, status, utc

CATALOGUING = "cataloguing"
_INTERVAL_S = 60
# Labels of an archive take hours; until they are done, the catalogue follows no more often than this.
_AT_LEAST_BETWEEN = timedelta(hours=1)


def build_cataloguing(settings: Settings, jobs: Sequence[Any], bindings: Bindings) -> dg.SensorDefinition:
    """Return the sensor."""

    @dg.sensor(
        name=CATALOGUING,
        job=job_of(jobs, CATALOGUE),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(settings.operations.cataloguing),
        description="Asks for the catalogue of events and the rates once label tables are newer than the catalogue and "
        "no more are being made; while they are, once an hour. It never asks for analyses that take long.",
    )
    def cataloguing(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return ask(context, store.station_days(bindings.kinds), bindings, datetime.now(UTC))

    return cataloguing


def ask(context: dg.SensorEvaluationContext, days: StationDays, bindings: Bindings, now: datetime) -> dg.SensorResult:
    """Request the catalogue if it is older than the newest label table."""
    instance, name = context.instance, LabelStage.name
    labels = latest(instance, bindings[name], set(days.all()))
    if not labels:
        return dg.SensorResult(skip_reason="there are no label tables")
    newest = max(labels.values())
    (record,) = instance.get_asset_records([EVENT_CATALOGUE]) or (None,)
    made = None if record is None else record.asset_entry.last_materialization_record
    if made is not None and made.storage_id > newest:
        return dg.SensorResult(skip_reason="the catalogue is newer than all label tables")
    runs = {
        job: instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(AT_WORK)), limit=1)
        for job in (name, CATALOGUE)
    }
    if runs[CATALOGUE]:
        return dg.SensorResult(skip_reason="the catalogue is being made")
    if runs[name] and made is not None and now - utc(datetime.fromtimestamp(made.timestamp, UTC)) < _AT_LEAST_BETWEEN:
        return dg.SensorResult(skip_reason="label tables are being made")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"labels-{newest}")])
