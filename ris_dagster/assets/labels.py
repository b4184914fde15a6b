"""Label tables: every event of a station-day with the champion's label."""

from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.contracts.labelled import Labelled
from ris_core.contracts.outcome import Made, Outcome
from ris_core.labels.label import LabelStage
from ris_core.storage.layout import Layout
from ris_dagster import block_runs
from ris_dagster.assets.champion_model import CHAMPION_MODEL
from ris_dagster.assets.station_day_events import SPECTROGRAMS
from ris_dagster.bindings import Binding
from ris_dagster.metadata import column_schema, owners
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

LABEL_TABLES = dg.AssetKey("label_tables")


def _build(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
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
        code_version=LABELS.code_version(settings),
        check_specs=[
            dg.AssetCheckSpec(
                "as_many_labels_as_events",
                asset=LABEL_TABLES,
                description="Every event of every station-day has exactly one label, and no station-day failed.",
            )
        ],
    )
    def label_tables(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        layout = store.layout()
        describe = {LABEL_TABLES: lambda made: _describe(made, layout)}
        yield from block_runs.run_block(context, store, compute, LABELS, describe, _complete)

    return label_tables


LABELS = Binding(LabelStage, (LABEL_TABLES,), _build, after_training=True)


def _describe(made: Made[Labelled], layout: Layout) -> dict[str, Any]:
    from ris_core.storage.tables import read_schema

    found = made.result
    return {
        "dagster/row_count": found.labels,
        "dagster/column_schema": column_schema(read_schema(layout.root / found.path)),
        "events_per_class": {str(number): size for number, size in found.sizes.items()},
        "assigned": found.assigned,
        "model_version": found.model_version,
        "path": dg.MetadataValue.path(found.path),
        "content": found.content,
        "seconds": round(made.seconds, 3),
        "already_current": made.already_current,
    }


def _complete(outcomes: list[Outcome[Labelled]]) -> dg.AssetCheckResult:
    return block_runs.block_check(
        outcomes,
        LABEL_TABLES,
        "as_many_labels_as_events",
        "incomplete",
        lambda found: found.labels != found.events,
        {"labels": sum(found.labels for _, found in block_runs.results_of(outcomes))},
    )
