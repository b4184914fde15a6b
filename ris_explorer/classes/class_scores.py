"""How far the labels of a class can be trusted, as far as reviews say it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.champion import Champion
from ris_core.clustering.reviewed.intervals import share_of
from ris_core.models.model_file import read_description
from ris_core.review.state import ReviewState
from ris_core.storage.damage import MODEL_AGAIN, DamagedFileError, damage_named
from ris_core.storage.layout import Layout
from ris_explorer.event_table import NOT_REVIEWED, EventTable

_MOST_NAMES = 5
_LEAST_AUDITS = 5
"""With fewer audits of a class, all its reviews are said to be what they are, and taken."""


def of_class_model(layout: Layout, champion: Champion) -> dict[int, dict[str, Any]]:
    """Return precision and recall of each class of a class model, by class number, from its own assessment.

    Those of the audits are taken where the class has any, since they hold for all events.

    Returns
    -------
    dict
        Of each class `precision` and `recall` (`value`, `low`, `high`, `right`, `count`), and `by`: of what.

    Raises
    ------
    DamagedFileError
        The champion's copy of the model is damaged.
    """
    folder = layout.champion_model(champion.model_version)
    metadata = read_description(folder, MODEL_AGAIN).metadata
    found = {}
    with damage_named(folder, MODEL_AGAIN):
        by_name = {one["name"]: one for one in metadata["assessment"]["classes"]}
        for number, name in zip(champion.classes, metadata["class_names"], strict=True):
            one = by_name[name]
            audited = one["audits"] > 0
            before = "audit_" if audited else ""
            source = (
                f"{one['audits']} audits" if audited else f"{one['reviewed']} reviews as they were chosen; no audits"
            )
            found[int(number)] = {
                "precision": one[f"{before}precision"],
                "recall": one[f"{before}recall"],
                "by": f"{source}; events that the model had not seen",
                "of": str(name),
            }
    return found


def of_reviews(table: EventTable, index: int, looked_at: NDArray[np.bool_], called: str) -> dict[str, Any]:
    """Return how far a class that is no class of a class model coincides with a reviewed class.

    Parameters
    ----------
    table
        The events.
    index
        Place of the class in `EventTable.classes`.
    looked_at
        (N,) events that a reviewer has looked at one by one. Groups that were named as a whole, perhaps because of
        their label, say nothing of the label.
    called
        Reviewed class of the same name; if there is none, the one that is most frequent in the class is taken.

    Returns
    -------
    dict
        As each of `of_class_model`, with `of`: the reviewed class; only `why_not` where nothing is known.
    """
    mine = table.class_index == index
    audits = looked_at & table.audit
    audited = int((audits & mine).sum()) >= _LEAST_AUDITS
    used = audits if audited else looked_at
    here = table.reviewed[used & mine]
    if not len(here):
        return {"why_not": "no reviewer has looked at any of its events"}
    counts = np.bincount(here, minlength=len(table.reviewed_names))
    most = table.reviewed_names.index(called) if called in table.reviewed_names else int(counts.argmax())
    source = "audits" if audited else "reviews as they were chosen, among which difficult events are too many"
    return {
        "precision": share_of(int(counts[most]), len(here)).as_record(),
        "recall": share_of(int(counts[most]), int((table.reviewed[used] == most).sum())).as_record(),
        "by": f"{int(used.sum())} {source}",
        "of": table.reviewed_names[most],
    }


def names_in(table: EventTable, index: int) -> list[dict[str, Any]]:
    """Return the most frequent final words on the events of a class, with their numbers."""
    here = table.reviewed[(table.class_index == index) & (table.reviewed != NOT_REVIEWED)]
    counts = np.bincount(here, minlength=len(table.reviewed_names))
    order = [place for place in np.argsort(-counts, kind="stable")[:_MOST_NAMES] if counts[place]]
    return [{"name": table.reviewed_names[place], "events": int(counts[place])} for place in order]


def scores(
    table: EventTable, state: ReviewState, layout: Layout, champion: Champion | None
) -> dict[int, dict[str, Any]]:
    """Return what is known of each class of a table, by its number (`of_class_model`, or `of_reviews`)."""
    words = state.reviewed()
    rows = table.rows_of(words.loc[~words["bulk"], "event_id"].tolist())
    looked_at = np.zeros(len(table), bool)
    looked_at[rows[rows >= 0]] = True
    spelt = {name.casefold(): name for name in table.reviewed_names}
    found = {
        each.number: of_reviews(table, index, looked_at, spelt.get(each.name.casefold(), ""))
        for index, each in enumerate(table.classes)
        if each.number >= 0
    }
    if champion is not None and champion.reviewed:
        try:
            found |= of_class_model(layout, champion)
        except (DamagedFileError, KeyError) as error:
            found = {number: {"why_not": f"the champion's assessment cannot be read: {error}"} for number in found}
    return found
