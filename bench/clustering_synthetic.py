"""One run of the clustering benchmark on the events of a synthetic network: without a neural network, and with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from bench.clustering_candidates import by_lifetime, by_silhouette, consensus_of, true_count
from bench.clustering_chains import chain_of, settings_of
from bench.clustering_events import load_events
from bench.clustering_features import log_spectra
from bench.clustering_scores import Row, scored
from bench.clustering_training import OBJECTIVES, STARTS, Array, Embedded, Timer, best_count, embed
from bench.clustering_volcano import VolcanoSize, load_volcano
from bench.clustering_windows import Events, Size
from ris_core import config
from ris_core.clustering.initialise import gmm
from ris_core.clustering.ranking.partition import Partition
from ris_core.training.aec import train_aec
from ris_core.training.loop import DivergedError
from ris_core.training.normalise import normalise
from ris_core.truth.baseline import hand_features, kmeans_baseline

PUBLISHED_TRIAL = (64, 1e-3)
"""Batch size and learning rate that Jenkins et al. (2021) chose."""
VALIDATION = 0.2
HAND = "hand features + k-means"
MIXTURES = {
    "GMM on 9 PCA": ("linear", 9),
    "GMM on 9 PCA of log spectra": ("log", 9),
    "GMM on 20 PCA of log spectra": ("log", 20),
}


@dataclass(frozen=True)
class Draw:
    """The events of a run.

    Attributes
    ----------
    world
        Networks on an ice shelf, or volcanoes.
    generator, seed
        Seed of the network; seed of the split, of the weights and of everything else that is drawn.
    size, cache
        See `load_events` and `load_volcano`.
    """

    world: Literal["network", "volcano"]
    generator: int
    seed: int
    size: Size | VolcanoSize
    cache: Path

    def events(self, settings: config.Settings) -> Events:
        """Return all windows of the generator that these settings ask for."""
        if isinstance(self.size, VolcanoSize):
            return load_volcano(self.generator, self.size, self.cache)
        return load_events(self.generator, chain_of(settings), self.size, self.cache)


class UntrainedError(RuntimeError):
    """The training of an autoencoder failed with every seed that its settings allow."""


def learning_of(profile: str, values: Mapping[str, Any]) -> config.Settings:
    """Return the settings of a profile with some values replaced, like ``{"dec": {"shuffle": False}}``."""
    return settings_of(0, values={**values, "profile": profile})


def baselines(draw: Draw, counts: Sequence[int]) -> list[Row]:
    """Cluster without a neural network: hand-made features and k-means, mixtures on principal components."""
    events = draw.events(settings_of(0, "causal_chebyshev")).of_role("sample")
    n = len(events)
    clock = Timer()
    features = hand_features(events.spectrogram, events.frequency, events.time)
    made = clock.lap()
    standard = StandardScaler().fit_transform(features)
    rows = by_silhouette(events, HAND, standard, lambda k: kmeans_baseline(features, k, draw.seed), counts, made, [])
    spaces = {
        "linear": normalise(events.spectrogram).reshape(n, -1),
        "log": log_spectra(events.spectrogram).reshape(n, -1),
    }
    for method, (space, components) in MIXTURES.items():
        clock = Timer()
        z = PCA(min(components, n), svd_solver="randomized", random_state=draw.seed).fit_transform(spaces[space])
        rows += by_silhouette(events, method, spaces[space], partial(_mixture, z, draw.seed), counts, clock.lap(), [])
    return rows


def _mixture(z: NDArray[Any], seed: int, k: int) -> NDArray[np.int32]:
    return gmm(z, k, STARTS, seed).labels


def trial_of(grid: config.AecGridSettings) -> tuple[int, float]:
    """Return batch size and learning rate: the published choice if it is in the grid, else the first trial."""
    trials = list(grid.trials().values())
    return PUBLISHED_TRIAL if PUBLISHED_TRIAL in trials else trials[0]


def train(draw: Draw, x: Array, held: NDArray[np.bool_], settings: config.AecSettings) -> tuple[Any, Row, float]:
    """Train the platform's autoencoder; returns it, its description, and CPU-seconds.

    Raises
    ------
    UntrainedError
        The training diverged, or all latents died, with every seed.
    """
    clock = Timer()
    own = settings.model_copy(update={"seed": draw.seed * (settings.restarts + 1), "device": "cpu"})
    try:
        aec = train_aec(x[~held], x[held], *trial_of(settings.grid), own)
    except DivergedError as error:
        raise UntrainedError(str(error)) from error
    if aec.stopped == "dead":
        raise UntrainedError(f"all latents are zero with every seed of {aec.seeds_tried}")
    about = {"val_mse": aec.val_mse, "aec_epochs": len(aec.history), "aec_stopped": aec.stopped}
    return aec.model, about, clock.lap()


def chosen_count(embedded: Embedded, counts: Sequence[int]) -> int:
    """Return the K whose initial clusters have the best silhouette in data space."""
    return best_count(embedded.x, {k: embedded.initial[k].labels for k in counts})


def networks(
    draw: Draw,
    settings: config.Settings,
    objectives: Sequence[str],
    counts: Sequence[int],
    partitions: list[Partition],
) -> list[Row]:
    """Train autoencoder, initial clusters and the forms of DEC on the events of a network; add to the partitions.

    K without truth is the one with the best silhouette of its initial clusters in data space. The forms of DEC are
    trained for it and for the true K, from the same autoencoder and initial clusters. The consensus of the latents has
    its own K.
    """
    events = draw.events(settings).of_role("sample")
    x = normalise(events.spectrogram, settings.normalisation)
    model, about, seconds = train(draw, x, events.validation(VALIDATION, draw.seed), settings.aec)
    true = true_count(events)
    embedded = embed(model, x, [*counts, true], settings.dec.initialisation, draw.seed)
    rules = {"chosen": chosen_count(embedded, counts), "true": true}
    name = f"AEC + {settings.dec.initialisation}"
    partitions += [Partition(name, k, embedded.initial[k].labels) for k in counts]
    consensus = by_lifetime(events, "AEC", embedded.z, consensus_of(settings), draw.seed, seconds, (), partitions)
    rows = [{**row, **about} for row in consensus]
    for k in sorted(set(rules.values())):
        before = seconds + embedded.seconds[k]
        found = [{"method": name, **_score(events, embedded.initial[k].labels), "cpu_s": before, **about}]
        for objective in objectives:
            dec, spent = embedded.dec(k, settings.dec, objective, draw.seed)
            if k == rules["chosen"]:
                partitions.append(Partition(OBJECTIVES[objective], k, dec.labels))
            row = {"method": OBJECTIVES[objective], **_score(events, dec.labels), "cpu_s": before + spent}
            smallest = min(dec.sizes) / len(events)
            found.append({**row, "dec_epochs": dec.epochs, "dec_stopped": dec.stopped, "smallest_cluster": smallest})
        rows += [{"rule": rule, "k": k, **row} for rule in rules if rules[rule] == k for row in found]
    return rows


def _score(events: Events, labels: NDArray[Any]) -> Row:
    return scored(events.family, labels, events.snr_db)
