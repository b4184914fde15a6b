"""Novelty of events of a family that is absent or rare in the training: one run of the clustering benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from bench.clustering_events import RARE
from bench.clustering_features import log_spectra
from bench.clustering_scores import Row, auroc, auroc_by_snr
from bench.clustering_synthetic import MIXTURES, VALIDATION, Draw, chosen_count, train
from bench.clustering_training import STARTS, embed
from bench.clustering_windows import Events, joined
from ris_core import config
from ris_core.clustering.initialise import fit_gmm, kmeans
from ris_core.clustering.novelty import conformal_threshold, fit_novelty
from ris_core.models.inference import describe
from ris_core.training.normalise import normalise

PRESENT = (0.0, 0.01)
"""Share of the rare family among the events that are trained on."""
_HELD_OUT = 0.2
BASELINE = "likelihood, GMM on 9 PCA of log spectra"
_MIXTURE = "GMM on 9 PCA of log spectra"


def novelty(draw: Draw, settings: config.Settings, counts: Sequence[int], present: float) -> list[Row]:
    """Train without some blocks of time and with a given share of the rare family; score the other windows.

    Returns
    -------
    list of dict
        For each score: `auroc` of the rare family against the ordinary events of the left-out blocks; `bins`, the same
        by 5 dB; `false_alarms`, `found` and `noise`, the shares of these ordinary events, of the rare ones and of the
        windows of noise above the threshold of the settings.
    """
    known, ordinary, rare, noise = _split(draw, settings, present)
    held = known.validation(VALIDATION, draw.seed)
    every = joined([known, ordinary, rare, noise])
    x = normalise(every.spectrogram, settings.normalisation)
    ends = np.cumsum([len(part) for part in (known, ordinary, rare)])

    def parts(values: NDArray[Any]) -> list[NDArray[Any]]:
        return np.split(values, ends)

    fitted = parts(x)[0]
    model, _, _ = train(draw, fitted, held, settings.aec)
    embedded = embed(model, fitted, counts, settings.dec.initialisation, draw.seed)
    k = chosen_count(embedded, counts)
    dec, _ = embedded.dec(k, settings.dec, settings.dec.objective, draw.seed)
    q, z, errors = describe(dec.model, x)
    n = len(known)
    fit = fit_novelty(z[:n], dec.labels, q[:n], errors[:n], held, settings.novelty)
    scores = {name: (parts(values), fit.thresholds[name]) for name, values in fit.scores(z, q, errors).items()}
    unlikely = _unlikelihood(every, known, held, k, draw.seed)
    threshold = conformal_threshold(unlikely[:n][held], settings.novelty.false_alarms)
    scores[BASELINE] = (parts(unlikely), threshold)  # type: ignore[index]
    rows = []
    for name, ((_, usual, unusual, quiet), limit) in scores.items():
        rows.append(
            {
                "score": name,
                "present": present,
                "k": k,
                "auroc": auroc(usual, unusual),
                "bins": auroc_by_snr(usual, unusual, ordinary.snr_db, rare.snr_db),
                "false_alarms": float(np.mean(usual > limit)),
                "found": float(np.mean(unusual > limit)),
                "noise": float(np.mean(quiet > limit)),
            }
        )
    return rows


def _split(draw: Draw, settings: config.Settings, present: float) -> tuple[Events, Events, Events, Events]:
    """Return events to train on, ordinary ones of other blocks of time, rare ones not trained on, and noise."""
    events = draw.events(settings)
    rare = events.take((events.family == RARE) & (events.role != "noise"))
    ordinary = events.take((events.family != RARE) & (events.role == "sample"))
    # Another seed than that of the validation split within the rest.
    left_out = ordinary.validation(_HELD_OUT, draw.seed + 1_000_000)
    known = ordinary.take(~left_out)
    order = np.random.default_rng([draw.seed, draw.generator]).permutation(len(rare))
    number = round(present / (1 - present) * len(known))
    known = joined([known, rare.take(order[:number])])
    known = replace(known, role=np.full(len(known), "sample"))
    return known, ordinary.take(left_out), rare.take(order[number:]), events.of_role("noise")


def _unlikelihood(every: Events, known: Events, held: NDArray[np.bool_], k: int, seed: int) -> NDArray[np.float64]:
    """Return minus the log-likelihood (N,) under a mixture on principal components, fitted as the clusters are."""
    flat = log_spectra(every.spectrogram).reshape(len(every), -1)
    fitted = flat[: len(known)][~held]
    pca = PCA(MIXTURES[_MIXTURE][1], svd_solver="randomized", random_state=seed).fit(fitted)
    z = pca.transform(fitted).astype(np.float64)
    mixture = fit_gmm(z, kmeans(z, k, STARTS, seed))
    found: NDArray[np.float64] = -mixture.score_samples(pca.transform(flat).astype(np.float64))
    return found
