"""How unlike the training events an event is: three scores, and a threshold calibrated on held-out events.

Every score grows with novelty. The clusters are described by the events that are not held out; thresholds are order
statistics of the held-out ones (split conformal: Papadopoulos et al. 2002; for outliers Bates et al. 2023). No
representation and no clusterer has seen the held-out events, but deep embedded clustering was trained on them as well:
then an event of a new day exceeds the threshold somewhat more often than the settings say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.section import digest_of
from ris_core.storage.damage import MODEL_AGAIN, DamagedFileError, damage_named
from ris_core.storage.tensors import read_arrays, write_arrays
from ris_core.threads import one_thread

ScoreName = Literal["reconstruction", "distance", "probability"]
Scores = dict[ScoreName, NDArray[np.float32]]

RIDGE = 1e-6
"""Added to the variances of every cluster, as a share of the mean variance of the live latent dimensions."""

_FORMAT = "1"


@dataclass(frozen=True, eq=False)
class NoveltyModel:
    """What is needed to score events, and the thresholds above which they count as novel.

    Attributes
    ----------
    score
        The score that decides (`novelty.score`).
    thresholds
        For each score the value that an assigned event does not exceed; infinite if the held-out events are too few for
        the share `false_alarms`, so that every event is assigned.
    false_alarms
        Share of held-out events above the threshold.
    held_out
        Number of held-out events that the thresholds were calibrated on.
    live
        (L,) bool: latent dimensions that vary; the others are left out of the distance.
    means
        (C, D) of the clusters that hold events, in the D live dimensions.
    whitening
        (C, D, D): W of each cluster, W Wᵀ being the inverse of its covariance.
    """

    score: ScoreName
    thresholds: Mapping[ScoreName, float]
    false_alarms: float
    held_out: int
    live: NDArray[np.bool_] = field(repr=False)
    means: NDArray[np.float64] = field(repr=False)
    whitening: NDArray[np.float64] = field(repr=False)

    @property
    def threshold(self) -> float:
        """The threshold of the score that decides."""
        return self.thresholds[self.score]

    @property
    def needs_reconstruction(self) -> bool:
        """Whether the score that decides is the reconstruction error."""
        return self.score == "reconstruction"

    @property
    def note(self) -> str:
        """Why there is no threshold, or an empty text."""
        if math.isfinite(self.threshold):
            return ""
        needed = math.ceil(1 / self.false_alarms) - 1
        return (
            f"{self.held_out} held-out events are too few for novelty.false_alarms = {self.false_alarms:g}, which "
            f"needs {needed}: every event counts as assigned"
        )

    @property
    def digest(self) -> str:
        """Digest of everything that decides about scores and thresholds."""
        arrays = [self.live.tolist(), self.means.tolist(), self.whitening.tolist()]
        return digest_of([_FORMAT, self._description(), arrays])

    def scores(self, z: NDArray[Any], q: NDArray[Any], errors: NDArray[Any] | None) -> Scores:
        """Return the scores (N,) of N events by name; ``reconstruction`` only if errors are given.

        Parameters
        ----------
        z
            Latents (N, L).
        q
            Memberships (N, K).
        errors
            Reconstruction errors (N,), mean over the pixels.
        """
        found: Scores = {} if errors is None else {"reconstruction": np.asarray(errors, dtype=np.float32)}
        found["distance"] = _nearest(z, self.live, self.means, self.whitening)
        found["probability"] = _improbability(q)
        return found

    def novelty(self, z: NDArray[Any], q: NDArray[Any], errors: NDArray[Any] | None) -> NDArray[np.float32]:
        """Return the score that decides, (N,), with the parameters of `scores`; raises `ValueError` without errors."""
        if self.score == "probability":
            return _improbability(q)
        if self.score == "distance":
            return _nearest(z, self.live, self.means, self.whitening)
        if errors is None:
            raise ValueError("novelty by reconstruction needs the reconstruction errors")
        return np.asarray(errors, dtype=np.float32)

    def assigned(self, novelty: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whether events of this novelty (N,) are assigned to their cluster: not above the threshold."""
        return np.asarray(novelty <= self.threshold)

    def _description(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "thresholds": {name: repr(float(value)) for name, value in sorted(self.thresholds.items())},
            "false_alarms": self.false_alarms,
            "held_out": self.held_out,
        }

    def save(self, path: Path) -> None:
        """Write the model as one safetensors file."""
        arrays = {"live": self.live, "means": self.means, "whitening": self.whitening}
        write_arrays(path, arrays, {"novelty": json.dumps(self._description() | {"format": _FORMAT}, sort_keys=True)})

    @classmethod
    def load(cls, path: Path, digest: str | None = None) -> NoveltyModel:
        """Read a model that `save` wrote.

        Parameters
        ----------
        path
            The file.
        digest
            Digest that the model must have; none: any model is returned.

        Raises
        ------
        DamagedFileError
            The file is damaged or gone, or holds another novelty model.
        """
        try:
            arrays, about = read_arrays(path, MODEL_AGAIN)
        except FileNotFoundError as error:
            raise DamagedFileError(path, "there is no such file", MODEL_AGAIN) from error
        with damage_named(path, MODEL_AGAIN):
            told = json.loads(about["novelty"])
            found = cls(
                score=told["score"],
                thresholds={name: float(value) for name, value in told["thresholds"].items()},
                false_alarms=float(told["false_alarms"]),
                held_out=int(told["held_out"]),
                **{name: arrays[name] for name in ("live", "means", "whitening")},
            )
            own = found.digest
        if digest is not None and own != digest:
            raise DamagedFileError(path, f"its novelty model has the digest {own}, not {digest}", MODEL_AGAIN)
        return found


