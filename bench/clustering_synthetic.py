"""One run of the clustering benchmark on the events of a synthetic network: without a neural network, and with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from bench.clustering_chains import Chain, chain_of, settings_of
from bench.clustering_events import load_events
from bench.clustering_scores import Row, scored
from bench.clustering_training import OBJECTIVES, STARTS, Array, Embedded, Timer, best_count, embed
from bench.clustering_windows import Events, Size
from ris_core import config
from ris_core.clustering.initialise import gmm
from ris_core.training.aec import train_aec
from ris_core.training.loop import DivergedError
from ris_core.training.normalise import normalise
from ris_core.truth.baseline import hand_features, kmeans_baseline
from ris_core.truth.evaluation import MIXED

PUBLISHED_TRIAL = (64, 1e-3)
"""Batch size and learning rate that Jenkins et al. (2021) chose."""
VALIDATION = 0.2
_DYNAMIC_RANGE = 1e-6
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
    generator, seed
        Seed of the network; seed of the split, of the weights and of everything else that is drawn.
    size, cache
        See `load_events`.
    """

    generator: int
    seed: int
    size: Size
    cache: Path

    def events(self, chain: Chain) -> Events:
        """Return all windows of the generator."""
        return load_events(self.generator, chain, self.size, self.cache)


class UntrainedError(RuntimeError):
    """The training of an autoencoder failed with every seed that its settings allow."""


def learning_of(profile: str, values: Mapping[str, Any]) -> config.Settings:
    """Return the settings of a profile with some values replaced, like ``{"dec": {"shuffle": False}}``."""
    return settings_of(0, values={**values, "profile": profile})


def log_spectra(spectrograms: Array) -> Array:
    """Return decibels (N, F, T) of linear PSD about each event's mean, down to 60 dB below its greatest."""
    floor = _DYNAMIC_RANGE * spectrograms.max(axis=(1, 2), keepdims=True)
    decibels = 10 * np.log10(np.maximum(spectrograms, floor))
    return np.asarray(decibels - decibels.mean(axis=(1, 2), keepdims=True), dtype=np.float32)


def true_count(events: Events) -> int:
    """Return the number of classes among the windows of one family."""
    return len(set(events.family) - {MIXED})


def baselines(draw: Draw, counts: Sequence[int]) -> list[Row]:
    """Cluster without a neural network: hand-made features and k-means, mixtures on principal components."""
    events = draw.events("causal_chebyshev").of_role("sample")
    n = len(events)
    clock = Timer()
    features = hand_features(events.spectrogram, events.frequency, events.time)
    made = clock.lap()
    standard = StandardScaler().fit_transform(features)
    rows = _by_count(events, HAND, standard, made, lambda k: kmeans_baseline(features, k, draw.seed), counts)
    spaces = {
        "linear": normalise(events.spectrogram).reshape(n, -1),
        "log": log_spectra(events.spectrogram).reshape(n, -1),
    }
    for method, (space, components) in MIXTURES.items():
        clock = Timer()
        z = PCA(min(components, n), svd_solver="randomized", random_state=draw.seed).fit_transform(spaces[space])
        rows += _by_count(events, method, spaces[space], clock.lap(), partial(_mixture, z, draw.seed), counts)
    return rows


def _mixture(z: NDArray[Any], seed: int, k: int) -> NDArray[np.int32]:
    return gmm(z, k, STARTS, seed).labels


def _by_count(
    events: Events,
    method: str,
    space: NDArray[Any],
    made: float,
    cluster: Callable[[int], NDArray[Any]],
    counts: Sequence[int],
) -> list[Row]:
    """Cluster for every K; score the K with the best silhouette in a space, and the true K."""
    true, labels, seconds = true_count(events), {}, {}
    for k in sorted({*counts, true}):
        clock = Timer()
        labels[k] = cluster(k)
        seconds[k] = made + clock.lap()
    chosen = best_count(space, {k: labels[k] for k in counts})
    return [
        {"method": method, "rule": rule, "k": k, **scored(events.family, labels[k], events.snr_db), "cpu_s": seconds[k]}
        for rule, k in (("chosen", chosen), ("true", true))
    ]


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


def networks(draw: Draw, settings: config.Settings, objectives: Sequence[str], counts: Sequence[int]) -> list[Row]:
    """Train autoencoder, initial clusters and the forms of DEC on the events of a network.

    K without truth is the one with the best silhouette of its initial clusters in data space. The forms of DEC are
    trained for it and for the true K, from the same autoencoder and initial clusters.
    """
    events = draw.events(chain_of(settings)).of_role("sample")
    x = normalise(events.spectrogram, settings.normalisation)
    model, about, seconds = train(draw, x, events.validation(VALIDATION, draw.seed), settings.aec)
    true = true_count(events)
    embedded = embed(model, x, [*counts, true], settings.dec.initialisation, draw.seed)
    rules = {"chosen": chosen_count(embedded, counts), "true": true}
    rows: list[Row] = []
    for k in sorted(set(rules.values())):
        before = seconds + embedded.seconds[k]
        name = f"AEC + {settings.dec.initialisation}"
        found = [{"method": name, **_score(events, embedded.initial[k].labels), "cpu_s": before, **about}]
        for objective in objectives:
            dec, spent = embedded.dec(k, settings.dec, objective, draw.seed)
            row = {"method": OBJECTIVES[objective], **_score(events, dec.labels), "cpu_s": before + spent}
            smallest = min(dec.sizes) / len(events)
            found.append({**row, "dec_epochs": dec.epochs, "dec_stopped": dec.stopped, "smallest_cluster": smallest})
        rows += [{"rule": rule, "k": k, **row} for rule in rules if rules[rule] == k for row in found]
    return rows


def _score(events: Events, labels: NDArray[Any]) -> Row:
    return scored(events.family, labels, events.snr_db)
