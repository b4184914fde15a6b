"""Environmental series over counts of each class."""

from __future__ import annotations

from collections.abc import Sequence

from ris_core.rates.panels_run import shown_panels
from ris_core.report.html_elements import Html, note, picture
from ris_core.report.report_part import NotMadeError, PartAbsentError
from ris_core.station_days.station_days import StationDays


def environment(days: StationDays) -> Sequence[Html]:
    """Return the figures of environmental series that the settings want."""
    if not days.settings.environment:
        raise PartAbsentError("the settings list no environmental series (section environment)")
    if not days.settings.environment_figures:
        raise PartAbsentError("the settings want no figures of environmental series (section environment_figures)")
    shown = [
        picture(png, f"{name}: environmental series over counts of each class")
        for name, png in shown_panels(days.layout)
    ]
    if not shown:
        raise NotMadeError("the figures of environmental series have not been drawn")
    return [*shown, note("Counts stand beside series here; what is significant is in its own part.")]
