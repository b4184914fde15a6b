"""How far the reviews are: agreement, conflicts, what the class model is worth, and what more reviews would bring."""

from __future__ import annotations

import math
import threading
from dataclasses import asdict
from typing import Any

from ris_core.clustering.reviewed.class_model_reading import (
    NoClassModelError,
    class_model_folder,
    describe_class_model,
)
from ris_core.config import Settings
from ris_core.review.kappa import ALL, agreement
from ris_core.review.outlook import outlook
from ris_core.review.state import ReviewState
from ris_core.review.summary import reviewed_since
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_explorer.explorer import Explorer

_MOST_CONFLICTS = 100
_PRESUMED = 0.8


class Progress:
    """Keeps what was worked out for the present log and class model.

    Parameters
    ----------
    explorer
        The network and its reviews.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._lock = threading.Lock()
        self._kept: tuple[Any, dict[str, Any]] | None = None

    def now(self) -> dict[str, Any]:
        """Return agreement, conflicts, and what is known of the class model.

        Returns
        -------
        dict
            `agreement` (a row for each two reviewers over all classes, with rows `by_class`), `conflicts` (of each
            event the words of its reviewers) and how many there are (`conflicting`), `model` (as `model_of`).
        """
        content, state = self._explorer.reviews
        layout, settings = self._explorer.network.layout, self._explorer.network.settings
        folder = class_model_folder(layout, settings.class_model_name)
        of = content.digest, None if folder is None else (folder / "model.json").stat().st_mtime_ns
        with self._lock:
            if self._kept is None or self._kept[0] != of:
                said = _agreement(state) | _conflicts(state) | {"model": model_of(layout, settings, state)}
                self._kept = of, said
            return self._kept[1]


def model_of(layout: Layout, settings: Settings, state: ReviewState) -> dict[str, Any]:
    """Return what is known of the class model.

    Returns
    -------
    dict
        `trained` (whether there is one), `words` (why nothing is known), `since` (events whose final word is not that
        of its training), and of its assessment `audit_accuracy`, `cv_weighted_accuracy`, `limits`, `simulated`;
        `outlook` with its `presumed` share, none if it is that of the audits.
    """
    since = reviewed_since(layout, settings, state)
    nothing: dict[str, Any] = {
        "trained": False,
        "since": since,
        "audit_accuracy": None,
        "cv_weighted_accuracy": None,
        "limits": [],
    }
    nothing |= {"outlook": [asdict(one) for one in outlook(0, 0, 0, _PRESUMED)], "presumed": _PRESUMED}
    try:
        description = describe_class_model(layout, settings.class_model_name)[0]
        metadata = description.metadata
        assessment = metadata["assessment"]
        audits = assessment["audit_accuracy"]
        weighted = metadata["metrics"].get("cv_weighted_accuracy")
        presumed = None if audits["count"] else _PRESUMED if weighted is None else weighted
        more = outlook(audits["right"], audits["count"], audits["low"], presumed or 0)
        return {
            "trained": True,
            "words": "",
            "since": since,
            "digest": description.digest,
            "simulated": bool(metadata.get("simulated")),
            "audit_accuracy": audits,
            "cv_weighted_accuracy": weighted,
            "limits": assessment["limits"],
            "classes": assessment["classes"],
            "outlook": [asdict(one) for one in more],
            "presumed": presumed,
        }
    except NoClassModelError:
        return {**nothing, "words": "no class model has been trained yet"}
    except (DamagedFileError, KeyError) as error:
        return {**nothing, "words": f"nothing is known of the class model: {error}"}


def _agreement(state: ReviewState) -> dict[str, Any]:
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in agreement(state).to_dict("records")
    ]
    pairs = [
        {**row, "by_class": [one for one in rows if _pair(one) == _pair(row) and one["class_name"] != ALL]}
        for row in rows
        if row["class_name"] == ALL
    ]
    return {"agreement": pairs}


def _pair(row: dict[Any, Any]) -> tuple[str, str]:
    return row["first"], row["second"]


def _conflicts(state: ReviewState) -> dict[str, Any]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in state.conflicts().to_dict("records"):
        found.setdefault(row["event_id"], []).append({"reviewer": row["reviewer"], "class_name": row["class_name"]})
    shown = [{"event_id": name, "words": words} for name, words in list(found.items())[:_MOST_CONFLICTS]]
    return {"conflicts": shown, "conflicting": len(found)}
