"""The parts of the report in their order. A further part is a line here."""

from __future__ import annotations

from ris_core.report.classes_part import classes
from ris_core.report.completeness_part import completeness
from ris_core.report.environment_part import environment
from ris_core.report.event_map_part import event_map
from ris_core.report.links_part import links
from ris_core.report.overview_part import overview
from ris_core.report.provenance_part import provenance
from ris_core.report.quality_part import data_quality
from ris_core.report.rates_part import rates, station_map
from ris_core.report.report_part import ReportPart
from ris_core.report.statistics_part import class_statistics

_CATALOGUE = "ris run --only update_catalogue"

PARTS = (
    ReportPart("overview", "The network", overview, _CATALOGUE),
    ReportPart("classes", "Classes", classes, _CATALOGUE),
    ReportPart("event_map", "Map of events", event_map, "ris run --only map_events"),
    ReportPart("map", "Map of the stations", station_map, _CATALOGUE),
    ReportPart("rates", "Rates", rates, _CATALOGUE),
    ReportPart("statistics", "Amplitudes and frequencies", class_statistics, "ris run --only describe_classes"),
    ReportPart("environment", "Environment", environment, "ris run --only analysis"),
    ReportPart("links", "What is significant", links, "ris run --only test_links"),
    ReportPart("completeness", "Completeness", completeness, "ris run --only measure_completeness"),
    ReportPart("quality", "Data", data_quality),
    ReportPart("provenance", "How it was made", provenance),
)
"""All parts."""
