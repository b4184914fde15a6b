"""What is ranked: every accepted model of the candidates, its labels, and how stable they are over bootstraps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from ris_core import config
from ris_core.clustering.candidate_models import load_candidate, read_candidate, train_again
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.clusterer import clusterer_class
from ris_core.clustering.features import inputs_of, read_features
from ris_core.clustering.latents import Latents
from ris_core.clustering.model_record import ModelRecord
from ris_core.clustering.model_states import choice_state
from ris_core.clustering.ranking.rank import Key
from ris_core.config import CLUSTERERS
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.models.model_file import WeightsError, require_sound
from ris_core.representations.file_events import FileEvents
from ris_core.storage.layout import Layout
from ris_core.threads import one_thread

UNUSABLE = (OSError, WeightsError, ValueError, KeyError)
"""What loaders raise about files that are absent, damaged, or of something else; the message names the file."""
_CPU = torch.device("cpu")

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class AcceptedModel:
    """A model of a candidate and a K that may label.

    Attributes
    ----------
    name, k
        The candidate, and its number of clusters.
    digest
        Digest of the model.
    record
        What is known of its training.
    """

    name: CandidateName
    k: int
    digest: str
    record: ModelRecord = field(repr=False)

    @property
    def key(self) -> Key:
        """Candidate and K, as the ranking has them."""
        return str(self.name), self.k


def accepted_models(layout: Layout, settings: config.Settings) -> tuple[tuple[AcceptedModel, ...], dict[str, str]]:
    """Return the accepted models of all candidates that may label, and why the others are left out, by name.

    A model that is damaged, not trained, of another representation or training set than the current ones, or not
    accepted by the current settings is left out.
    """
    found, left_out = [], {}
    for name in settings.labelling_candidates:
        lacks = _autoencoder_lacks(layout, settings) if name.representation == AEC_DEC.representation else ""
        for k in settings.counts_of(name):
            try:
                kept = read_candidate(layout, name, k)
                if kept is None:
                    left_out[name.with_k(k)] = "not trained"
                    continue
                if kept.record.inputs != inputs_of(layout, name.representation, settings.normalisation):
                    left_out[name.with_k(k)] = "of another representation or training set than the current ones"
                    continue
                require_sound(layout.candidate(name, k), train_again(name))
            except UNUSABLE as error:
                left_out[name.with_k(k)] = str(error)
                continue
            reasons = [*([lacks] if lacks else []), *kept.record.verdict(settings.dec).reasons]
            if reasons:
                left_out[name.with_k(k)] = "; ".join(reasons)
            else:
                found.append(AcceptedModel(name, k, kept.digest, kept.record))
    return tuple(found), left_out


def _autoencoder_lacks(layout: Layout, settings: config.Settings) -> str:
    """Return why models of the chosen autoencoder may not label, by the current settings; empty if they may."""
    chosen = choice_state(layout, settings.aec)
    # That it is absent or damaged is said where the inputs of a model are compared with it.
    lacks = chosen.model.is_there and not chosen.model.accepted
    return f"its autoencoder ({chosen.name}): {chosen.model.reasons}" if lacks else ""


def labels_of(
    layout: Layout, one: AcceptedModel, rows: NDArray[np.int64], normalisation: config.NormalisationSettings
) -> Labels:
    """Return the clusters (n,) that a model gives some events of the training set; the rows are in ascending order.

    Raises
    ------
    OSError, WeightsError, ValueError, KeyError
        Its files, or its features, are damaged, or of other events.
    """
    model, _ = load_candidate(layout, one.name, one.k)
    if isinstance(model, Clustered):
        z = read_features(layout, one.name.representation, normalisation).z
        return np.asarray(model.clusterer.labels(z[rows]), dtype=np.int32)
    model.require(FileEvents(layout.training_set))
    mask = np.zeros(len(FileEvents(layout.training_set)), dtype=bool)
    mask[rows] = True
    describe = model.describer(_CPU, False)
    with one_thread("blas"):  # as in label_events
        blocks = FileEvents(layout.training_set, mask).blocks(model.needs)
        parts = [describe(block).memberships for block in blocks if len(block)]
    return np.asarray(np.concatenate(parts).argmax(axis=1), dtype=np.int32)


def bootstrap_stability(
    latents: Latents,
    name: CandidateName,
    labels: Mapping[int, Labels],
    rows: NDArray[np.int64],
    of_fit: NDArray[np.bool_],
    settings: config.Settings,
) -> dict[int, float]:
    """Return how far clusters of bootstraps agree with those of a candidate, by K: the mean ARI.

    Each bootstrap draws, with replacement, as many of the events that clusters are fitted to as there are; clusters of
    all K are fitted to their features with another seed and label all events (after Dolnicar & Leisch 2010, Market.
    Lett. 21, 83-101).

    Parameters
    ----------
    latents
        Features (N, D) of the training set.
    name, labels
        The candidate, and its labels (n,) by K.
    rows, of_fit
        The n events, and which of them clusters are fitted to (n,).
    settings
        Sections `ranking`, `dec` (`seed`) and the candidate's.
    """
    section = settings.clusterer_of(name.clusterer)
    kind = clusterer_class(CLUSTERERS.kind_of(section))
    z = latents.z[rows]
    fitted_to = np.flatnonzero(of_fit)
    found: dict[int, list[float]] = {k: [] for k in labels}
    for turn in range(settings.ranking.bootstraps):
        seed = settings.dec.seed + turn + 1
        drawn = z[np.random.default_rng([settings.ranking.seed, turn]).choice(fitted_to, len(fitted_to))]
        with one_thread():
            shared = kind.share(drawn, section, seed)
            for k, own in labels.items():
                again = kind.fit_shared(shared, drawn, k, section, seed).labels(z)
                found[k].append(float(adjusted_rand_score(own, again)))
    return {k: float(np.mean(values)) for k, values in found.items() if values}


def silhouettes(models: Sequence[AcceptedModel]) -> dict[Key, float]:
    """Return the silhouettes in data space, which all models have in common, of those that have one."""
    values: dict[Key, Any] = {one.key: one.record.metrics.get("silhouette") for one in models}
    return {key: float(value) for key, value in values.items() if value is not None}
