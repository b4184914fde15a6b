"""All events of all station-days as one table."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of
from ris_dagster.assets.labels import LABEL_TABLES
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore
from ris_dagster.review_record import REVIEWS

EVENT_CATALOGUE, REPEATERS = dg.AssetKey("event_catalogue"), dg.AssetKey("repeaters")
_SHOWN = 40


def build_event_catalogue_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset of the catalogue of events, and that of repeating events where the settings ask for them."""
    return [_event_catalogue(settings), *([] if settings.catalogue.repeaters is None else [_repeaters(settings)])]


def _event_catalogue(settings: Settings) -> dg.AssetsDefinition:

    def check(name: str, description: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(name, asset=EVENT_CATALOGUE, description=description)

    @dg.asset(
        key=EVENT_CATALOGUE,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="All events of all station-days as one table by months, with class, amplitude, frequencies, "
        "duration, and which events at several stations one source can explain. Only months whose station-days, class "
        "names or reviews have changed are written. Two further tables say how often stations and classes coincide, "
        "and how often they would by chance.",
        deps=[LABEL_TABLES, REVIEWS],
        code_version=code_version(
            versions.CATALOGUE,
            digest_of([settings.catalogue.catalogue_values(), settings.champion.model_dump(mode="json")]),
        ),
        check_specs=[
            check("every_labelled_event", "Every event of the label tables of written months is in the catalogue."),
            check("unique", "No event comes twice."),
            check("sorted", "Events are in the order of time, then of their identifiers."),
            check(
                "complete",
                "All processed station-days can be read, all their events have labels, and all stations have "
                "positions. It only warns.",
            ),
        ],
    )
    @presented("overview")
    @noting_remedies
    def event_catalogue(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.access import read_associations, read_catalogue, read_class_associations
        from ris_core.access.data_dictionary import write_beside_data
        from ris_core.catalogue.catalogue_checks import doubled_or_unsorted, labelled_events_missing
        from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
        from ris_core.catalogue.catalogue_update import update_catalogue
        from ris_core.catalogue.station_positions import positions, without_position
        from ris_core.figures.catalogue_figures import catalogue_overview

        layout, days = store.layout(), store.station_days()
        found = update_catalogue(days)
        write_beside_data(layout)
        events = read_catalogue(days, columns=["time_peak", "label", "class_name", "source_id"])
        pairs, classes = read_associations(days), read_class_associations(days)
        sources = events["source_id"][events["source_id"] != ""]
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "dagster/row_count": found.events,
                "dagster/column_schema": column_schema(CATALOGUE_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.catalogue(1970, 1).parent.parent)),
                "months": len(found.written) + len(found.kept),
                "written": [f"{year}-{month:02d}" for year, month in found.written],
                "removed": [f"{year}-{month:02d}" for year, month in found.removed],
                "unlabelled": found.unlabelled,
                "events_of_classes": {str(name): int(n) for name, n in events["class_name"].value_counts().items()},
                "classes_of_sources": classes.loc[classes["takes_part"], "class_name"].tolist(),
                "sources": int(sources.nunique()),
                "events_with_a_source": len(sources),
                "coincidences": table(pairs.head(_SHOWN)),
                "coincidences_of_classes": table(classes),
                "overview": figure(catalogue_overview(events, pairs, classes), "Catalogue of events"),
            },
        )
        missing = labelled_events_missing(days, found.written)
        doubled, unordered = doubled_or_unsorted(days)
        for name, wrong in (("every_labelled_event", missing), ("unique", doubled), ("sorted", unordered)):
            yield dg.AssetCheckResult(
                passed=not wrong, asset_key=EVENT_CATALOGUE, check_name=name, description="; ".join(wrong) or None
            )
        doubts = list(found.left_out[:_SHOWN])
        if found.unlabelled:
            doubts.append(
                f"{found.unlabelled} events have no label of their present spectrogram; `ris run` labels them"
            )
        if settings.imported and settings.catalogue.source_classes == "auto":
            doubts.append(
                "no sources are sought: of imported events it is not known when a detection could start, so chance is "
                "not known; catalogue.source_classes names classes, or all"
            )
        doubts += filter(None, [without_position(settings, positions(settings, layout))])
        yield warning(EVENT_CATALOGUE, "complete", doubts)

    return event_catalogue


def _repeaters(settings: Settings) -> dg.AssetsDefinition:
    own = settings.catalogue.repeaters

    @dg.asset(
        key=REPEATERS,
        group_name="analysis",
        kinds={"parquet", "scipy"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Families of repeating events: waveforms of one station and class that are nearly the same, among "
        "neighbours in the representation of the labels.",
        deps=[EVENT_CATALOGUE],
        code_version=code_version(versions.REPEATERS, "" if own is None else own.digest()),
    )
    @presented()
    @noting_remedies
    def repeaters(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.catalogue.catalogue_schema import REPEATERS_SCHEMA
        from ris_core.catalogue.repeaters_run import REPEATERS as FILE
        from ris_core.catalogue.repeaters_run import find_repeaters

        layout = store.layout()
        found = find_repeaters(store.station_days())
        families = found.groupby(["station", "label", "family"]).size().rename("events").reset_index()
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found),
                "dagster/column_schema": column_schema(REPEATERS_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(FILE))),
                "families": len(families),
                "largest": table(families.sort_values("events", ascending=False).head(_SHOWN)),
            }
        )

    return repeaters
