"""Joint training of the autoencoder and the clusters: deep embedded clustering in its published form."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ris_core import config
from ris_core.models.device import resolve_device
from ris_core.models.inference import as_input
from ris_core.models.networks import Aec, Dec
from ris_core.progress import bar
from ris_core.training.loop import Metrics, OnStep, batches, channels_last, make_adam, require_finite

_ENCODER_BATCH = 128
# The first update compares the initialisation's labels with the DEC's; two more must follow before labels can be said
# to have settled.
_LEAST_UPDATES = 2


@dataclass(frozen=True)
class DecResult:
    """A trained DEC and what it makes of its training set.

    Attributes
    ----------
    model
        The network with its final weights, on the CPU (in channels-last memory order).
    labels, probabilities, latent
        Of the final weights: (N,) int32, q (N, K) float32, (N, 9) float32.
    sizes
        Events in each of the K clusters.
    stopped
        ``tolerance`` (fewer labels changed) or ``max_epochs``.
    epochs
        Passes over the training set, possibly with a fraction.
    history
        One row for each (started) epoch: `epoch`, the means over its steps `mse`, `kl` (of a batch) and `loss`, and
        `seconds`; then `label_change`, `entropy` and `size_0` ... of the last update.
    updates
        One row for each update of P: `update` (from 0, before the first step), `epoch` (passes done), `label_change`
        (share of labels that differ from the update before; at update 0 from the initialisation), `entropy` (mean
        over the events of −Σ q ln q, nat), `kl_target` (mean of Σ p ln(p/q) with the new P over the training set),
        `size_0` ...; from update 1 on `mse`, `kl`, `loss`: means over the steps since the update before.
    """

    model: Dec
    labels: NDArray[np.int32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    latent: NDArray[np.float32] = field(repr=False)
    sizes: tuple[int, ...]
    stopped: str
    epochs: float
    seconds: float
    history: list[Metrics] = field(repr=False)
    updates: list[Metrics] = field(repr=False)


def target_distribution(q: Tensor) -> Tensor:
    """Return p (N, K) that sharpens q (N, K): p_ij ∝ q_ij² / Σ_i q_ij (Xie et al. 2016, equation 3)."""
    weight = q.square() / q.sum(dim=0).clamp_min(torch.finfo(q.dtype).tiny)
    return weight / weight.sum(dim=1, keepdim=True)


class _Sums:
    """Sums of the losses over steps, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._values = torch.zeros(2, device=device)
        self._events = 0

    def add(self, mse: Tensor, kl: Tensor, events: int) -> None:
        self._values += torch.stack((mse.detach(), kl.detach())) * events
        self._events += events

    def means(self, gamma: float) -> Metrics:
        mse, kl = (self._values / max(self._events, 1)).tolist()
        return {"mse": mse, "kl": kl, "loss": mse + gamma * kl}


class _Trainer:
    """The state of one training: network, optimiser, target distribution, labels."""

    def __init__(self, model: Dec, inputs: Tensor, labels: NDArray[np.int32], settings: config.Dec) -> None:
        self.device = resolve_device(settings.device)
        self.model = channels_last(model.to(self.device))
        self.inputs, self.labels, self.settings = inputs, labels, settings
        self.optimiser = make_adam(self.model, settings.learning_rate)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.q = torch.empty(len(inputs), model.n_clusters, device=self.device)
        self.p = torch.empty_like(self.q)
        self.latent = np.empty((len(inputs), model.clustering.centroids.shape[1]), np.float32)

    @torch.inference_mode()
    def update(self) -> Metrics:
        """Compute Q with the encoder over all events, then P and labels."""
        for rows, batch in batches(self.inputs, _ENCODER_BATCH, self.device):
            z = self.model.encode(batch)
            self.q[rows] = self.model.assign(z)
            self.latent[rows] = z.cpu().numpy()
        self.p.copy_(target_distribution(self.q))
        log_q = self.q.log()
        kl = functional.kl_div(log_q, self.p, reduction="batchmean").item()
        require_finite(kl, "DEC, target distribution", self.settings.learning_rate)
        labels = self.q.argmax(dim=1).cpu().numpy().astype(np.int32)
        change = float(np.mean(labels != self.labels))
        self.labels = labels
        sizes = np.bincount(labels, minlength=self.q.shape[1])
        return {
            "label_change": change,
            "entropy": torch.special.entr(self.q).sum(dim=1).mean().item(),
            "kl_target": kl,
            **{f"size_{j}": float(size) for j, size in enumerate(sizes)},
        }

    def order(self) -> Tensor | None:
        """Return the order of the events in the next epoch: as they come, or shuffled."""
        return torch.randperm(len(self.inputs), generator=self.generator) if self.settings.shuffle else None

    def steps(self, order: Tensor | None) -> Iterator[tuple[Tensor, Tensor, int]]:
        """Take one step for each batch; yield its MSE, its KL divergence and its number of events."""
        for rows, batch in batches(self.inputs, self.settings.batch_size, self.device, order):
            p = self.p[rows if isinstance(rows, slice) else rows.to(self.device)]
            self.optimiser.zero_grad(set_to_none=True)
            q, reconstruction, _ = self.model(batch)
            mse = functional.mse_loss(reconstruction, batch)
            kl = functional.kl_div(q.log(), p, reduction="batchmean")
            torch.autograd.backward(mse + self.settings.gamma * kl)
            self.optimiser.step()
            yield mse, kl, len(batch)


