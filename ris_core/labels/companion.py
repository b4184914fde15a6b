"""The model without reviews that stands beside a class model, so that both can be compared event by event."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, Companion
from ris_core.clustering.champion_files import load_copy
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.labels.champion_copy import keep_copy, label_training_set
from ris_core.labels.label_table import require_input
from ris_core.registry import UnknownKindError
from ris_core.storage.layout import Layout


@dataclass(frozen=True)
class Beside:
    """A model beside a class model, whose files lie with those of the champions.

    Attributes
    ----------
    companion
        Its record.
    model
        The model.
    clusters
        (N,) its cluster of each event of the training set; none if it has been champion or beside one, so that its
        classes are those that it had.
    """

    companion: Companion
    model: ClusterModel = field(repr=False)
    clusters: NDArray[np.int32] | None = field(repr=False, default=None)


def find_beside(
    layout: Layout, before: Champion | None, candidate: Candidate | None, labelling: config.LabellingSettings
) -> Beside | None:
    """Return the model that stands beside a class model; none if there is no such model.

    It is the previous champion if this is no class model, else what stands beside that. If there is neither, or it
    cannot describe the events of the training set, it is the candidate, whose classes get new numbers.

    Parameters
    ----------
    layout, before
        The data root, and the previous champion.
    candidate
        A model without reviews; none if no such model is accepted.
    labelling
        Section `labelling`.

    Raises
    ------
    DamagedFileError
        Its files are damaged.
    """
    former = None if before is None else before.companion if before.reviewed else _as_companion(before)
    if former is not None:
        found = _usable(layout, former)
        if found is not None:
            return found
    if candidate is None:
        return None
    model = candidate.model
    require_input(model, layout.training_set)
    keep_copy(layout.champion_model(model.version), candidate)
    clusters = label_training_set(layout, model, labelling, reconstruction=False).cluster
    first = 0 if before is None else before.next_class
    own = None if before is None else before.classes_of.get(model.version)
    classes = tuple(range(first, first + model.n_clusters)) if own is None else own
    return Beside(Companion(str(model.name), model.n_clusters, model.version, classes), model, clusters)


def _as_companion(champion: Champion) -> Companion:
    return Companion(champion.candidate, champion.k, champion.model_version, champion.classes)


def _usable(layout: Layout, companion: Companion) -> Beside | None:
    remedy = (
        f"choose {companion.candidate} of K = {companion.k} as champion again, which writes its files anew, and then "
        "the class model"
    )
    try:
        model = load_copy(layout.champion_model(companion.model_version), remedy)
        require_input(model, layout.training_set)
    except (UnknownKindError, InputMismatchError):
        return None
    return Beside(companion, model)
