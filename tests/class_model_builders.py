"""Class models that took no training of an autoencoder: classes of the events of a training set, and their reviews."""

from collections.abc import Mapping, Sequence

import numpy as np
from store import Store
from training_builders import load_set

from ris_core.clustering.candidates import Candidate
from ris_core.clustering.reviewed.fitted_classes import fit_classes
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import PAPER_INPUT, ClassModelSettings, NormalisationSettings
from ris_core.contracts.candidate_name import REVIEWED, CandidateName
from ris_core.contracts.reviewed_classes import Renamed, ReviewedClasses
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.representations.aec import AecRepresentation

NAME = CandidateName("aec", REVIEWED)
SETTINGS = ClassModelSettings(trees=20, folds=2)


def class_candidate(
    store: Store,
    names: Sequence[str],
    rows: Sequence[int],
    seed: int = 1,
    renames: Mapping[str, str] | None = None,
    simulated: bool = False,
    **also: str,
) -> Candidate:
    """Return a class model of latents of random weights.

    Parameters
    ----------
    store
        With a training set.
    names
        True class of each event of the training set.
    rows
        Events of it that were reviewed.
    seed
        Of the weights.
    renames, simulated
        Of the reviews.
    also
        Further reviewed events, which the classifier was not given: class by event id.
    """
    data = load_set(store)
    aec, events = Aec(seed), np.asarray(rows)
    z, own = encode(aec, data.samples), np.array(names, dtype=object)[events]
    fitted = fit_classes(z[events], own.tolist(), events, np.zeros(len(events), bool), SETTINGS, 0)
    reviewed = dict(zip(np.array(data.event_id)[events].tolist(), own.tolist(), strict=True)) | also
    renamed = tuple(Renamed(old, (old,), new) for old, new in (renames or {}).items())
    classes = ReviewedClasses(fitted.names, reviewed, renamed, simulated)
    model = ReviewedModel(NAME, [AecRepresentation(aec, NormalisationSettings(), PAPER_INPUT)], fitted, classes)
    return Candidate("reviewed", model, {"candidate": str(NAME), "metrics": metrics_of(len(events))})


def metrics_of(tested: int) -> dict[str, float]:
    """Return scores with which a class model may label if enough events were tested."""
    return {"tested_reviews": float(tested), "cv_balanced_accuracy": 0.9}