def _check(x: NDArray[Any], centroids: NDArray[Any], labels: NDArray[Any]) -> None:
    if len(x) == 0:
        raise ValueError("there are no events to train on")
    if labels.shape != (len(x),):
        raise ValueError(f"initial_labels must have the shape ({len(x)},), one for each event, got {labels.shape}")
    if not np.isfinite(centroids).all():
        raise ValueError("initial_centroids hold values that are not finite")


def train_dec(
    aec: Aec,
    x: NDArray[Any],
    initial_centroids: NDArray[Any],
    initial_labels: NDArray[Any],
    settings: config.Dec,
    *,
    on_update: OnStep | None = None,
    on_epoch: OnStep | None = None,
) -> DecResult:
    """Train a DEC from a trained autoencoder and initial clusters.

    The loss of a batch of B events is the mean over pixels of (x − x̂)² plus `gamma` · (1/B) · Σ p ln(p/q). P comes
    from Q of the whole training set, `updates_per_epoch` times in an epoch, and belongs to the events, whatever their
    order. Training stops at an update where less than `tolerance` of the labels changed, if two updates came before it.

    Parameters
    ----------
    aec
        The trained autoencoder; it is copied.
    x
        Normalised spectrograms (N, 87, 100), float32.
    initial_centroids, initial_labels
        (K, 9) and (N,), from `ris_core.clustering.initialise`.
    settings
        Section `dec`.
    on_update, on_epoch
        Called with the number of the update or epoch and its row; see `DecResult`.

    Raises
    ------
    DivergedError
        The loss is not finite.
    """
    _check(x, initial_centroids, initial_labels)
    model = Dec.from_aec(aec, torch.from_numpy(np.array(initial_centroids, dtype=np.float32)))
    trainer = _Trainer(model, as_input(x), np.asarray(initial_labels, dtype=np.int32), settings)
    n_steps = math.ceil(len(x) / settings.batch_size)
    # The steps of an epoch after which P is made anew.
    update_after = {round(n_steps * (i + 1) / settings.updates_per_epoch) for i in range(settings.updates_per_epoch)}
    history: list[Metrics] = []
    updates: list[Metrics] = []
    start, settled, epochs = time.perf_counter(), False, 0.0

    def update(trained: Metrics) -> None:
        row = {"update": float(len(updates)), "epoch": epochs, **trainer.update(), **trained}
        updates.append(row)
        if on_update is not None:
            on_update(len(updates) - 1, row)

    update({})
    with bar(settings.max_epochs * len(x), f"DEC K={model.n_clusters}", "ev") as shown:
        for epoch in range(1, settings.max_epochs + 1):
            epoch_start = time.perf_counter()
            of_epoch, since_update = _Sums(trainer.device), _Sums(trainer.device)
            for step, (mse, kl, events) in enumerate(trainer.steps(trainer.order()), start=1):
                of_epoch.add(mse, kl, events)
                since_update.add(mse, kl, events)
                shown.update(events)
                if step not in update_after:
                    continue
                epochs = epoch - 1 + step / n_steps
                trained, since_update = since_update.means(settings.gamma), _Sums(trainer.device)
                require_finite(trained["loss"], f"DEC, epoch {epoch}", settings.learning_rate)
                update(trained)
                shown.set_postfix(epoch=epoch, label_change=f"{updates[-1]['label_change']:.2%}", refresh=False)
                settled = len(updates) > _LEAST_UPDATES and updates[-1]["label_change"] < settings.tolerance
                if settled:
                    break
            last = {name: v for name, v in updates[-1].items() if name.startswith(("label_", "entropy", "size_"))}
            seconds = time.perf_counter() - epoch_start
            history.append({"epoch": float(epoch), **of_epoch.means(settings.gamma), "seconds": seconds, **last})
            if on_epoch is not None:
                on_epoch(epoch, history[-1])
            if settled:
                break
    return DecResult(
        model=trainer.model.cpu(),
        labels=trainer.labels,
        probabilities=trainer.q.cpu().numpy(),
        latent=trainer.latent,
        sizes=tuple(np.bincount(trainer.labels, minlength=model.n_clusters).tolist()),
        stopped="tolerance" if settled else "max_epochs",
        epochs=epochs,
        seconds=time.perf_counter() - start,
        history=history,
        updates=updates,
    )
