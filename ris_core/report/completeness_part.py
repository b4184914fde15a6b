"""Which events of each class the detector would find, and rates of those that it finds in any noise."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.completeness.complete_rates import rates_above_completeness
from ris_core.completeness.completeness_file import ALL, NOISIEST, TABLE, named_now, read_completeness
from ris_core.figures.detection_amplitudes import detection_amplitudes
from ris_core.report.html_elements import Html, heading, items, note, paragraph, picture, table
from ris_core.report.report_part import NotMadeError, PartAbsentError
from ris_core.station_days.station_days import StationDays

_SHOWN = ("station", "class_name", "noise_quartile", "injected", "detected", "amplitude_50", "amplitude_90", "note")


def completeness(days: StationDays) -> Sequence[Html]:
    """Return the amplitudes that the detector finds, and rates above those of the noisiest quarter of time."""
    if days.settings.imported:
        raise PartAbsentError("the events were imported without waveforms, to which templates could be added")
    path = days.layout.analysis(TABLE)
    if not path.exists():
        raise NotMadeError("it has not been determined which events of a class the detector would find")
    found = read_completeness(days.layout)
    unit = f" ({found.unit})"
    amplitudes = named_now(found.table, days)
    shown = amplitudes[amplitudes["noise_quartile"].isin([ALL, NOISIEST])]
    titles = {
        "class_name": "class",
        "noise_quartile": "quarter of noise (0: all)",
        "amplitude_50": f"50 % found from{unit}",
        "amplitude_90": f"90 % found from{unit}",
    }
    pieces = [
        paragraph(
            f"{len(found.injections):,} templates of the classes were scaled and added to the noise of "
            f"{len(found.station_days)} station-days, on which the detector ran again ({found.seconds:.0f} s). Found "
            "means found by the detector: the label is another question. Events that hide others are not in it."
        ),
        picture(
            detection_amplitudes(amplitudes, found.unit, found.without),
            "Amplitudes of 50 and 90 % detection by class, station and quarter of noise",
            f"Peak amplitudes with {100 * found.confidence:g} % intervals, over quarters of the station's noise.",
        ),
        table(_without_empty(shown[list(_SHOWN)]), titles),
        items([*(f"{station}: {why}" for station, why in found.without.items()), *found.doubts]),
        note(f"Station-days of the sample: {', '.join(found.station_days)}"),
        heading("Rates of events that are found in any noise"),
    ]
    try:
        rates = rates_above_completeness(days)
    except (FileNotFoundError, ValueError) as error:
        return [*pieces, note(f"No rates: {error}")]
    level = f"{100 * days.settings.rates.level:g} %"
    rates["raw"], rates["above"] = _with_interval(rates, "rate"), _with_interval(rates, "rate_above")
    columns = ["station", "class_name", "amplitude_90", "live_hours", "events", "raw", "events_above", "above", "note"]
    titles = {
        "class_name": "class",
        "amplitude_90": f"amplitude{unit}",
        "live_hours": "live time (h)",
        "raw": f"rate of all (1/h, {level})",
        "events_above": "events above it",
        "above": f"rate above it (1/h, {level})",
    }
    return [*pieces, table(_without_empty(rates[columns]), titles)]


def _with_interval(rates: pd.DataFrame, name: str) -> list[str]:
    values = zip(rates[name], rates[f"{name}_low"], rates[f"{name}_high"], strict=True)
    return ["" if pd.isna(value) else f"{value:.3g} ({low:.3g} to {high:.3g})" for value, low, high in values]


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="note") if (frame["note"] == "").all() else frame
