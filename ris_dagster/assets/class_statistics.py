"""Statistics of the events of each class."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.class_rates import CLASS_RATES
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

CLASS_STATISTICS = dg.AssetKey("class_statistics")
_LISTED = 60


def build_class_statistics_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the statistics of the classes' events."""

    @dg.asset(
        key=CLASS_STATISTICS,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="The tables of the published code: events and shares by station and class, absolute amplitudes, "
        "frequencies, seasons with their live time, ranges of the absolute peak, what DEC changed in its initial "
        "clusters, and how similar the events of a class are. Seven tables; those of models are made again "
        "only if models or training set have changed.",
        deps=[EVENT_CATALOGUE, CLASS_RATES],
        code_version=code_version(versions.STATISTICS, settings.statistics.digest()),
        check_specs=[
            dg.AssetCheckSpec(
                "every_table",
                asset=CLASS_STATISTICS,
                description="Every table could be made; else the reason is given. It only warns.",
            ),
            dg.AssetCheckSpec(
                "no_event_lost",
                asset=CLASS_STATISTICS,
                description="Amplitudes, frequencies and ranges of peaks together have all labelled events.",
            ),
        ],
    )
    @presented("picture_distributions")
    @noting_remedies
    def class_statistics(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.rates.rate_schema import ALL_STATIONS
        from ris_core.statistics.statistics_figures import TITLES, statistics_figures
        from ris_core.statistics.statistics_run import make_statistics
        from ris_core.statistics.statistics_schema import SCHEMAS, STATIONS, file_name

        layout = store.layout()
        found = make_statistics(store.station_days())
        shown = {
            name: frame[frame["station"] == ALL_STATIONS].drop(columns="station") if "station" in frame else frame
            for name, frame in found.tables.items()
            if name != STATIONS
        }
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "dagster/row_count": sum(len(frame) for frame in found.tables.values()),
                "dagster/column_schema": column_schema(SCHEMAS[STATIONS]),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(file_name(STATIONS)))),
                "tables": {name: len(frame) for name, frame in found.tables.items()},
                "events": len(found.events),
                **({"absent": dict(found.absent)} if found.absent else {}),
                STATIONS: table(found.tables[STATIONS].head(_LISTED)),
                **{name: table(frame.head(_LISTED)) for name, frame in shown.items()},
                **{f"picture_{name}": figure(fig, TITLES[name]) for name, fig in statistics_figures(found)},
            },
        )
        yield warning(CLASS_STATISTICS, "every_table", [f"{name}: {why}" for name, why in found.absent.items()])
        lost = found.lost()
        yield dg.AssetCheckResult(
            passed=not lost, asset_key=CLASS_STATISTICS, check_name="no_event_lost", description="; ".join(lost) or None
        )

    return class_statistics
