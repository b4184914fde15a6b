"""Champions that took no training: enough to label with, and to be followed by another."""

import numpy as np
import torch
from store import Store
from training_builders import draw_set, load_set

from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import Champion, appoint
from ris_core.clustering.dec_model import DecModel
from ris_core.config import PAPER_INPUT, NormalisationSettings
from ris_core.labels.appointment import prepare
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec


def appoint_untrained(store: Store, seed: int = 1) -> Champion:
    """Make a network of random weights and three clusters champion; a training set is drawn if there is none."""
    if not store.training_set.exists():
        draw_set(store)
    aec = Aec(seed)
    latents = encode(aec, load_set(store).samples)
    order = np.argsort(latents.sum(axis=1))
    model = Dec.from_aec(aec, torch.from_numpy(latents[order[[0, len(latents) // 2, -1]]]))
    candidate = Candidate("untrained", DecModel(model, NormalisationSettings(), PAPER_INPUT), {})
    champion = prepare(store, candidate, store.settings).champion
    appoint(store, champion)
    return champion
