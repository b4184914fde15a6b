"""All labelled events on a map in two dimensions."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.assets.labels import LABEL_TABLES
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

EVENT_MAP = dg.AssetKey("event_map")


def build_event_map_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the map of events."""

    @dg.asset(
        key=EVENT_MAP,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="All events that the champion has labelled in two dimensions, from its features: by principal "
        "components, or by UMAP, which is fitted to a sample. Events that are near each other are similar; large "
        "distances mean nothing.",
        deps=[LABEL_TABLES, EVENT_CATALOGUE],
        code_version=code_version(versions.EVENT_MAP, digest_of(settings.event_map.map_values())),
        check_specs=[
            dg.AssetCheckSpec(
                "every_labelled_event_once",
                asset=EVENT_MAP,
                description="Every event that the champion has labelled is on the map once, and no other.",
            ),
            dg.AssetCheckSpec(
                "nothing_left_out",
                asset=EVENT_MAP,
                description="No label table is by another champion, of earlier events, or damaged. It only warns.",
            ),
        ],
    )
    @presented("map")
    @noting_remedies
    def event_map(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.clustering.champion import class_titles, read_champion
        from ris_core.event_map.event_map_run import event_map_differs, make_event_map
        from ris_core.event_map.event_map_schema import EVENT_MAP_SCHEMA, TABLE
        from ris_core.figures.map_of_events import map_of_events

        layout, days = store.layout(), store.station_days()
        found = make_event_map(days)
        classes = found.table["label"].value_counts().sort_index()
        names = class_titles(settings.champion, classes.index.tolist(), read_champion(layout))
        explained = found.summary["explained_variance"]
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "dagster/row_count": len(found.table),
                "dagster/column_schema": column_schema(EVENT_MAP_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(TABLE))),
                **{name: found.summary[name] for name in ("method", "model_version", "dimensions", "fitted_to")},
                **({} if explained is None else {"explained_variance": sum(explained)}),
                "metric": found.summary["metric"],
                "note": found.summary["note"],
                "station_days_of_other_champions": found.summary["station_days_of_other_champions"],
                "events_of_other_champions": found.summary["events_of_other_champions"],
                "events_of_classes": dict(zip(map(names.get, classes.index.tolist()), classes.tolist(), strict=True)),
                "map": figure(map_of_events(found.table, found.summary, names), "Map of events"),
            },
        )
        wrong = event_map_differs(days)
        yield dg.AssetCheckResult(
            passed=not wrong,
            asset_key=EVENT_MAP,
            check_name="every_labelled_event_once",
            description="; ".join(wrong) or None,
        )
        yield warning(EVENT_MAP, "nothing_left_out", found.left_out)

    return event_map
