"""Raw waveforms: one station-day each, stored or read in place."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from ris_core.config import Settings, source_name
from ris_core.contracts.acquisition import Acquisition, SamplesAt
from ris_core.contracts.outcome import Made, Outcome
from ris_core.waveforms.acquire import AcquireStage
from ris_core.waveforms.amplitudes import CLIP_COUNTS, CLIP_SAMPLES, FLAT_S
from ris_core.waveforms.sample_quality import (
    LEAST_COVERAGE,
    MOST_CLIPPED_S,
    MOST_FLAT_S,
    MOST_OVERLAP_S,
    MOST_SPIKES,
    problems_of,
)
from ris_dagster import block_runs
from ris_dagster.bindings import Binding
from ris_dagster.metadata import finite, owners, picture, table
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

RAW_WAVEFORMS = dg.AssetKey("raw_waveforms")
_NO_WAVEFORMS = (
    "There are none: this network's events were imported from the published HDF5 file by `ris import-h5`. The record "
    "shows the station-days of the events; waveforms cannot be acquired."
)


def _build(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:

    @dg.asset(
        name="raw_waveforms",
        group_name="acquire",
        kinds={"obspy", settings.source.kind},
        owners=owners(settings),
        tags={"stage": "acquire"},
        description=_NO_WAVEFORMS
        if settings.imported
        else "Continuous raw waveforms in counts, one station and UTC day with its padding, as miniSEED in the "
        "data root, or read in place from an SDS archive. A day without data is a recorded result.",
        partitions_def=partitions.station_days,
        backfill_policy=dg.BackfillPolicy.multi_run(50),
        code_version=RAW.code_version(settings),
        pool=source_name(settings.source),
        check_specs=[
            dg.AssetCheckSpec(
                "station_day_quality",
                asset=RAW_WAVEFORMS,
                description=f"Every channel of a station-day with data covers {LEAST_COVERAGE:.0%} of its day or more, "
                f"with at most {MOST_OVERLAP_S:g} s of overlapping records that differ, {MOST_FLAT_S:g} s of flat "
                f"lines (one value for {FLAT_S:g} s or longer), {MOST_CLIPPED_S:g} s clipped (runs of {CLIP_SAMPLES} "
                f"or more samples at the day's extreme beyond ±{CLIP_COUNTS:,} counts or at a 16-bit limit) and "
                f"{MOST_SPIKES} spikes, no "
                "NaN or infinite sample, one sampling rate and no damaged file; and none failed.",
            )
        ],
    )
    def raw_waveforms(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(context, store, compute, RAW, {RAW_WAVEFORMS: describe_waveforms}, _quality)

    return raw_waveforms


RAW = Binding(AcquireStage, (RAW_WAVEFORMS,), _build)


_COUNTS = ("gaps", "overlaps", "flat_lines", "clipped_runs", "spikes", "non_finite")
_SECONDS = ("gap_seconds", "overlap_seconds", "duplicate_seconds", "flat_line_seconds", "clipped_seconds")
_VALUES = ("minimum", "maximum", "mean", "rms")
_EXCHANGE = ("provider", "attempts", "received_bytes")
_MOST_ROWS = 40
_PATHS = {SamplesAt.IN_PLACE: "in place", SamplesAt.IMPORTED: "imported"}


def describe_waveforms(made: Made[Acquisition]) -> dict[str, Any]:
    """Return the metadata of an acquired station-day."""
    found = made.result
    quality, exchange = asdict(found.quality), asdict(found.exchange)
    rates, request = found.quality.sampling_rates, exchange["request_seconds"]
    return {
        "state": "data" if found.has_data else "no_data",
        "reason": found.reason,
        "dagster/row_count": found.quality.samples,
        "sampling_rate (Hz)": None if found.quality.samples == 0 else float(found.quality.sampling_rate),
        **({"sampling_rates (Hz)": ", ".join(f"{rate:g}" for rate in rates)} if len(rates) > 1 else {}),
        "sample_type": ", ".join(found.quality.sample_types),
        "coverage": finite(found.quality.coverage),
        **{name: int(quality[name]) for name in _COUNTS},
        **{name: float(quality[name]) for name in _SECONDS},
        **{f"{name} (counts)": float(quality[name]) for name in _VALUES if quality[name] is not None},
        "worth_a_look": problems_of(found),
        "bytes": found.size,
        **{name: exchange[name] for name in _EXCHANGE if exchange[name] is not None},
        **({} if request is None else {"request_seconds": round(float(request), 3)}),
        "path": dg.MetadataValue.path(found.stored_as or _PATHS.get(found.samples_at, "")),
        **({"files": list(found.files)} if found.files else {}),
        **({"channels": table(_of_channels(found))} if found.channels else {}),
        "content": found.content,
        "seconds": round(made.seconds, 3),
        "already_current": made.already_current,
        **({"day": picture(made.pictures["day"], "Raw waveform of the day")} if "day" in made.pictures else {}),
    }


def _of_channels(found: Acquisition) -> Any:
    """Return a table with a row for each of several channels."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "channel": code,
                "state": "data" if of_channel.has_data else "no_data",
                "coverage": finite(of_channel.quality.coverage),
                "gaps": of_channel.quality.gaps,
                "rms (counts)": of_channel.quality.rms,
                "bytes": of_channel.size,
                "path": of_channel.stored_as or _PATHS.get(of_channel.samples_at, ""),
                "reason": of_channel.reason,
            }
            for code, of_channel in found.channels
        ]
    )


def _quality(outcomes: list[Outcome[Acquisition]]) -> dg.AssetCheckResult:
    import pandas as pd

    results = block_runs.results_of(outcomes)
    without = [key for key, found in results if not found.has_data]
    rows = [
        {"station-day": str(key), "worth a look": "; ".join(problems)}
        for key, found in results
        if (problems := problems_of(found))
    ]
    failed = block_runs.failed_keys(outcomes)
    unnamed = {"not_shown": len(rows) - _MOST_ROWS} if len(rows) > _MOST_ROWS else {}
    return dg.AssetCheckResult(
        passed=not rows and not failed,
        asset_key=RAW_WAVEFORMS,
        check_name="station_day_quality",
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=f"{len(rows)} of {len(outcomes)} station-days are worth a look, {len(failed)} failed",
        metadata={
            "station_days": len(outcomes),
            "without_data": len(without),
            "failed": failed,
            **({"worth_a_look": table(pd.DataFrame(rows[:_MOST_ROWS]))} if rows else {}),
            **unnamed,
        },
    )
