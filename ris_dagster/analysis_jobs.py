"""The jobs of the analysis, of what is computed from the labels: their order, and what says that one is current."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.station_days.station_days import StationDays
from ris_dagster.checks import DRAWN_FROM
from ris_dagster.metadata import run_labels
from ris_dagster.partitions import Partitions

LOOK, CATALOGUE, ENVIRONMENT = "show_availability", "update_catalogue", "read_environment"
COMPLETENESS, REPORT, ANALYSE = "measure_completeness", "write_report", "analyse"
REPEATERS, PANELS, LINKS, DESCRIBE = "find_repeaters", "draw_environment", "test_links", "describe_classes"
MAP = "map_events"

GROUP = "analysis"
"""Stands for all jobs of the analysis where the name of a job is asked for."""

_ASSETS = {
    CATALOGUE: ("event_catalogue", "class_rates"),
    MAP: ("event_map",),
    DESCRIBE: ("class_statistics",),
    REPEATERS: ("repeaters",),
    PANELS: ("environment_panels",),
    COMPLETENESS: ("completeness",),
    LINKS: ("environment_links",),
    REPORT: ("report",),
}
_ABOUT = {
    CATALOGUE: "Bring the catalogue of events and the rates up to date with the label tables.",
    MAP: "Draw all labelled events on a map by the features of the champion.",
    DESCRIBE: "Make the tables of the published code: amplitudes, frequencies, seasons and what DEC changed.",
    REPEATERS: "Find families of events of one station and class whose waveforms are nearly the same.",
    PANELS: "Draw environmental series above the counts of each class.",
    COMPLETENESS: "Measure which events of each class the detector would find, by templates in the stations' noise.",
    LINKS: "Test which classes follow which environmental series, and the tide.",
    REPORT: "Write the report: one page with all that the analysis says.",
}


def analysis_jobs(settings: Settings) -> tuple[str, ...]:
    """Return the names of the jobs of a network's analysis, in the order in which they are run."""
    return (
        LOOK,
        CATALOGUE,
        MAP,
        DESCRIBE,
        *(() if settings.catalogue.repeaters is None else (REPEATERS,)),
        *((ENVIRONMENT,) if settings.environment else ()),
        *((PANELS,) if settings.environment_figures else ()),
        *(() if settings.imported else (COMPLETENESS, LINKS)),
        REPORT,
    )


def build_analysis_jobs(settings: Settings, partitions: Partitions) -> list[Any]:
    """Return the jobs of the analysis: one for each part, and `analyse` for all but the series, one run each."""

    def job(name: str, selected: Any, about: str, over: dg.PartitionsDefinition | None = None) -> Any:
        return dg.define_asset_job(
            name,
            selected,
            description=about,
            partitions_def=over,
            executor_def=dg.in_process_executor,
            tags=run_labels(settings),
        )

    names = analysis_jobs(settings)
    look = dg.AssetSelection.assets("availability") | dg.AssetSelection.checks(DRAWN_FROM)
    parts = [name for name in names if name in _ASSETS]
    everything = dg.AssetSelection.assets(*(asset for name in parts for asset in _ASSETS[name]))
    return [
        job(LOOK, look, "Show the products of every station-day, and whether the training set was drawn from them."),
        *(job(name, dg.AssetSelection.assets(*_ASSETS[name]), _ABOUT[name]) for name in parts),
        *(
            [job(ENVIRONMENT, ["environment_series"], "Read environmental series into tables.", partitions.series)]
            if partitions.series is not None
            else []
        ),
        job(ANALYSE, look | everything, "Compute everything that follows from the labels, but for the series."),
    ]


def analysis_is_current(job: str, days: StationDays, key: str) -> bool:
    """Return whether what a job of the analysis makes is what the present labels, settings and inputs would give."""
    from ris_core.catalogue.catalogue_update import event_catalogue_is_current
    from ris_core.catalogue.repeaters_run import repeaters_are_current
    from ris_core.completeness.completeness_file import completeness_is_current
    from ris_core.environment.series_run import series_is_current
    from ris_core.event_map.event_map_run import event_map_is_current
    from ris_core.links.link_run import links_are_current
    from ris_core.rates.panels_run import panels_are_current
    from ris_core.rates.rate_run import rates_are_current
    from ris_core.report.report_state import report_is_current
    from ris_core.statistics.statistics_run import statistics_are_current

    current: dict[str, Callable[[], bool]] = {
        CATALOGUE: lambda: event_catalogue_is_current(days) and rates_are_current(days),
        MAP: lambda: event_map_is_current(days),
        DESCRIBE: lambda: statistics_are_current(days),
        REPEATERS: lambda: repeaters_are_current(days),
        PANELS: lambda: panels_are_current(days),
        ENVIRONMENT: lambda: series_is_current(days.layout, days.settings, key),
        COMPLETENESS: lambda: completeness_is_current(days),
        LINKS: lambda: links_are_current(days),
        REPORT: lambda: report_is_current(days),
    }
    return job in current and current[job]()
