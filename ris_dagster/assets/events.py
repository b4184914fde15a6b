"""Detections and spectrograms: one pass over a station-day makes both."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import FdsnSettings, Settings
from ris_core.stages import Outcome
from ris_core.waveforms.source import name_of
from ris_dagster import block_runs
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS
from ris_dagster.metadata import code_version, column_schema, finite, owners, picture
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

DETECTIONS = dg.AssetKey("detections")
SPECTROGRAMS = dg.AssetKey("spectrograms")
_IMPORTED = " Imported from the published HDF5 file by `ris import-h5`; they cannot be made again here."


def build_event_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "process"."""
    from ris_core.storage.tables import DETECTION_SCHEMA

    version = code_version(versions.IMPORT if settings.imported else versions.PROCESS, settings.process_digest())
    # Raw files that were dropped are fetched again, so these runs take their turn at the data centre as well.
    fetches = isinstance(settings.source, FdsnSettings) and settings.retention.raw == "drop_after_processing"
    imported = _IMPORTED if settings.imported else ""
    common: dict[str, Any] = {
        "group_name": "process",
        "owners": owners(settings),
        "tags": {"stage": "process"},
        "deps": [RAW_WAVEFORMS],
        "partitions_def": partitions.station_days,
        "skippable": True,
        "code_version": version,
    }

    @dg.multi_asset(
        name="station_day_events",
        specs=[
            dg.AssetSpec(
                DETECTIONS,
                kinds={"scipy", "parquet"},
                description="STA/LTA detections of a station-day, one row each: times, amplitude, SNR, and the outcome "
                "'event' or why there is no spectrogram." + imported,
                # Of all station-days alike, so it is said once.
                metadata={"dagster/column_schema": column_schema(DETECTION_SCHEMA)},
                **common,
            ),
            dg.AssetSpec(
                SPECTROGRAMS,
                kinds={"scipy", "hdf5"},
                description="Spectrograms (87 frequencies x 100 times, power density) of a station-day's events with "
                "the conditioned samples behind them." + imported,
                **common,
            ),
        ],
        can_subset=True,
        pool=name_of(settings.source) if fetches else None,
        backfill_policy=dg.BackfillPolicy.multi_run(50),
        check_specs=[
            dg.AssetCheckSpec(
                "every_detection_accounted_for",
                asset=SPECTROGRAMS,
                description="Every detection either has a spectrogram or says why not, and no station-day failed.",
            )
        ],
    )
    def station_day_events(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(
            context,
            store,
            compute,
            "process",
            {DETECTIONS: describe_detections, SPECTROGRAMS: describe_spectrograms},
            {DETECTIONS: version, SPECTROGRAMS: version},
            _accounted,
        )

    return [station_day_events]


def describe_detections(result: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a station-day's detections."""
    return {
        "dagster/row_count": int(result["detections"]),
        "outcomes": result["outcomes"],
        "live_seconds": finite(result["live_seconds"]),
        "too_short_segments": int(result["too_short_segments"]),
        "too_short_seconds": float(result["too_short_seconds"]),
        "without_acceleration": result["without_acceleration"],
        # Events that were imported have none.
        **({"response_remarks": result["response_remarks"]} if result.get("response_remarks") else {}),
        "reason": result["reason"],
        "path": dg.MetadataValue.path(result["detections_path"]),
        "content": result["detections_content"],
        "seconds": round(float(result["seconds"]), 3),
        "already_current": bool(result["skipped"]),
        **({"day": picture(result["day_png"], "Conditioned day with detections")} if "day_png" in result else {}),
    }


def describe_spectrograms(result: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a station-day's spectrograms."""
    shown = "spectrograms_png" in result
    return {
        "dagster/row_count": int(result["events"]),
        "events": int(result["events"]),
        "reason": result["reason"],
        "path": dg.MetadataValue.path(result["spectrograms_path"]),
        "content": result["content"],
        "seconds": round(float(result["seconds"]), 3),
        "already_current": bool(result["skipped"]),
        **({"samples": picture(result["spectrograms_png"], "Sample spectrograms")} if shown else {}),
    }


def _accounted(outcomes: list[Outcome]) -> dg.AssetCheckResult:
    results = block_runs.results_of(outcomes)
    wrong = [str(key) for key, r in results if r["events"] != r["outcomes"].get("event", 0)]
    failed = block_runs.failed_keys(outcomes)
    totals: dict[str, int] = {}
    for _, r in results:
        for name, count in r["outcomes"].items():
            totals[name] = totals.get(name, 0) + count
    return dg.AssetCheckResult(
        passed=not wrong and not failed,
        asset_key=SPECTROGRAMS,
        check_name="every_detection_accounted_for",
        metadata={"outcomes": totals, "miscounted": wrong, "failed": failed},
    )