def fit_novelty(
    z: NDArray[Any],
    labels: NDArray[Any],
    q: NDArray[Any],
    errors: NDArray[Any] | None,
    held_out: NDArray[np.bool_],
    settings: config.NoveltySettings,
    reconstructs: bool = True,
) -> NoveltyModel:
    """Describe the clusters by the events that are not held out, and calibrate thresholds on those that are.

    The covariance of a cluster of n events is (n S + ν P) / (n + ν): S its own, P that pooled over all clusters, and
    ν = D + 2 (after Friedman 1989), with `RIDGE` on the diagonal. So a cluster of few events has a covariance too.

    Parameters
    ----------
    z
        Latents (N, L) of the training set.
    labels
        (N,) the cluster of each, 0-based.
    q
        Memberships (N, K).
    errors
        Reconstruction errors (N,); none if they were not computed.
    held_out
        (N,) bool: events that only the thresholds are calibrated on.
    settings
        Section `novelty`.
    reconstructs
        Whether the errors say something about single events: whether the decoder was trained.

    Raises
    ------
    ValueError
        The arrays do not belong together, a value is not finite, no latent varies, one of the two kinds of events is
        absent, or the score of the settings needs errors that are not given.
    """
    # scikit-learn takes a second to load, and callers that only score do not need it.
    from ris_core.training.floors import live_dimensions

    latents, labels, held_out = np.asarray(z, dtype=np.float64), np.asarray(labels), np.asarray(held_out, dtype=bool)
    _check(latents, labels, q, errors, held_out, settings)
    fitted = ~held_out
    live = live_dimensions(latents[fitted])
    if not live.any():
        raise ValueError(f"none of the {live.size} latent dimensions varies: there is no distance in latent space")
    with one_thread("blas"):  # the last digits would depend on the number of threads
        means, whitening = _clusters(latents[fitted][:, live], labels[fitted])
    score = settings.score_of(reconstructs and errors is not None)
    model = NoveltyModel(score, {}, settings.false_alarms, int(held_out.sum()), live, means, whitening)
    held_scores = model.scores(latents[held_out], q[held_out], None if errors is None else errors[held_out])
    thresholds = {name: conformal_threshold(values, settings.false_alarms) for name, values in held_scores.items()}
    return NoveltyModel(score, thresholds, settings.false_alarms, model.held_out, live, means, whitening)


