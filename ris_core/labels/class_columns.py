"""The columns of a label table by a class model: the reviewer's word, the model's, and the clusters beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.champion import Champion
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.labels.labelling import LabelArrays


def numbers_of(champion: Champion, classes: ReviewedClasses) -> dict[str, int]:
    """Return the number of each class of a champion that is a class model, by its name."""
    wanted = set(classes.all_names)
    return {name: number for number, name in sorted(champion.names.items(), reverse=True) if name in wanted}


def class_columns(
    champion: Champion,
    model: ClusterModel,
    found: LabelArrays,
    event_ids: Sequence[str],
    beside: NDArray[np.int32] | None,
) -> dict[str, Any]:
    """Return the columns of a label table by a class model that differ from those of other models.

    The reviewer's word stands above that of the model: where an event was reviewed, `label`, `class_name` and
    `probability` are of the reviewer's class, and it is assigned. `conformal_set`, `new` and the probabilities are the
    model's for every event.

    Parameters
    ----------
    champion, model
        The champion, which is a class model, and this model.
    found, event_ids
        Its labels of N events, and their identifiers.
    beside
        (N,) class number of each event by the model that stands beside it; none if there is none.
    """
    classes = _classes(model)
    numbers, columns = numbers_of(champion, classes), {name: j for j, name in enumerate(classes.names)}
    reviewed = [classes.reviewed.get(name) for name in event_ids]
    of_model = np.array(classes.names, dtype=object)[found.cluster]
    names = [own if own is not None else str(by_model) for own, by_model in zip(reviewed, of_model, strict=True)]
    probability = [
        float(row[columns[name]]) if name in columns else 0.0
        for row, name in zip(found.probabilities, names, strict=True)
    ]
    _, assigned = found.judged(None)
    own_numbers = np.array(champion.classes, dtype=np.int32)
    sets = np.empty((0, model.n_clusters), np.bool_) if found.sets is None else found.sets
    return {
        "label": np.array([numbers[name] for name in names], dtype=np.int32),
        "class_name": names,
        "probability": np.array(probability, dtype=np.float32),
        "conformal_set": [sorted(own_numbers[row].tolist()) for row in sets],
        "new": found.novel,
        "assigned": assigned | np.array([own is not None for own in reviewed], dtype=np.bool_),
        "reviewed": pd.Series(reviewed, dtype=object),
        "unsupervised_label": pd.Series([None] * len(names) if beside is None else beside.tolist(), dtype=object),
    }


def class_summary(champion: Champion, model: ClusterModel) -> dict[str, Any]:
    """Return what is said of a class model in the summaries of its label tables."""
    classes = _classes(model)
    companion = champion.companion
    return {
        "class_names": {str(number): name for name, number in numbers_of(champion, classes).items()},
        "reviews": len(classes.reviewed),
        "reviews_simulated": classes.simulated,
        "unsupervised_version": None if companion is None else companion.model_version,
    }


def _classes(model: ClusterModel) -> ReviewedClasses:
    if model.classes is None:
        raise ValueError(f"{model.version} was not trained on reviews")
    return model.classes
