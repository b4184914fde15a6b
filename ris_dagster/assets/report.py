"""The report of the network: one page for a co-author."""

from typing import Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_dagster.assets.class_rates import CLASS_RATES
from ris_dagster.assets.class_statistics import CLASS_STATISTICS
from ris_dagster.assets.completeness import COMPLETENESS
from ris_dagster.assets.environment import ENVIRONMENT_PANELS
from ris_dagster.assets.environment_links import ENVIRONMENT_LINKS
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.assets.event_map import EVENT_MAP
from ris_dagster.metadata import owners, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

REPORT = dg.AssetKey("report")


def build_report_asset(settings: Settings) -> dg.AssetsDefinition:
    """Return the asset of the report."""
    shown = [
        EVENT_CATALOGUE,
        EVENT_MAP,
        CLASS_RATES,
        CLASS_STATISTICS,
        *(() if settings.imported else (ENVIRONMENT_LINKS,)),
        *(() if settings.imported else (COMPLETENESS,)),
        *((ENVIRONMENT_PANELS,) if settings.environment_figures else ()),
    ]

    @dg.asset(
        key=REPORT,
        group_name="analysis",
        kinds={"html"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="One page with the classes and their gallery, a map, rates, environment, links, completeness, "
        "the state of the data, versions and digests. It is one file that can be passed on. Parts that are missing say "
        "why. `ris report` writes it as well.",
        deps=shown,
        code_version=versions.REPORT,
        check_specs=[
            dg.AssetCheckSpec(
                "stands_for_itself",
                asset=REPORT,
                description="The page loads nothing from elsewhere, runs nothing, and is smaller than 15 MB.",
            ),
            dg.AssetCheckSpec("every_part", asset=REPORT, description="Every part is there. It only warns."),
        ],
    )
    @noting_remedies
    def report(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.report.report_run import LARGEST, loads_from_outside, write_report

        layout = store.layout()
        found = write_report(store.station_days())
        outside = loads_from_outside(found.path.read_text(encoding="utf-8"))
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "path": dg.MetadataValue.path(layout.relative(found.path)),
                "megabytes": round(found.size / 1e6, 2),
                "parts": [one.part.title for one in found.parts if not one.absent],
                **({"absent": found.absent} if found.absent else {}),
            },
        )
        too_large = [f"{found.size / 1e6:.1f} MB"] if found.size > LARGEST else []
        yield dg.AssetCheckResult(
            passed=not outside and not too_large,
            asset_key=REPORT,
            check_name="stands_for_itself",
            description="; ".join([*outside, *too_large]) or None,
        )
        yield warning(REPORT, "every_part", [f"{title}: {why}" for title, why in found.absent.items()])

    return report