def conformal_threshold(scores: NDArray[Any], false_alarms: float) -> float:
    """Return the value that at most a share of further events like these exceeds.

    It is the ⌈(n + 1)(1 − α)⌉-th smallest of the n scores (Papadopoulos et al. 2002; Bates et al. 2023), and infinite
    if that is more than n. For exchangeable events the chance to exceed it is at most α, for any n.

    Parameters
    ----------
    scores
        (n,) of held-out events.
    false_alarms
        α.
    """
    # Rounded first: (n + 1)(1 − α) of 99 events and α = 0.01 is 99, and not 99.00000000000001.
    rank = math.ceil(round((len(scores) + 1) * (1 - false_alarms), 9))
    if rank > len(scores):
        return math.inf
    return float(np.partition(scores, rank - 1)[rank - 1])


def _check(
    z: NDArray[np.float64],
    labels: NDArray[Any],
    q: NDArray[Any],
    errors: NDArray[Any] | None,
    held_out: NDArray[np.bool_],
    settings: config.NoveltySettings,
) -> None:
    n = len(z)
    given = {"labels": labels, "q": q, "held_out": held_out} | ({} if errors is None else {"errors": errors})
    wrong = [f"{name} {values.shape}" for name, values in given.items() if len(values) != n]
    if z.ndim != 2 or wrong:
        raise ValueError(f"one row for each event is needed; latents {z.shape}, {', '.join(wrong)}")
    for name, values in {"latents": z, "q": q, **({} if errors is None else {"errors": errors})}.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} hold values that are not finite")
    if held_out.all() or not held_out.any():
        raise ValueError(f"{int(held_out.sum())} of {n} events are held out; some must be, and some must not")
    if errors is None and settings.score == "reconstruction":
        raise ValueError("novelty.score is 'reconstruction', which needs the reconstruction errors")


def _clusters(z: NDArray[np.float64], labels: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means (C, D) and whitening matrices (C, D, D) of the clusters that hold events."""
    members = [z[labels == label] for label in np.unique(labels)]
    means = np.stack([own.mean(axis=0) for own in members])
    scatter = np.stack([(own - mean).T @ (own - mean) for own, mean in zip(members, means, strict=True)])
    pooled, weight = scatter.sum(axis=0) / len(z), z.shape[1] + 2
    counts = np.array([len(own) for own in members])[:, None, None]
    covariance = (scatter + weight * pooled) / (counts + weight)
    covariance += RIDGE * z.var(axis=0).mean() * np.eye(z.shape[1])
    # With Σ = L Lᵀ, W = L⁻ᵀ gives W Wᵀ = Σ⁻¹.
    return means, np.linalg.inv(np.linalg.cholesky(covariance)).transpose(0, 2, 1).copy()


def _nearest(
    z: NDArray[Any], live: NDArray[np.bool_], means: NDArray[np.float64], whitening: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the Mahalanobis distance (N,) to the nearest cluster (Lee et al. 2018; here each has its covariance)."""
    z = np.asarray(z, dtype=np.float64)[:, live]
    nearest = np.full(len(z), np.inf)
    with one_thread("blas"):  # as in fit_novelty
        for mean, matrix in zip(means, whitening, strict=True):
            np.minimum(nearest, np.square((z - mean) @ matrix).sum(axis=1), out=nearest)
    return np.asarray(np.sqrt(nearest), dtype=np.float32)


def _improbability(q: NDArray[Any]) -> NDArray[np.float32]:
    """Return 1 − max q, (N,) (Hendrycks & Gimpel 2017, there of a softmax)."""
    return np.asarray(1.0 - np.max(q, axis=1, initial=0.0), dtype=np.float32)
