"""Attributes of every event of a station-day, in numbers with a meaning."""

from typing import Any

import dagster as dg

from ris_core.attributes.describe import DescribeStage
from ris_core.config import Settings
from ris_core.contracts.described import DescribedDay
from ris_core.contracts.outcome import Made, Outcome
from ris_dagster import block_runs
from ris_dagster.assets.station_day_events import SPECTROGRAMS
from ris_dagster.bindings import Binding
from ris_dagster.metadata import column_schema, owners, picture
from ris_dagster.partitions import Partitions
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

ATTRIBUTE_TABLES = dg.AssetKey("attributes")


def _build(settings: Settings, partitions: Partitions) -> dg.AssetsDefinition:
    from ris_core.attributes import attribute_columns
    from ris_core.storage.table_schemas import attribute_schema

    wanted = settings.attributes_of_tables
    longest = settings.spectrogram.duration if settings.imported else None
    columns = attribute_columns(wanted, settings.input_spec().components, longest)
    windows = ", ".join(f"{seconds:g} s" for seconds in wanted.windows if longest is None or seconds <= longest)

    @dg.asset(
        key=ATTRIBUTE_TABLES,
        group_name="process",
        kinds={"scipy", "parquet"},
        owners=owners(settings),
        tags={"stage": "describe"},
        description=f"{len(columns)} attributes of every event of a station-day, measured above its noise in windows "
        f"of {windows}: spectrum, duration, envelope, glide and, of three components, polarisation. They depend on "
        "neither the gain of the instrument nor length and hop of the spectrograms.",
        partitions_def=partitions.station_days,
        deps=[SPECTROGRAMS],
        backfill_policy=dg.BackfillPolicy.multi_run(50),
        code_version=ATTRIBUTES.code_version(settings),
        # The same for all station-days, so the asset has it once.
        metadata={"dagster/column_schema": column_schema(attribute_schema(columns))},
        check_specs=[
            dg.AssetCheckSpec(
                "as_many_rows_as_events",
                asset=ATTRIBUTE_TABLES,
                description="Every event of every station-day has its attributes, and no station-day failed.",
            )
        ],
    )
    def attributes(context: dg.AssetExecutionContext, store: DataStore, compute: Compute) -> Any:
        yield from block_runs.run_block(context, store, compute, ATTRIBUTES, {ATTRIBUTE_TABLES: _describe}, _complete)

    return attributes


ATTRIBUTES = Binding(DescribeStage, (ATTRIBUTE_TABLES,), _build)


def _describe(made: Made[DescribedDay]) -> dict[str, Any]:
    found = made.result
    shown = "attributes" in made.pictures
    return {
        "dagster/row_count": found.rows,
        "columns": found.columns,
        "path": dg.MetadataValue.path(found.path),
        "content": found.content,
        "seconds": round(made.seconds, 3),
        "already_current": made.already_current,
        **({"attributes": picture(made.pictures["attributes"], "Attributes of the events")} if shown else {}),
    }


def _complete(outcomes: list[Outcome[DescribedDay]]) -> dg.AssetCheckResult:
    return block_runs.block_check(
        outcomes,
        ATTRIBUTE_TABLES,
        "as_many_rows_as_events",
        "incomplete",
        lambda found: found.rows != found.events,
        {"rows": sum(found.rows for _, found in block_runs.results_of(outcomes))},
    )
