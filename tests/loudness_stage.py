"""Another stage of station-days, as one module: the loudest detection of each hour, and its asset."""

from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from ris_core.config import Settings
from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import NotProcessedError, ProcessStage
from ris_core.stages.station_day_stage import StationDayStage
from ris_core.station_days.station_days import STAGES
from ris_core.storage import tables
from ris_dagster import block_runs
from ris_dagster.bindings import Binding
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

LOUDNESS = dg.AssetKey("loudness")
_SCHEMA = pa.schema([pa.field("hour", pa.int32(), False), pa.field("counts", pa.float64(), False)])


@dataclass(frozen=True)
class Loudness:
    hours: int
    loudest: float


class LoudnessStage(StationDayStage[Loudness]):
    name = "loudness"
    about = "Find the loudest detection of each hour."
    done = "measured"
    inputs = ("process",)
    code_version = "1"

    def products(self, key):
        return (self.layout.table("loudness", key),)

    def expected_stamp(self, key: StationDay) -> Stamp:
        info = self.before(ProcessStage).current(key)
        if info is None:
            raise NotProcessedError(key)
        return Stamp("", self.code_version, info.content)

    def run(self, key: StationDay, again: bool = False) -> Made[Loudness]:
        current = self.is_current(key)
        (path,) = self.products(key)
        if not current:
            stamp = self.expected_stamp(key)
            found = tables.read_table(self.layout.detections(key), ["time_on", "peak_counts"])
            loudest = found["peak_counts"].abs().groupby(found["time_on"].dt.hour).max()
            frame = pd.DataFrame({"hour": loudest.index, "counts": loudest.to_numpy()})
            tables.write_table(path, frame, _SCHEMA, stamp)
        written = tables.read_table(path)
        return Made(Loudness(len(written), float(written["counts"].max())), current, 0.0)


def _build(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.asset(
        key=LOUDNESS,
        deps=["detections"],
        partitions_def=partitions.station_days,
        code_version=BINDING.code_version(settings),
        check_specs=[dg.AssetCheckSpec("none_failed", asset=LOUDNESS)],
    )
    def loudness(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(context, store, compute, BINDING, {LOUDNESS: _describe}, _none_failed)

    return loudness


def _describe(made: Made[Loudness]) -> dict[str, Any]:
    return {"hours": made.result.hours, "loudest": made.result.loudest, "already_current": made.already_current}


def _none_failed(outcomes: list[Outcome[Loudness]]) -> dg.AssetCheckResult:
    failed = block_runs.failed_keys(outcomes)
    return dg.AssetCheckResult(
        passed=not failed, asset_key=LOUDNESS, check_name="none_failed", metadata={"failed": failed}
    )


BINDING = Binding(LoudnessStage, (LOUDNESS,), _build, kinds=(*STAGES, LoudnessStage))
