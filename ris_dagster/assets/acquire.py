"""Raw waveforms: one station-day each, stored or read in place."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.stages import Outcome
from ris_dagster import station_days
from ris_dagster.metadata import code_version, owners, table
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.store import DataStore

RAW_WAVEFORMS = dg.AssetKey("raw_waveforms")
LEAST_COVERAGE = 0.5
MOST_OVERLAP_S = 60.0


def build_acquire_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "acquire"."""
    version = code_version(versions.ACQUIRE, settings.acquire_digest())

    @dg.asset(
        name="raw_waveforms",
        group_name="acquire",
        kinds={"obspy", settings.source.kind},
        owners=owners(settings),
        tags={"stage": "acquire"},
        description="Continuous raw waveforms in counts, one station and UTC day with its padding, as miniSEED in the "
        "data root, or read in place from an SDS archive. A day without data is a recorded result.",
        partitions_def=partitions.station_days,
        backfill_policy=dg.BackfillPolicy.multi_run(50),
        code_version=version,
        pool=f"source_{settings.source.kind}",
        check_specs=[
            dg.AssetCheckSpec(
                "station_day_quality",
                asset=RAW_WAVEFORMS,
                description=f"Every station-day with data covers {LEAST_COVERAGE:.0%} of its day or more, with at most "
                f"{MOST_OVERLAP_S:g} s of overlapping records, and none failed.",
            )
        ],
    )
    def raw_waveforms(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from station_days.run_block(
            context, store, compute, "acquire", {RAW_WAVEFORMS: _describe}, {RAW_WAVEFORMS: version}, _quality
        )

    return [raw_waveforms]


def _describe(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": result["state"],
        "reason": result["reason"],
        "dagster/row_count": int(result["samples"]),
        "sampling_rate (Hz)": None if result["samples"] == 0 else float(result["sampling_rate"]),
        "coverage": float(result["coverage"]),
        "gaps": int(result["gaps"]),
        "gap_seconds": float(result["gap_seconds"]),
        "overlaps": int(result["overlaps"]),
        "bytes": int(result["bytes"]),
        "path": dg.MetadataValue.path(result["path"]),
        "content": result["inputs"],
        "seconds": round(float(result["seconds"]), 3),
        "already_current": bool(result["skipped"]),
    }


def _quality(outcomes: list[Outcome]) -> dg.AssetCheckResult:
    import pandas as pd

    rows = [
        {"station-day": str(key), **{n: r[n] for n in ("state", "coverage", "gaps", "gap_seconds", "overlap_seconds")}}
        for key, r in station_days.results_of(outcomes)
        if r["state"] == "no_data" or r["gaps"] or r["overlaps"] or r["coverage"] < LEAST_COVERAGE
    ]
    poor = [
        r
        for r in rows
        if r["state"] == "data" and (r["coverage"] < LEAST_COVERAGE or r["overlap_seconds"] > MOST_OVERLAP_S)
    ]
    failed = station_days.failed_keys(outcomes)
    return dg.AssetCheckResult(
        passed=not poor and not failed,
        asset_key=RAW_WAVEFORMS,
        check_name="station_day_quality",
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        metadata={
            "station_days": len(outcomes),
            "without_data": sum(r["state"] == "no_data" for r in rows),
            "failed": failed,
            **({"worth_a_look": table(pd.DataFrame(rows[:40]))} if rows else {}),
        },
    )
