"""The methods of synthetic networks side by side: how well their classes agree with the truth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ris_core.config import Settings
from ris_core.truth.score_file import BASELINE, KeptScores
from ris_dagster.terminal_table import TerminalTable

_SCORES = ("ari", "nmi", "macro_f1", "accuracy")
MEANINGS = {
    "ARI": "pairs of events that are together, or apart, both in the classes and in the truth; chance 0, all 1",
    "NMI": "what the classes tell about the truth, none 0, all 1; more classes raise it",
    "macro-F1": "how well each family is found and kept apart, the mean over families, rare ones like frequent ones",
    "ACC": "share of events whose class is that of their family, each family with one class at most",
}
"""What each score means, in a line."""
_DEC = "DEC"


@dataclass(frozen=True)
class ComparedMethod:
    """A method of a network at the K that it chooses without truth.

    Attributes
    ----------
    network, name
        Name of the network, and of the method in words.
    k
        Number of clusters or classes.
    is_dec
        Whether it is deep embedded clustering, the method of the paper.
    scores
        ARI, NMI, macro-F1 and ACC; NaN where no event can be scored.
    events
        Number of events that were scored.
    reviews
        Number of reviewed events that it learnt from; 0 of clusters.
    simulated
        Whether a program that knows the truth reviewed them.
    """

    network: str
    name: str
    k: int
    is_dec: bool
    scores: tuple[float, ...]
    events: int
    reviews: int
    simulated: bool


def compared_methods(settings: Settings, scores: KeptScores) -> list[ComparedMethod]:
    """Return the methods of a network, each at the K that it chooses, from the least to the greatest ARI.

    If the network has a class model, all are scored on the events whose source and block of time hold no reviewed
    event. The baseline of hand-made features has the champion's K, or the first that was scored.

    Parameters
    ----------
    settings, scores
        The network, and its scores against truth.
    """
    apart = any(row.get("reviews") for row in scores.clustering)
    ending = "_apart" if apart else ""
    rows = [row for row in scores.clustering if row.get("chosen")]
    baselines = [row for row in scores.clustering if row["method"] == BASELINE]
    rows += [row for row in baselines if row["k"] == scores.k][:1] or baselines[:1]
    found = [
        ComparedMethod(
            settings.network.name,
            _called(settings, row),
            int(row["k"]),
            row["method"] == _DEC,
            tuple(_number(row[f"{name}{ending}"]) for name in _SCORES),
            int(row[f"windows{ending}"]),
            int(row.get("reviews", 0)),
            bool(row.get("simulated", False)),
        )
        for row in rows
    ]
    return by_agreement(found)


def by_agreement(methods: Sequence[ComparedMethod]) -> list[ComparedMethod]:
    """Return methods from the least to the greatest ARI, those without one first."""
    return sorted(methods, key=lambda one: -2.0 if math.isnan(one.scores[0]) else one.scores[0])


def _called(settings: Settings, row: Mapping[str, Any]) -> str:
    if row.get("reviews"):
        by = "simulated reviews" if row["simulated"] else "reviews"
        return f"reviewed: {row['method']}, {row['reviews']} {by}"
    if row["method"] == _DEC:
        return "published DEC" if settings.profile == "paper" else f"DEC, profile {settings.profile}"
    return str(row["method"])


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def comparison_table(methods: Sequence[ComparedMethod]) -> TerminalTable:
    """Return one row for each method."""
    out = TerminalTable(
        "network", "method", "K", "ARI", "NMI", "macro-F1", "ACC", "events", title="Classes against the truth"
    )
    for one in methods:
        scores = ("-" if math.isnan(value) else f"{value:.2f}" for value in one.scores)
        out.add_row(one.network, one.name, str(one.k), *scores, str(one.events))
    return out


def meaning(methods: Sequence[ComparedMethod]) -> str:
    """Return in two sentences what the comparison means."""
    scored = [one for one in methods if not math.isnan(one.scores[0])]
    if not scored:
        return "No event could be scored. Label the station-days and run the job score_against_truth."
    clusters = [one for one in scored if not one.reviews]
    reviewed = [one for one in scored if one.reviews]
    said = []
    if clusters:
        best, worst = clusters[-1], clusters[0]
        said.append(
            f"without anyone's help the classes of {best.name} agree best with the truth (ARI {best.scores[0]:.2f}; "
            f"{worst.name} has {worst.scores[0]:.2f}, chance 0 and full agreement 1)"
        )
    if reviewed:
        one = reviewed[-1]
        said.append(f"with {one.reviews} reviewed events the ARI is {one.scores[0]:.2f}")
    first = ", and ".join(said)
    last = "Each method has the K that it chooses without truth"
    if reviewed:
        last += ", and where events were reviewed, those of their sources and half-hours are not scored"
        if any(one.simulated for one in reviewed):
            last += "; a program that knows the truth reviewed them here, and a person would err now and then"
    return f"{first[0].upper()}{first[1:]}. {last}."


def where_dec_loses(methods: Sequence[ComparedMethod]) -> list[str]:
    """Return a line for each network with DEC: which of its methods without reviews agree better, by the ARI.

    Parameters
    ----------
    methods
        As `by_agreement` returns them.
    """
    said = []
    scored = [one for one in methods if not one.reviews and not math.isnan(one.scores[0])]
    for dec in (one for one in scored if one.is_dec):
        better = [one for one in scored if one.network == dec.network and one.scores[0] > dec.scores[0]]
        named = ", ".join(f"{one.name} ({one.scores[0]:.2f})" for one in reversed(better))
        called = f"{dec.network}: {dec.name} (ARI {dec.scores[0]:.2f})"
        said.append(
            f"{called} does worse than {named}."
            if better
            else f"{called}: no other method without reviews does better."
        )
    return said
