"""Environmental series, one partition each, and the figures that set them over the counts of each class."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.metadata import code_version, column_schema, figure, owners, picture, presented, warning
from ris_dagster.partitions import Partitions
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

if TYPE_CHECKING:
    from ris_core.environment.series_run import MadeSeries

ENVIRONMENT_SERIES = dg.AssetKey("environment_series")
ENVIRONMENT_PANELS = dg.AssetKey("environment_panels")
_SHOWN = 6  # pictures in the UI; the others are files
_CHECKS = {
    "unit": "All values have the unit in which their kind is kept.",
    "range": "All values are within the bounds of the series, and none was left out as impossible. It only warns.",
    "ascending": "Times ascend, and did so in each file. It only warns.",
    "duplicates": "No time has several values, and none had in the files. It only warns.",
    "coverage": "At least half of the hours of the network's days have a value. It only warns.",
}


def build_environment_assets(settings: Settings, partitions: Partitions) -> list[dg.AssetsDefinition]:
    """Return the assets of the series and of their figures, as far as the settings want any."""
    if partitions.series is None:
        return []
    series = _series(settings, partitions.series)
    return [series, _panels(settings)] if settings.environment_figures else [series]


def _series(settings: Settings, partitions: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    sections = [series.model_dump(mode="json") for series in settings.environment]

    @dg.asset(
        key=ENVIRONMENT_SERIES,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Weather, sea ice, swell and tide as tables of time, value and unit, one for each series of the "
        "settings. docs/environment.md says where the files come from.",
        partitions_def=partitions,
        code_version=code_version(versions.ENVIRONMENT, digest_of(sections)),
        check_specs=[
            dg.AssetCheckSpec(name, asset=ENVIRONMENT_SERIES, description=about) for name, about in _CHECKS.items()
        ],
    )
    @presented("coverage")
    @noting_remedies
    def environment_series(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.environment.series import SERIES_SCHEMA
        from ris_core.environment.series_run import make_series
        from ris_core.figures.series_coverage import series_coverage

        layout, name = store.layout(), context.partition_key
        made = make_series(layout, settings, name)
        series = made.series
        title = f"{name}: {len(series.value):,} values, {made.covered:.1%} of the network's hours"
        drawn = series_coverage(
            series.time, series.value, f"{series.kind}, {series.unit}", series.longest_gap, made.span, title
        )
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(made.content),
            metadata={
                "dagster/row_count": len(series.value),
                "dagster/column_schema": column_schema(SERIES_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.environment(name))),
                "kind": series.kind,
                "unit": series.unit,
                "source": series.source,
                "noise_covariate": series.noise_covariate,
                "longest_gap_hours": series.longest_gap / 3600,
                "covered": round(made.covered, 4),
                **({"converted": made.converted} if made.converted else {}),
                **({"notes": list(made.notes)} if made.notes else {}),
                "left_out": made.faults.as_dict(),
                "coverage": figure(drawn, title),
            },
        )
        yield from _judged(made, settings)

    return environment_series


def _judged(made: "MadeSeries", settings: Settings) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks of a series."""
    from ris_core.config.units import KEPT_IN
    from ris_core.environment.series_run import LITTLE, series_settings

    series, faults = made.series, made.faults
    kept = KEPT_IN.get(series.kind, series.unit)
    yield dg.AssetCheckResult(
        passed=series.unit == kept,
        asset_key=ENVIRONMENT_SERIES,
        check_name="unit",
        description=made.converted or f"in {series.unit}, as in the file",
    )
    low, high = series_settings(settings, series.name).bounds
    beyond = (series.value < low) | (series.value > high)
    doubts = {
        "range": [
            *([f"{int(beyond.sum())} values beyond {low:g} to {high:g} {series.unit}"] if beyond.any() else []),
            *([f"{faults.out_of_range} values out of range were left out"] if faults.out_of_range else []),
        ],
        "ascending": [f"{faults.out_of_order} times were earlier than the one before"] if faults.out_of_order else [],
        "duplicates": [
            *([f"{faults.contradictory} values of times with several were left out"] if faults.contradictory else []),
            *([f"{faults.repeated} equal values of the same time were taken once"] if faults.repeated else []),
        ],
        "coverage": [f"{made.covered:.1%} of the network's hours have a value"] if made.covered < LITTLE else [],
    }
    for name, found in doubts.items():
        yield warning(ENVIRONMENT_SERIES, name, found)


def _panels(settings: Settings) -> dg.AssetsDefinition:
    figures = [one.model_dump(mode="json") for one in settings.environment_figures]

    @dg.asset(
        key=ENVIRONMENT_PANELS,
        group_name="analysis",
        kinds={"png"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Figures of environmental series above the counts of each class, for the stations and times of "
        "`environment_figures`. A zero is drawn only where events could be detected.",
        deps=[ENVIRONMENT_SERIES, EVENT_CATALOGUE],
        code_version=code_version(versions.ENVIRONMENT_PANELS, digest_of(figures)),
        check_specs=[
            dg.AssetCheckSpec(
                "complete",
                asset=ENVIRONMENT_PANELS,
                description="Every figure has its series, its classes and live time. It only warns.",
            )
        ],
    )
    @presented()
    @noting_remedies
    def environment_panels(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.rates.panels_run import make_panels

        layout = store.layout()
        made, configuration = make_panels(store.station_days())
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(configuration),
            metadata={
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(made[0].file).parent)),
                "files": [panels.file for panels in made],
                **{
                    f"{panels.name}_{panels.station}": picture(panels.png, f"{panels.name}, {panels.station}")
                    for panels in made[:_SHOWN]
                },
            },
        )
        doubts = [doubt for panels in made for doubt in panels.doubts]
        yield warning(ENVIRONMENT_PANELS, "complete", list(dict.fromkeys(doubts)))

    return environment_panels
