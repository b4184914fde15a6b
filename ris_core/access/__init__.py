"""Products for a notebook: tables of many station-days, and all that is kept of one event.

Examples
--------
>>> from ris_core.access import open_network, read_labels, read_event
>>> network = open_network("config/demo.yaml")
>>> labels = read_labels(network, stations="S01", first="2015-01-01")
>>> event = read_event(network, labels.event_id[0])
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ris_core.access.analysis_access import (
        read_associations,
        read_catalogue,
        read_class_associations,
        read_repeaters,
    )
    from ris_core.access.completeness_access import read_completeness, read_rates_above_completeness
    from ris_core.access.days import Day
    from ris_core.access.environment_access import read_environment
    from ris_core.access.event_access import Event, UnknownEventError, read_event, read_raw
    from ris_core.access.event_map_access import nearest_events, open_event_index, read_event_map
    from ris_core.access.link_access import read_lags, read_links, read_phases, read_verdicts
    from ris_core.access.rate_access import read_class_rates, read_hourly_counts, read_statistics
    from ris_core.access.table_access import (
        open_network,
        read_attributes,
        read_detections,
        read_labels,
        read_live,
        read_live_time,
    )

# Imported when they are first needed: some bring libraries of hundreds of megabytes, which a server need not have.
_MODULES = {
    "Day": "days",
    "Event": "event_access",
    "UnknownEventError": "event_access",
    "nearest_events": "event_map_access",
    "open_event_index": "event_map_access",
    "open_network": "table_access",
    "read_associations": "analysis_access",
    "read_attributes": "table_access",
    "read_catalogue": "analysis_access",
    "read_class_associations": "analysis_access",
    "read_class_rates": "rate_access",
    "read_completeness": "completeness_access",
    "read_detections": "table_access",
    "read_environment": "environment_access",
    "read_event": "event_access",
    "read_event_map": "event_map_access",
    "read_hourly_counts": "rate_access",
    "read_labels": "table_access",
    "read_lags": "link_access",
    "read_links": "link_access",
    "read_live": "table_access",
    "read_live_time": "table_access",
    "read_phases": "link_access",
    "read_rates_above_completeness": "completeness_access",
    "read_raw": "event_access",
    "read_repeaters": "analysis_access",
    "read_statistics": "rate_access",
    "read_verdicts": "link_access",
}
__all__ = [
    "Day",
    "Event",
    "UnknownEventError",
    "nearest_events",
    "open_event_index",
    "open_network",
    "read_associations",
    "read_attributes",
    "read_catalogue",
    "read_class_associations",
    "read_class_rates",
    "read_completeness",
    "read_detections",
    "read_environment",
    "read_event",
    "read_event_map",
    "read_hourly_counts",
    "read_labels",
    "read_lags",
    "read_links",
    "read_live",
    "read_live_time",
    "read_phases",
    "read_rates_above_completeness",
    "read_raw",
    "read_repeaters",
    "read_statistics",
    "read_verdicts",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
