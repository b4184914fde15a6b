"""Amplitudes, frequencies and seasons of the classes, and what the published tables say of the clusters."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.figures.class_distributions import amplitudes_and_frequencies
from ris_core.rates.calendar_bins import SEASON
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.report.html_elements import Html, heading, note, picture, table
from ris_core.station_days.station_days import StationDays
from ris_core.statistics.statistics_reading import NoStatisticsError, load_statistics
from ris_core.statistics.statistics_schema import AMPLITUDES, FREQUENCIES, LABEL_CHANGE, PERFORMANCE, SEASONS

_SPREAD = ["class_name", "known", "mean", "standard_deviation", "median", "maximum"]
_TITLES = {"class_name": "class", "known": "events", "standard_deviation": "standard deviation"}


def class_statistics(days: StationDays) -> Sequence[Html]:
    """Return distributions of amplitude and peak frequency, and the tables of statistics."""
    amplitudes = _of_network(load_statistics(days.layout, AMPLITUDES))
    frequencies = _of_network(load_statistics(days.layout, FREQUENCIES))
    events = load_catalogue(days.layout, columns=["label", "class_name", "peak_counts", "peak_frequency"])
    events = events[events["label"] != NO_LABEL]
    drawn = amplitudes_and_frequencies(events.assign(amplitude=events["peak_counts"].abs()))
    pieces = [picture(drawn, "Histograms of the amplitudes and peak frequencies of each class")]
    for quantity, unit in (("counts", "counts"), ("acceleration", "m/s²")):
        own = amplitudes[(amplitudes["quantity"] == quantity) & (amplitudes["known"] > 0)]
        if len(own):
            pieces += [heading(f"|peak| of each class ({unit})"), table(own[_SPREAD], _TITLES)]
    own = frequencies[frequencies["quantity"] == "peak_frequency"]
    pieces += [heading("Peak frequency of each class (Hz)"), table(own[_SPREAD], _TITLES)]
    pieces += _seasons(days)
    for name, title in ((LABEL_CHANGE, "From initial clusters to DEC"), (PERFORMANCE, "Clusters of the training set")):
        pieces.append(heading(title))
        try:
            pieces.append(table(load_statistics(days.layout, name)))
        except NoStatisticsError as error:
            pieces.append(note(f"Not there: {str(error).replace(f'{days.layout.root}/', '')}"))
    return pieces


def _of_network(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["station"] == ALL_STATIONS]


def _seasons(days: StationDays) -> list[Html]:
    seasons = _of_network(load_statistics(days.layout, SEASONS))
    seasons = seasons[seasons["bin"] == SEASON]
    if seasons.empty:
        return []
    level = f"{100 * days.settings.rates.level:g} %"
    titles = {
        "class_name": "class",
        "name": "season",
        "live_hours": "live time (h)",
        "rate": "rate (1/h)",
        "rate_low": f"{level}, from",
        "rate_high": "to",
    }
    shown = seasons[["class_name", "name", "events", "live_hours", "rate", "rate_low", "rate_high"]]
    if shown["rate"].isna().all():
        shown = shown[["class_name", "name", "events"]]
    return [heading("Seasons, all stations"), table(shown, titles)]
