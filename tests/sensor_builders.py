"""What sensors ask for tick by tick, and station-days that are recorded without having been made."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import dagster as dg
from dagster_internals import SensorExecutionData
from store import Store

from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.asset_graph import AssetGraph
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.partitions import partition_key
from ris_dagster.records import station_days_of
from ris_dagster.sensors import catch_up


def record_acquired(instance: dg.DagsterInstance, keys: Iterable[StationDay]) -> None:
    """Let Dagster know of raw waveforms as if a run had acquired them."""
    for key in keys:
        made = dg.AssetMaterialization("raw_waveforms", partition=str(partition_key(key)))
        instance.report_runless_asset_event(made)


def tick(
    definitions: dg.Definitions, instance: dg.DagsterInstance, sensor: str, cursor: str | None = None
) -> SensorExecutionData:
    """Evaluate a sensor as Dagster does."""
    repository = definitions.get_repository_def()
    resources = {"store": (definitions.resources or {})["store"]}
    with dg.build_sensor_context(instance, cursor=cursor, repository_def=repository, resources=resources) as context:
        return repository.get_sensor_def(sensor).evaluate_tick(context)


def catch_up_at(
    now: datetime, instance: dg.DagsterInstance, graph: AssetGraph, store: Store, cursor: str | None
) -> dg.SensorResult:
    """Ask `catch_up` at another time than that of the clock."""
    with dg.build_sensor_context(instance, cursor=cursor) as context:
        return catch_up.ask(context, graph, store.days, BINDINGS, now)


def asked(requests: Iterable[dg.RunRequest] | None, stations: Sequence[str]) -> list[tuple[str, set[StationDay]]]:
    """Return job and station-days of each requested run."""
    return [(str(r.job_name), set(station_days_of(r.tags, stations))) for r in requests or []]
