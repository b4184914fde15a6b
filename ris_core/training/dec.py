"""Training of the clusters together with the encoder: deep embedded clustering in three forms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ris_core import config
from ris_core.models.device import resolve_device
from ris_core.models.inference import squared_error
from ris_core.models.networks import Dec
from ris_core.progress import bar
from ris_core.training.checkpoint import Checkpoint, into_model, into_optimiser, of_model, of_optimiser
from ris_core.training.loop import Metrics, OnStep, Stepper, channels_last, make_adam, require_finite, to_device
from ris_core.training.samples import Samples, as_samples

_ENCODER_BATCH = 128
# The first update compares the initialisation's labels with the DEC's; two more must follow before labels can be said
# to have settled.
_LEAST_UPDATES = 2
# Where the target distribution is made anew after every step or two, a rate that rises over thousands of steps only
# costs time: the network is trained already.
_WARM_UP = 0.0


@dataclass(frozen=True)
class DecResult:
    """A trained DEC and what it makes of its training set.

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
        ``tolerance`` (fewer labels changed) or ``max_epochs``.
    epochs
        Passes over the training set, possibly with a fraction.
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


def target_distribution(q: Tensor) -> Tensor:
    """Return p (N, K) that sharpens q (N, K): p_ij ∝ q_ij² / Σ_i q_ij (Xie et al. 2016, equation 3)."""
    weight = q.square() / q.sum(dim=0).clamp_min(torch.finfo(q.dtype).tiny)
    return weight / weight.sum(dim=1, keepdim=True)


