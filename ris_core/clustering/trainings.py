"""One configuration trained again and again: with other seeds, in another order, without a station."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.initialise import initialise, read_centroids
from ris_core.models.inference import encode, soft_assignments
from ris_core.models.networks import Aec
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.tensors import read_arrays, write_arrays
from ris_core.training.aec import train_aec
from ris_core.training.dec import train_dec
from ris_core.training.samples import BLOCK, Samples
from ris_core.training.training_set import TrainingSet

logger = logging.getLogger(__name__)

Labels = NDArray[np.int32]


class DeadLatentsError(RuntimeError):
    """The latents of an autoencoder died with every seed that it may take."""


class NoTrialError(ValueError):
    """The autoencoder is of no trial, so it cannot be trained again."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a training of one configuration starts from.

    Attributes
    ----------
    aec, z
        The trained autoencoder and its latents (N, 9) of the samples.
    samples
        N normalised spectrograms.
    k, dec
        Number of clusters, and the section `dec`.
    """

    aec: Aec
    z: NDArray[np.float32] = field(repr=False)
    samples: Samples
    k: int
    dec: config.DecSettings


def another_order(samples: Samples, seed: int) -> NDArray[np.int64]:
    """Return all rows in another random order; streamed samples block by block, so that reading stays in one piece."""
    rng = np.random.default_rng(seed)
    if samples.in_memory:
        return rng.permutation(len(samples))
    starts = rng.permutation(np.arange(0, len(samples), BLOCK))
    return np.concatenate([np.arange(start, min(start + BLOCK, len(samples))) for start in starts])


def train_once(recipe: Recipe, rows: NDArray[np.int64], seed: int) -> Labels:
    """Train with a seed on some rows in their order, and return the labels (N,) of all events.

    The seed is that of the initial clusters and of DEC. Events that are not among the rows get the labels that the
    trained network gives them.
    """
    dec = recipe.dec.model_copy(update={"seed": seed})
    given = read_centroids(dec, recipe.k) if dec.initialisation == "given" else None
    start = initialise(dec.initialisation, recipe.z[rows], recipe.k, dec.n_init, seed, centroids=given)
    result = train_dec(recipe.aec, recipe.samples.subset(rows), start.centroids, start.labels, dec)
    labels = np.empty(len(recipe.samples), np.int32)
    labels[rows] = result.labels
    others = np.setdiff1d(np.arange(len(labels)), rows)
    if others.size:
        labels[others] = soft_assignments(result.model, recipe.samples.subset(others))[0].argmax(axis=1)
    return labels


@dataclass(frozen=True)
class AnotherAec:
    """How autoencoders are trained again, with other seeds.

    Attributes
    ----------
    aec
        Section `aec`.
    trial
        Batch size and learning rate of the chosen autoencoder; none if it is of no trial.
    """

    aec: config.AecSettings
    trial: tuple[int, float] | None


def train_with(
    data: TrainingSet, recipe: Recipe, seed: int, vary: Literal["clusters", "autoencoder"], again: AnotherAec
) -> Labels:
    """Train with another seed and return the labels (N,) of all events.

    Parameters
    ----------
    data, recipe
        The training set, and what the training starts from.
    seed
        Of the initial clusters, of DEC and of the order of the events.
    vary
        ``autoencoder``: a new autoencoder is trained first, with this seed as well.
    again
        How.

    Raises
    ------
    NoTrialError
        The autoencoder is to be trained again, but it is of no trial.
    DeadLatentsError, DivergedError
        The autoencoder or the DEC failed with this seed and with the seeds that replace it.
    """
    if vary == "autoencoder":
        if again.trial is None:
            raise NoTrialError(
                "stability.vary is 'autoencoder', but the chosen autoencoder is no trial of aec.grid, so it cannot be "
                "trained again; set stability.vary to 'clusters'"
            )
        # If the latents of a seed die, the next seeds are used, which must not be those of another training.
        own = seed * (again.aec.restarts + 1)
        found = train_aec(data.train, data.val, *again.trial, again.aec.model_copy(update={"seed": own}))
        if found.stopped == "dead":
            raise DeadLatentsError(
                f"the latents of the autoencoder died with the seeds {list(found.seeds_tried)}; set "
                "aec.restarts higher, aec.latent to linear, or stability.vary to 'clusters'"
            )
        aec = found.model
        recipe = Recipe(aec, encode(aec, data.samples), recipe.samples, recipe.k, recipe.dec)
    return train_once(recipe, another_order(recipe.samples, seed), seed)


class Trainings:
    """Labels of finished trainings by name, kept in a file until all are done.

    Parameters
    ----------
    path
        The file.
    configuration
        Digest of all that decides about them. Trainings of another configuration are not used.
    """

    def __init__(self, path: Path, configuration: str) -> None:
        self._path, self._configuration = path, configuration
        self._done: dict[str, Labels] = {}
        try:
            found, about = read_arrays(path, "the trainings start again from the first", digest_needed=True)
            if about.get("configuration") == configuration:
                self._done = found
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            logger.warning("finished trainings: %s", error)

    def labels(self, name: str, make: Callable[[], Labels]) -> Labels:
        """Return the labels of a training, which is made unless it is done already."""
        if name not in self._done:
            self._done[name] = np.ascontiguousarray(make(), dtype=np.int32)
            write_arrays(self._path, self._done, {"configuration": self._configuration})
        return self._done[name]

    def clear(self) -> None:
        """Remove the file: all is done."""
        self._path.unlink(missing_ok=True)
