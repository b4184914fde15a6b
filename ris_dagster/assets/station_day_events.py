"""Detections and spectrograms: one pass over a station-day makes both."""

from collections import Counter
from typing import Any

import dagster as dg

from ris_core.config import FdsnSettings, Settings, source_name
from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.processed import Processed
from ris_core.processing.process import ProcessStage
from ris_dagster import block_runs
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS
from ris_dagster.bindings import Binding
from ris_dagster.metadata import column_schema, finite, owners, picture
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

DETECTIONS = dg.AssetKey("detections")
SPECTROGRAMS = dg.AssetKey("spectrograms")
_IMPORTED = " Imported from the published HDF5 file by `ris import-h5`; they cannot be made again here."


def _build(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    from ris_core.storage.table_schemas import detection_schema

    # Removed raw files are fetched again, so these runs also count for the data centre's limit.
    fetches = isinstance(settings.source, FdsnSettings) and settings.retention.raw == "drop_after_processing"
    imported = _IMPORTED if settings.imported else ""
    takes, band = settings.input_spec(), (settings.response.band_low, settings.response.band_high)
    common: dict[str, Any] = {
        "group_name": "process",
        "owners": owners(settings),
        "tags": {"stage": "process"},
        "deps": [RAW_WAVEFORMS],
        "partitions_def": partitions.station_days,
        "skippable": True,
        "code_version": EVENTS.code_version(settings),
    }

    @dg.multi_asset(
        name="station_day_events",
        specs=[
            dg.AssetSpec(
                DETECTIONS,
                kinds={"scipy", "parquet"},
                description="Detections of a station-day, one row each: times, amplitude, SNR, and the outcome "
                "'event' or why there is no spectrogram." + imported,
                # The same for all station-days, so the asset has it once.
                metadata={"dagster/column_schema": column_schema(detection_schema(settings.channels, band))},
                **common,
            ),
            dg.AssetSpec(
                SPECTROGRAMS,
                kinds={"scipy", "hdf5"},
                description=f"Spectrograms ({takes.frequencies} frequencies x {takes.times} times, power density) of a "
                "station-day's events with the conditioned samples behind them." + imported,
                **common,
            ),
        ],
        can_subset=True,
        pool=source_name(settings.source) if fetches else None,
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
            EVENTS,
            {DETECTIONS: describe_detections, SPECTROGRAMS: describe_spectrograms},
            _accounted,
        )

    return station_day_events


EVENTS = Binding(ProcessStage, (DETECTIONS, SPECTROGRAMS), _build)


def describe_detections(made: Made[Processed]) -> dict[str, Any]:
    """Return the metadata of a station-day's detections."""
    found = made.result
    shown = "day" in made.pictures
    return {
        "dagster/row_count": found.detections,
        "outcomes": dict(found.outcomes),
        "live_seconds": finite(found.live_seconds),
        **_live_of(found),
        "too_short_segments": found.too_short_segments,
        "too_short_seconds": found.too_short_seconds,
        "without_acceleration": found.without_acceleration,
        **({"response_remarks": found.response_remarks} if found.response_remarks else {}),
        "reason": found.reason,
        "path": dg.MetadataValue.path(found.detections_path),
        "content": found.detections_content,
        "seconds": round(made.seconds, 3),
        "already_current": made.already_current,
        **({"day": picture(made.pictures["day"], "Conditioned day with detections")} if shown else {}),
    }


def _live_of(found: Processed) -> dict[str, Any]:
    if found.live_path is None:
        return {}  # imported events say nothing of the time in which others could have been found
    return {
        "live_intervals": found.live_intervals,
        "live_path": dg.MetadataValue.path(found.live_path),
        "live_content": found.live_content,
    }


def describe_spectrograms(made: Made[Processed]) -> dict[str, Any]:
    """Return the metadata of a station-day's spectrograms."""
    found = made.result
    shown = "spectrograms" in made.pictures
    return {
        "dagster/row_count": found.events,
        "events": found.events,
        "reason": found.reason,
        "path": dg.MetadataValue.path(found.spectrograms_path),
        "content": found.spectrograms_content,
        "seconds": round(made.seconds, 3),
        "already_current": made.already_current,
        **({"samples": picture(made.pictures["spectrograms"], "Sample spectrograms")} if shown else {}),
    }


def _accounted(outcomes: list[Outcome[Processed]]) -> dg.AssetCheckResult:
    totals: Counter[str] = Counter()
    for _, found in block_runs.results_of(outcomes):
        totals.update(found.outcomes)
    return block_runs.block_check(
        outcomes,
        SPECTROGRAMS,
        "every_detection_accounted_for",
        "miscounted",
        lambda found: found.events != found.outcomes.get("event", 0),
        {"outcomes": dict(totals)},
    )
