"""Which events of each class the detector would find."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of
from ris_dagster.assets.labels import LABEL_TABLES
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

COMPLETENESS = dg.AssetKey("completeness")
_SHOWN = 60
_LISTED = ("station", "class_name", "injected", "detected", "amplitude_50", "amplitude_90", "note")


def build_completeness_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset of the amplitudes that the detector finds; none for imported events, which have no waveforms."""
    return [] if settings.imported else [_completeness(settings)]


def _completeness(settings: Settings) -> dg.AssetsDefinition:
    digest = digest_of([settings.completeness.model_dump(mode="json"), settings.process_digest()])

    @dg.asset(
        key=COMPLETENESS,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="The peak amplitudes at which the detector finds 50 and 90 % of the events of each class, by "
        "station and quartile of its noise: templates of the class are scaled and added to waveforms of a sample of "
        "station-days, on which the detector runs again.",
        deps=[LABEL_TABLES, RAW_WAVEFORMS],
        code_version=code_version(versions.COMPLETENESS, digest),
        check_specs=[
            dg.AssetCheckSpec(
                "every_station",
                asset=COMPLETENESS,
                description="Waveforms of every station are available, every station-day of the sample could be used, "
                "and every class has clear templates. It only warns.",
            ),
            dg.AssetCheckSpec(
                "every_amplitude",
                asset=COMPLETENESS,
                description="An amplitude could be given for each station, class and quartile of noise. It only warns.",
            ),
        ],
    )
    @presented("picture")
    @noting_remedies
    def completeness(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.completeness.completeness_file import ALL, TABLE, completeness_schema
        from ris_core.completeness.completeness_run import make_completeness
        from ris_core.figures.detection_amplitudes import detection_amplitudes

        layout = store.layout()
        found, content = make_completeness(store.station_days(), context.log.info)
        whole = found.table[found.table["noise_quartile"] == ALL]
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(content),
            metadata={
                "dagster/row_count": len(found.table),
                "dagster/column_schema": column_schema(completeness_schema(found.unit)),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(TABLE))),
                "station_days": list(found.station_days),
                "templates": len(found.injections),
                "seconds": round(found.seconds, 1),
                "amplitudes": table(whole[list(_LISTED)].head(_SHOWN)),
                "picture": figure(
                    detection_amplitudes(found.table, found.unit, found.without),
                    "Amplitudes at which the detector finds 50 and 90 %",
                ),
                **({"without": dict(found.without)} if found.without else {}),
            },
        )
        doubts = [*(f"{station}: {why}" for station, why in found.without.items()), *found.doubts]
        yield warning(COMPLETENESS, "every_station", doubts)
        lacking = found.table[found.table["note"] != ""]
        said = [
            f"{row['station']}, class {row['class_name']}, noise quartile {row['noise_quartile']}: {row['note']}"
            for row in lacking.head(_SHOWN).to_dict("records")
        ]
        yield warning(COMPLETENESS, "every_amplitude", said)

    return completeness
