"""Results of the trainings of the autoencoder and of the clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.models.networks import Dec
from ris_core.training.loop import Metrics


@dataclass(frozen=True)
class AecResult:
    """A trained autoencoder.

    Attributes
    ----------
    model
        The network with the weights of its best epoch, on the CPU (in channels-last memory order).
    seed
        Seed of its weights and of the order of its samples.
    seeds_tried
        All seeds, in order. Those before the last one diverged, or gave dead latents: zero for the whole validation
        set within the first `patience` epochs.
    best_epoch, val_mse
        Epoch of the lowest validation MSE (from 1), and that MSE.
    stopped
        ``early`` (patience ran out, or the latents died later on), ``max_epochs``, or ``dead``: the latents died with
        every seed, and the model cannot be used.
    seconds
        Time spent on all seeds, including the time before an interruption.
    history
        One row for each epoch of the last seed: `epoch`, `train_mse` (mean over the epoch's batches), `val_mse`,
        `live_latents` (of the validation set), `seconds`, `learning_rate` (at the end of the epoch), `seed`.
    """

    model: Any
    seed: int
    seeds_tried: tuple[int, ...]
    best_epoch: int
    val_mse: float
    stopped: str
    seconds: float
    history: list[Metrics] = field(repr=False)


@dataclass(frozen=True)
class DecResult:
    """A trained DEC, and its latents and labels of the training set.

    Attributes
    ----------
    model
        The network with its final weights, on the CPU (in channels-last memory order).
    gamma
        Weight of the KL divergence in the loss.
    labels, probabilities, latent
        Of the final weights: (N,) int32, q (N, K) float32, (N, 9) float32; in the order of the samples.
    sizes
        Events in each of the K clusters.
    stopped
        ``tolerance`` (fewer labels changed), ``max_epochs`` or ``max_steps``.
    epochs
        Passes over the training set; may be a fraction.
    history
        One row for each (started) epoch: `epoch`, the means over its steps `mse`, `kl` (of a batch) and `loss` (without
        a decoder there is no `mse`), `gamma` (weight of the KL divergence), `learning_rate` and `seconds`; then
        `label_change`, `entropy`, `cluster_entropy` and `size_0` ... of the last update.
    updates
        One row for each update of P: `update` (from 0, before the first step), `epoch` (passes done), `label_change`
        (share of labels that differ from the update before; at update 0 from the initialisation), `entropy` (mean
        over the events of −Σ q ln q, nat: 0 if every event belongs to one cluster alone), `cluster_entropy` (−Σ f ln f
        with the mean memberships f, nat: 0 if all is one cluster), `kl_target` (mean of Σ p ln(p/q) with the new P
        over the training set), `size_0` ...; from update 1 on `mse`, `kl`, `loss`: means over the steps since the
        update before.
    """

    model: Dec
    gamma: float
    labels: NDArray[np.int32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    latent: NDArray[np.float32] = field(repr=False)
    sizes: tuple[int, ...]
    stopped: str
    epochs: float
    seconds: float
    history: list[Metrics] = field(repr=False)
    updates: list[Metrics] = field(repr=False)