class _Sums:
    """Sums of the losses over steps, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._values = torch.zeros(2, device=device)
        self._events = 0

    def add(self, mse: Tensor | None, kl: Tensor, events: int) -> None:
        self._values += torch.stack((torch.zeros_like(kl) if mse is None else mse, kl)).detach() * events
        self._events += events

    def means(self, gamma: float, with_mse: bool) -> Metrics:
        mse, kl = (self._values / max(self._events, 1)).tolist()
        return {"mse": mse, "kl": kl, "loss": mse + gamma * kl} if with_mse else {"kl": kl, "loss": kl}


class _Trainer:
    """The state of one training: network, optimiser, target distribution, labels."""

    def __init__(self, model: Dec, samples: Samples, labels: NDArray[np.int32], settings: config.Dec) -> None:
        self.device = resolve_device(settings.device)
        self.model = channels_last(model.to(self.device))
        self.samples, self.labels, self.settings = samples, labels, settings
        self.decodes = settings.objective != "dec"
        trained = self.model.parameters() if self.decodes else _without_decoder(self.model)
        optimiser = make_adam(trained, settings.learning_rate)
        self.steps_per_epoch = -(-len(samples) // settings.batch_size)
        steps = settings.max_epochs * self.steps_per_epoch
        self.stepper = Stepper(
            optimiser,
            settings.learning_rate,
            settings.schedule,
            steps,
            settings.precision,
            _WARM_UP,
            loss_scale=getattr(model.aec, "gain", 1.0) ** 2,
        )
        self.q = torch.empty(len(samples), model.n_clusters, device=self.device)
        self.p = torch.empty_like(self.q)
        self.latent = np.empty((len(samples), model.clustering.centroids.shape[1]), np.float32)
        self.gamma = self._gamma()

    @torch.inference_mode()
    def _gamma(self) -> float:
        if self.settings.objective == "joint":
            return self.settings.gamma
        if self.settings.objective == "dec":
            return 1.0
        total = 0.0
        for _, inputs in self.samples.batches(_ENCODER_BATCH):
            batch = to_device(inputs, self.device)
            total += float(squared_error(batch, self.model.aec(batch)[0]).sum())
        return self.settings.gamma_relative * total / len(self.samples)

    @torch.inference_mode()
    def update(self) -> Metrics:
        """Compute Q with the encoder over all events, then P and labels."""
        for rows, inputs in self.samples.batches(_ENCODER_BATCH):
            z = self.model.encode(to_device(inputs, self.device))
            self.q[rows] = self.model.assign(z)
            self.latent[rows] = z.cpu().numpy()
        self.p.copy_(target_distribution(self.q))
        kl = functional.kl_div(self.q.log(), self.p, reduction="batchmean").item()
        require_finite(kl, "DEC, target distribution", self.settings.learning_rate)
        labels = self.q.argmax(dim=1).cpu().numpy().astype(np.int32)
        change = float(np.mean(labels != self.labels))
        self.labels = labels
        sizes = np.bincount(labels, minlength=self.q.shape[1])
        return {
            "label_change": change,
            "entropy": torch.special.entr(self.q).sum(dim=1).mean().item(),
            "cluster_entropy": torch.special.entr(self.q.mean(dim=0)).sum().item(),
            "kl_target": kl,
            **{f"size_{j}": float(size) for j, size in enumerate(sizes)},
        }

    def steps(self, epoch: int) -> Iterator[tuple[Tensor | None, Tensor, int]]:
        """Take one step for each batch of an epoch; yield its MSE, its KL divergence and its number of events."""
        order = (self.settings.seed, epoch) if self.settings.shuffle else None
        for rows, inputs in self.samples.batches(self.settings.batch_size, order):
            batch = to_device(inputs, self.device)
            p = self.p[torch.from_numpy(rows).to(self.device)]
            mse: Tensor | None = None
            with self.stepper.precision():
                if self.decodes:
                    q, reconstruction, _ = self.model(batch)
                    mse = functional.mse_loss(reconstruction, batch)
                else:
                    q = self.model.assign(self.model.encode(batch))
                kl = functional.kl_div(q.log(), p, reduction="batchmean")
                loss = kl if mse is None else mse + self.gamma * kl
            self.stepper.step(loss)
            yield mse, kl, len(batch)


def _without_decoder(model: Dec) -> list[nn.Parameter]:
    """Return the parameters that act on the memberships: encoder and centroids."""
    decoded = {id(p) for name in ("expand", "decoder") for p in getattr(model.aec, name, nn.Module()).parameters()}
    return [p for p in model.parameters() if id(p) not in decoded]


def _check(samples: Samples, centroids: NDArray[Any], labels: NDArray[Any]) -> None:
    if len(samples) == 0:
        raise ValueError("there are no events to train on")
    if labels.shape != (len(samples),):
        raise ValueError(
            f"initial_labels must have the shape ({len(samples)},), one for each event, got {labels.shape}"
        )
    if not np.isfinite(centroids).all():
        raise ValueError("initial_centroids hold values that are not finite")


class _Run:
    """One training from its first update to its end, or on from a checkpoint."""

    def __init__(
        self, trainer: _Trainer, on_update: OnStep | None, on_epoch: OnStep | None, checkpoint: Checkpoint | None
    ) -> None:
        self.trainer, self.settings = trainer, trainer.settings
        self.on_update, self.on_epoch, self.checkpoint = on_update, on_epoch, checkpoint
        self.history: list[Metrics] = []
        self.updates: list[Metrics] = []
        self.epochs, self.settled, self.seconds_before = 0.0, False, 0.0
        n, per_epoch = trainer.steps_per_epoch, trainer.settings.updates_per_epoch
        # The steps of an epoch after which P is made anew.
        self.update_after = {round(n * (i + 1) / per_epoch) for i in range(per_epoch)}

    def begin(self) -> None:
        """Take up the checkpoint, or make the first update."""
        found = None if self.checkpoint is None else self.checkpoint.load()
        if found is None:
            self.update({})
            return
        tensors, state = found
        into_model("model", self.trainer.model, tensors)
        into_optimiser(self.trainer.stepper.optimiser, tensors)
        self.trainer.gamma = state["gamma"]
        self.trainer.stepper.done, self.epochs, self.settled = state["steps"], state["epochs"], state["settled"]
        self.history, self.updates = state["history"], state["updates"]
        self.seconds_before = state["seconds"]
        # The checkpoint was written right after an update, so these weights give the same P and labels again.
        self.trainer.update()
        for step, row in enumerate(self.updates):
            if self.on_update is not None:
                self.on_update(step, row)
        for row in self.history:
            if self.on_epoch is not None:
                self.on_epoch(int(row["epoch"]), row)

    def save(self, seconds: float) -> None:
        if self.checkpoint is None:
            return
        trainer = self.trainer
        state = {
            "gamma": trainer.gamma,
            "steps": trainer.stepper.done,
            "epochs": self.epochs,
            "settled": self.settled,
            "history": self.history,
            "updates": self.updates,
            "seconds": seconds,
        }
        self.checkpoint.save(of_model("model", trainer.model) | of_optimiser(trainer.stepper.optimiser), state)

    def update(self, trained: Metrics) -> None:
        row = {"update": float(len(self.updates)), "epoch": self.epochs, **self.trainer.update(), **trained}
        self.updates.append(row)
        if self.on_update is not None:
            self.on_update(len(self.updates) - 1, row)

    def epoch(self, shown: Any) -> None:
        """Train for one epoch, or until the labels have settled."""
        start, trainer = time.perf_counter(), self.trainer
        number = len(self.history) + 1
        of_epoch, since_update = _Sums(trainer.device), _Sums(trainer.device)
        for step, (mse, kl, events) in enumerate(trainer.steps(number), start=1):
            of_epoch.add(mse, kl, events)
            since_update.add(mse, kl, events)
            shown.update(events)
            if step not in self.update_after:
                continue
            self.epochs = number - 1 + step / trainer.steps_per_epoch
            trained = since_update.means(trainer.gamma, trainer.decodes)
            since_update = _Sums(trainer.device)
            require_finite(trained["loss"], f"DEC, epoch {number}", self.settings.learning_rate)
            self.update(trained)
            change = self.updates[-1]["label_change"]
            shown.set_postfix(epoch=number, label_change=f"{change:.2%}", refresh=False)
            self.settled = len(self.updates) > _LEAST_UPDATES and change < self.settings.tolerance
            if self.settled:
                break
        kept = ("label_", "entropy", "cluster_", "size_")
        self.history.append(
            {
                "epoch": float(number),
                **of_epoch.means(trainer.gamma, trainer.decodes),
                "gamma": trainer.gamma,
                "learning_rate": trainer.stepper.optimiser.param_groups[0]["lr"],
                "seconds": time.perf_counter() - start,
                **{name: v for name, v in self.updates[-1].items() if name.startswith(kept)},
            }
        )


def train_dec(
    aec: nn.Module,
    x: NDArray[Any] | Samples,
    initial_centroids: NDArray[Any],
    initial_labels: NDArray[Any],
    settings: config.Dec,
    *,
    on_update: OnStep | None = None,
    on_epoch: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> DecResult:
    """Train a DEC from a trained autoencoder and initial clusters.

    The loss of a batch of B events is the mean over pixels of (x − x̂)² plus γ · (1/B) · Σ p ln(p/q): with the objective
    ``joint`` γ is `gamma`, with ``idec`` `gamma_relative` times the mean squared error that the autoencoder begins
    with; with ``dec`` the loss is the second term alone and the decoder stays as it is. P comes from Q of the whole
    training set, `updates_per_epoch` times in an epoch, and belongs to the events, whatever their order. Training stops
    at an update where less than `tolerance` of the labels changed, if two updates came before it.

    Parameters
    ----------
    aec
        The trained autoencoder: `Aec`, or another network with ``encode(x)`` and ``forward(x) -> (reconstruction,
        latent)`` whose decoder is its attribute ``decoder``; it is copied.
    x
        Normalised spectrograms (N, 87, 100), or the inputs of the other network.
    initial_centroids, initial_labels
        (K, 9) and (N,), from `ris_core.clustering.initialise`.
    settings
        Section `dec`.
    on_update, on_epoch
        Called with the number of the update or epoch and its row, those from a checkpoint included; see `DecResult`.
    checkpoint
        Written after each epoch and taken up if there is one; on the CPU the weights are those of a training that was
        never interrupted.

    Raises
    ------
    DivergedError
        The loss is not finite.
    """
    samples = as_samples(x)
    _check(samples, initial_centroids, initial_labels)
    model = Dec.from_aec(aec, torch.from_numpy(np.array(initial_centroids, dtype=np.float32)))
    trainer = _Trainer(model, samples, np.asarray(initial_labels, dtype=np.int32), settings)
    run = _Run(trainer, on_update, on_epoch, checkpoint)
    run.begin()
    start = time.perf_counter() - run.seconds_before
    done = len(run.history) * len(samples)
    with bar(settings.max_epochs * len(samples), f"DEC K={model.n_clusters}", "ev", done=done) as shown:
        while not run.settled and len(run.history) < settings.max_epochs:
            run.epoch(shown)
            run.save(time.perf_counter() - start)
            if on_epoch is not None:
                on_epoch(len(run.history), run.history[-1])
    return DecResult(
        model=trainer.model.cpu(),
        gamma=trainer.gamma,
        labels=trainer.labels,
        probabilities=trainer.q.cpu().numpy(),
        latent=trainer.latent,
        sizes=tuple(np.bincount(trainer.labels, minlength=model.n_clusters).tolist()),
        stopped="tolerance" if run.settled else "max_epochs",
        epochs=run.epochs,
        seconds=time.perf_counter() - start,
        history=run.history,
        updates=run.updates,
    )
