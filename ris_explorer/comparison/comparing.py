"""Two models side by side: the same events under the labels of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.clustering.model_comparison import (
    LabelComparison,
    accuracy_by_reviews,
    compare_labels,
    numbers_like,
)
from ris_core.figures.palette import cluster_style
from ris_core.labels.compared_models import ComparedModel
from ris_core.station_days.station_days import StationDays
from ris_explorer.comparison.model_labels import UNKNOWN, RowLabels
from ris_explorer.event_table import NOT_REVIEWED, EventTable

_AUDIT = ("audit_accuracy", "audit_accuracy_low", "audit_accuracy_high", "audits")


@dataclass(frozen=True, eq=False)
class Compared:
    """Labels of the same events by two models.

    Attributes
    ----------
    rows
        (n,) rows of the table: events that both have labelled and that pass the filter.
    before, after
        (n,) class numbers, which mean the same classes.
    found
        The comparison.
    notes
        In words which events these are.
    """

    rows: NDArray[np.int64] = field(repr=False)
    before: NDArray[np.int32] = field(repr=False)
    after: NDArray[np.int32] = field(repr=False)
    found: LabelComparison
    notes: tuple[str, ...]

    def changed(self, before: int | None, after: int | None) -> NDArray[np.int64]:
        """Return which of the n events changed; with numbers those of this class before and after, changed or not."""
        wanted = self.found.changed if before is None and after is None else np.ones(len(self.rows), bool)
        if before is not None:
            wanted = wanted & (self.before == before)
        if after is not None:
            wanted = wanted & (self.after == after)
        return np.flatnonzero(wanted)


def compare(
    network: StationDays,
    table: EventTable,
    models: tuple[ComparedModel, ComparedModel],
    labels: tuple[RowLabels, RowLabels],
    passing: NDArray[np.bool_],
) -> Compared:
    """Compare two models.

    Parameters
    ----------
    network, table
        The network and its N events.
    models, labels
        The models, and their labels of the events.
    passing
        (N,) bool: events that pass the filter.
    """
    both = (labels[0].labels != UNKNOWN) & (labels[1].labels != UNKNOWN) & labels[0].sampled & labels[1].sampled
    common = np.flatnonzero(both)
    before, after = _numbered(network, models, (labels[0].labels[common], labels[1].labels[common]))
    kept = passing[common]
    before, after = before[kept], after[kept]
    notes = _notes(network, table, models, labels, len(common), int(kept.sum()))
    return Compared(common[kept], before, after, compare_labels(before, after), tuple(notes))


def _numbered(
    network: StationDays,
    models: tuple[ComparedModel, ComparedModel],
    labels: tuple[NDArray[np.int32], NDArray[np.int32]],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give a model that has no class numbers those that it would have after the other."""
    (first, second), (before, after) = models, labels
    champion, least = champion_or_none(network.layout), network.settings.champion.least_overlap
    free = 0 if champion is None else champion.next_class
    if second.numbers is None:
        after = np.array(numbers_like(before, after, second.k, free, least), np.int32)[after]
    elif first.numbers is None:
        before = np.array(numbers_like(after, before, first.k, free, least), np.int32)[before]
    return before, after


def _notes(
    network: StationDays,
    table: EventTable,
    models: tuple[ComparedModel, ComparedModel],
    labels: tuple[RowLabels, RowLabels],
    common: int,
    passing: int,
) -> list[str]:
    notes = []
    if labels[0].everywhere and labels[1].everywhere:
        notes.append(f"Compared are all {common:,} events that both have labelled, of {len(table):,}.")
    else:
        sampling = network.settings.training_set
        drawn = "as many of each station" if sampling.stratify == "station" else "drawn uniformly from all events"
        held_out = (
            f", without the stations {', '.join(sampling.held_out_stations)}" if sampling.held_out_stations else ""
        )
        notes.append(
            f"Compared is a sample of {common:,} events of the training set ({drawn}{held_out}), of {len(table):,}."
        )
    if passing < common:
        notes.append(f"{passing:,} of them pass the filter.")
    for model, found in zip(models, labels, strict=True):
        called = f"{model.candidate}, K = {model.k}"
        if found.left_out:
            notes.append(
                f"{found.left_out:,} events that {called} labelled, or should have, are left out: they are not "
                "in the catalogue, or their spectrogram is not at hand."
            )
        if found.everywhere and (lacking := int((found.labels == UNKNOWN).sum())):
            notes.append(f"{lacking:,} events have no label by {called} in the label tables and are left out.")
        if found.with_words:
            notes.append(f"Where an event was reviewed before {called} was trained, its label is the reviewer's word.")
    if not (models[0].reviewed and models[1].reviewed):
        notes.append(
            "Right: most other reviewed events of its class have the event's reviewed class; of a class model, it has "
            "the reviewed class."
        )
    if models[0].numbers is None or models[1].numbers is None:
        notes.append(
            "A model that has not been champion gets the class numbers that it would have after the other one: "
            "clusters that share enough events have one number, and numbers of other clusters are new."
        )
    return notes


def answer_of(
    network: StationDays,
    table: EventTable,
    models: tuple[ComparedModel, ComparedModel],
    labels: tuple[RowLabels, RowLabels],
    compared: Compared,
) -> dict[str, Any]:
    """Return what the page shows of a comparison, as plain values."""
    found = compared.found
    champion = champion_or_none(network.layout)
    numbers = sorted({*found.before_numbers, *found.after_numbers})
    names = class_names(network.settings.champion, numbers, champion)

    def classes(of: Sequence[int], events: NDArray[np.int64]) -> list[dict[str, Any]]:
        return [
            {"number": number, "name": names[number], "colour": cluster_style(number)[0], "events": int(n)}
            for number, n in zip(of, events, strict=True)
        ]

    return {
        "events": len(compared.rows),
        "changed": int(found.changed.sum()),
        "adjusted_rand": found.adjusted_rand,
        "mutual_information": found.mutual_information,
        "before": classes(found.before_numbers, found.counts.sum(axis=1)),
        "after": classes(found.after_numbers, found.counts.sum(axis=0)),
        "counts": found.counts.tolist(),
        "notes": compared.notes,
        "accuracy": [_accuracy(table, model, of) for model, of in zip(models, labels, strict=True)],
        "version": table.version,
        "review_version": table.review_version,
    }


def _accuracy(table: EventTable, model: ComparedModel, labels: RowLabels) -> dict[str, Any]:
    """Return how often a model is right by the reviews, and what that number is, in words."""
    if model.reviewed:
        metrics = model.metrics
        value, low, high, count = (metrics.get(name) for name in _AUDIT)
        about = "audits (drawn at random), by trees that had not seen them"
        return {"all": None, "audits": {"value": value, "low": low, "high": high, "count": count or 0, "about": about}}
    known = np.flatnonzero((table.reviewed != NOT_REVIEWED) & (labels.labels != UNKNOWN))
    words = [table.reviewed_names[code] for code in table.reviewed[known]]
    own, audit = labels.labels[known], table.audit[known]
    return {
        "all": accuracy_by_reviews(own, words).as_record()
        | {"about": "reviewed events, among which difficult ones are frequent"},
        "audits": accuracy_by_reviews(own, words, audit).as_record() | {"about": "audits (drawn at random)"},
    }
