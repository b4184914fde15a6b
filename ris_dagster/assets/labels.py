"""Label tables: every event of a station-day with the champion's label."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.stages import Outcome
from ris_dagster import block_runs
from ris_dagster.assets.champion_model import CHAMPION_MODEL
from ris_dagster.assets.events import SPECTROGRAMS
from ris_dagster.metadata import column_schema, owners
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

LABEL_TABLES = dg.AssetKey("label_tables")


def build_label_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the stage "label"."""
    version = versions.LABEL

    @dg.asset(
        name="label_tables",
        group_name="label",
        kinds={"torch", "parquet"},
        owners=owners(settings),
        tags={"stage": "label"},
        description="Class, memberships q, latent, reconstruction error and novelty of every event of a station-day, "
        "by the champion model. The greatest q is a membership, not a posterior probability. An event whose novelty "
        "exceeds the threshold is not assigned.",
        partitions_def=partitions.station_days,
        deps=[SPECTROGRAMS, CHAMPION_MODEL],
        backfill_policy=dg.BackfillPolicy.multi_run(50),
        code_version=version,
        check_specs=[
            dg.AssetCheckSpec(
                "as_many_labels_as_events",
                asset=LABEL_TABLES,
                description="Every event of every station-day has exactly one label, and no station-day failed.",
            )
        ],
    )
    def label_tables(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(
            context, store, compute, "label", {LABEL_TABLES: _describe}, {LABEL_TABLES: version}, _complete
        )

    return [label_tables]


def _describe(result: dict[str, Any]) -> dict[str, Any]:
    from ris_core.storage.tables import label_schema

    return {
        "dagster/row_count": int(result["labels"]),
        "dagster/column_schema": column_schema(label_schema(int(result["k"]))),
        "events_per_class": result["sizes"],
        "assigned": int(result["assigned"]),
        "model_version": result["model_version"],
        "path": dg.MetadataValue.path(result["path"]),
        "content": result["content"],
        "seconds": round(float(result["seconds"]), 3),
        "already_current": bool(result["skipped"]),
    }


def _complete(outcomes: list[Outcome]) -> dg.AssetCheckResult:
    results = block_runs.results_of(outcomes)
    wrong = [str(key) for key, r in results if r["labels"] != r["events"]]
    failed = block_runs.failed_keys(outcomes)
    return dg.AssetCheckResult(
        passed=not wrong and not failed,
        asset_key=LABEL_TABLES,
        check_name="as_many_labels_as_events",
        metadata={"labels": sum(r["labels"] for _, r in results), "incomplete": wrong, "failed": failed},
    )
