"""Raw waveforms: one station-day each, stored or read in place."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.stages import Outcome
from ris_core.waveforms.amplitudes import CLIP_COUNTS, CLIP_SAMPLES, FLAT_S
from ris_core.waveforms.quality import (
    LEAST_COVERAGE,
    MOST_CLIPPED_S,
    MOST_FLAT_S,
    MOST_OVERLAP_S,
    MOST_SPIKES,
    problems_of,
)
from ris_core.waveforms.source import name_of
from ris_dagster import block_runs
from ris_dagster.metadata import code_version, finite, owners, picture, table
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

RAW_WAVEFORMS = dg.AssetKey("raw_waveforms")
_NO_WAVEFORMS = (
    "There are none: this network's events were imported from the published HDF5 file by `ris import-h5`. Recorded is "
    "which station-days they belong to; they cannot be acquired here."
)


def build_acquire_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "acquire"."""
    version = code_version(versions.IMPORT if settings.imported else versions.ACQUIRE, settings.acquire_digest())

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
        code_version=version,
        pool=name_of(settings.source),
        check_specs=[
            dg.AssetCheckSpec(
                "station_day_quality",
                asset=RAW_WAVEFORMS,
                description=f"Every station-day with data covers {LEAST_COVERAGE:.0%} of its day or more, with at most "
                f"{MOST_OVERLAP_S:g} s of overlapping records that differ, {MOST_FLAT_S:g} s of flat lines (one value "
                f"for {FLAT_S:g} s or longer), {MOST_CLIPPED_S:g} s clipped (runs of {CLIP_SAMPLES} or more samples at "
                f"the day's extreme beyond ±{CLIP_COUNTS:,} counts or at a 16-bit limit) and {MOST_SPIKES} spikes, no "
                "NaN or infinite sample, one sampling rate and no damaged file; and none failed.",
            )
        ],
    )
    def raw_waveforms(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(
            context, store, compute, "acquire", {RAW_WAVEFORMS: describe_waveforms}, {RAW_WAVEFORMS: version}, _quality
        )

    return [raw_waveforms]


_COUNTS = ("gaps", "overlaps", "flat_lines", "clipped_runs", "spikes", "non_finite")
_SECONDS = ("gap_seconds", "overlap_seconds", "duplicate_seconds", "flat_line_seconds", "clipped_seconds")
_VALUES = ("minimum", "maximum", "mean", "rms")
_EXCHANGE = ("provider", "attempts", "received_bytes")
_MOST_ROWS = 40


def describe_waveforms(result: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of an acquired station-day."""
    rates = result.get("sampling_rates", ())
    request = result.get("request_seconds")
    return {
        "state": result["state"],
        "reason": result["reason"],
        "dagster/row_count": int(result["samples"]),
        "sampling_rate (Hz)": None if result["samples"] == 0 else float(result["sampling_rate"]),
        **({"sampling_rates (Hz)": ", ".join(f"{rate:g}" for rate in rates)} if len(rates) > 1 else {}),
        "sample_type": ", ".join(result.get("sample_types", ())),
        "coverage": finite(result["coverage"]),
        **{name: int(result.get(name, 0)) for name in _COUNTS},
        **{name: float(result.get(name, 0.0)) for name in _SECONDS},
        **{f"{name} (counts)": float(result[name]) for name in _VALUES if result.get(name) is not None},
        "worth_a_look": problems_of(result),
        "bytes": int(result["bytes"]),
        **{name: result[name] for name in _EXCHANGE if result.get(name) is not None},
        **({} if request is None else {"request_seconds": round(float(request), 3)}),
        "path": dg.MetadataValue.path(result["path"]),
        **({"files": list(result["files"])} if result.get("files") else {}),
        "content": result["inputs"],
        "seconds": round(float(result["seconds"]), 3),
        "already_current": bool(result["skipped"]),
        **({"day": picture(result["day_png"], "Raw waveform of the day")} if "day_png" in result else {}),
    }


def _quality(outcomes: list[Outcome]) -> dg.AssetCheckResult:
    import pandas as pd

    results = block_runs.results_of(outcomes)
    without = [key for key, r in results if r["state"] == "no_data"]
    rows = [
        {"station-day": str(key), "worth a look": "; ".join(problems)}
        for key, r in results
        if (problems := problems_of(r))
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
