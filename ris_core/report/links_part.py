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
_RANGE = "median of the stations (least to greatest); no interval"
_ORDER = {"link": 0, "no evidence": 1, "not identifiable": 2}
_REASONS = 12


def links(days: StationDays) -> Sequence[Html]:
    """Return the verdicts, what they rest on at the stations, and the phases of the tide."""
    if days.settings.imported:
        raise PartAbsentError("the events were imported, so that nothing is known of the time without events")
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
    ]
    if len(verdicts):
        pieces += [
            picture(link_verdicts(verdicts), "Verdict for each class and series"),
            table(_verdicts(verdicts, "series"), {"effect": f"{_EFFECT}: {_RANGE}"}),
            heading("Tests at the stations"),
            *_tests(effects),
        ]
    else:
        pieces.append(note("No class was tested against a series: there is none that could be used."))
    if len(tides):
        pieces += [
            heading("Phases of the tide"),
            picture(tidal_phases(phases), "Excess of each class at phases of O1 and M2"),
            table(_verdicts(tides, "constituent"), {"effect": f"excess: {_RANGE}"}),
        ]
    if len(spectra):
        pieces += [
            picture(schuster_spectra(spectra), "Schuster spectrum of each class"),
            note("Schuster spectra are a picture, no test: swarms exceed the dashed line at long periods."),
        ]
    return pieces


def _tests(effects: pd.DataFrame) -> list[Html]:
    """Return the tests that allow a claim, and why others do not."""
    possible = effects[effects["reason"] == ""].sort_values("q", kind="stable", na_position="last")
    titles = {"effect": f"{_EFFECT}, 95 %", "clusters": "effective clusters"}
    pieces = [table(_effects(possible), titles)] if len(possible) else []
    why = effects.loc[effects["reason"] != "", "reason"].value_counts()
    if len(why):
        of_each = [f"{count:,}: {reason}" for reason, count in why.head(_REASONS).items()]
        more = [f"{len(why) - _REASONS:,} more reasons are in the table on disk"] if len(why) > _REASONS else []
        pieces += [
            paragraph(f"Of {len(effects):,} tests, {int(why.sum()):,} allow no claim:"),
            items([*of_each, *more]),
        ]
    return pieces


def _verdicts(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    # Links come first: a table of a page has few rows.
    order = frame["verdict"].map(_ORDER).argsort(kind="stable")
    frame = frame.iloc[order]
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
    return pd.DataFrame(
        {
            "class": frame["class_name"],
            "station": frame["station"],
            "series": frame["series"],
            "effect": _range(frame, "effect", "interval_low", "interval_high"),
            "p": frame["p"],
            "q": frame["q"],
            "clusters": frame["effective_clusters"],
        }
    )


def _range(frame: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    rows = zip(frame[value], frame[low], frame[high], strict=True)
    return ["" if pd.isna(at) else f"{at:+.3f} ({least:+.3f} to {most:+.3f})" for at, least, most in rows]
