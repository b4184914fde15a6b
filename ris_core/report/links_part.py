"""Which classes follow which series: verdicts for the network, tests at stations, tidal phases."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ris_core.figures.link_figures import link_verdicts, schuster_spectra, tidal_phases
from ris_core.links.link_run import link_notes, load_links, tidal_verdicts
from ris_core.links.link_schema import LINKS, PHASES, SPECTRA, VERDICTS
from ris_core.report.html_elements import Html, heading, items, note, paragraph, picture, table
from ris_core.report.report_part import PartAbsentError
from ris_core.station_days.station_days import StationDays

_EFFECT = "effect (ln rate per standard deviation)"


def links(days: StationDays) -> Sequence[Html]:
    """Return the verdicts, what they rest on at the stations, and the phases of the tide."""
    if not days.settings.environment and days.settings.links.events != "truth":
        raise PartAbsentError("the settings list no environmental series (section environment) to test against")
    verdicts, said = load_links(days.layout, VERDICTS)
    effects, _ = load_links(days.layout, LINKS)
    phases, _ = load_links(days.layout, PHASES)
    spectra, _ = load_links(days.layout, SPECTRA)
    notes = link_notes(said)
    tides = tidal_verdicts(phases, days.settings.links)
    missing = [f"{name}: there is no series of its kind" for name in said["without_series"]]
    pieces = [
        paragraph(
            "Only what is called a link is claimed. 'No evidence' does not mean that there is no link; 'not "
            "identifiable' means that these data cannot say."
        ),
        items([*notes, *missing, *said["doubts"]]),
        picture(link_verdicts(verdicts), "Verdict for each class and series"),
        table(_verdicts(verdicts, "series"), {"effect": _EFFECT}),
        heading("Tests at the stations"),
        table(_effects(effects), {"effect": f"{_EFFECT}, 95 %", "clusters": "effective clusters"}),
    ]
    if len(tides):
        pieces += [
            heading("Phases of the tide"),
            picture(tidal_phases(phases), "Excess of each class at phases of O1 and M2"),
            table(_verdicts(tides, "constituent"), {"effect": "excess"}),
        ]
    if len(spectra):
        pieces += [
            picture(schuster_spectra(spectra), "Schuster spectrum of each class"),
            note("Schuster spectra are a picture, no test: swarms exceed the dashed line at long periods."),
        ]
    return pieces


def _verdicts(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": frame["class_name"],
            what: frame[what],
            "verdict": frame["verdict"],
            "effect": _range(frame, "effect", "effect_lowest", "effect_highest"),
            "why": frame["why"],
        }
    )


def _effects(frame: pd.DataFrame) -> pd.DataFrame:
    # What is claimed, or nearly so, comes first: a table of a page has few rows.
    frame = frame.sort_values("q", kind="stable", na_position="last")
    return pd.DataFrame(
        {
            "class": frame["class_name"],
            "station": frame["station"],
            "series": frame["series"],
            "effect": _range(frame, "effect", "interval_low", "interval_high"),
            "p": frame["p"],
            "q": frame["q"],
            "clusters": frame["effective_clusters"],
            "no claim since": frame["reason"],
        }
    )


def _range(frame: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    rows = zip(frame[value], frame[low], frame[high], strict=True)
    return ["" if pd.isna(at) else f"{at:+.3f} ({least:+.3f} to {most:+.3f})" for at, least, most in rows]
