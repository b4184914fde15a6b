"""Champions that took no training: enough to label with, and to be followed by another."""

import numpy as np
import torch

from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, appoint
from ris_core.labels.appointment import prepare
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import weights_digest
from ris_core.storage.store import Store
from ris_core.training import training_set


def appoint_untrained(store: Store, seed: int = 1) -> Champion:
    """Make a network of random weights and three clusters champion; a training set is drawn if there is none."""
    if not store.training_set.exists():
        training_set.draw(store)
    aec = Aec(seed)
    latents = encode(aec, training_set.load(store, store.settings.training_set, store.settings.normalisation).samples)
    order = np.argsort(latents.sum(axis=1))
    model = Dec.from_aec(aec, torch.from_numpy(latents[order[[0, len(latents) // 2, -1]]]))
    champion = prepare(store, Candidate("untrained", model, {}, weights_digest(model)), store.settings).champion
    appoint(store, champion)
    return champion
