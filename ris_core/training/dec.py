"""Training of the clusters together with the encoder: deep embedded clustering in three forms."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ris_core import config
from ris_core.models.device import resolve_device
from ris_core.models.inference import squared_error
from ris_core.models.networks import PAPER_SHAPE, Dec
from ris_core.progress import bar
from ris_core.training.checkpoint import Checkpoint, into_model, of_model
from ris_core.training.loop import Metrics, OnStep, Stepper, channels_last, make_adam, require_finite, to_device
from ris_core.training.results import DecResult
from ris_core.training.samples import Samples, as_samples
from ris_core.training.targets import ENCODER_BATCH, Targets

# The first update compares the labels of the initialisation with those of the DEC. Labels count as settled after two
# more updates at the earliest.
_LEAST_UPDATES = 2
# No warm-up: the network is already trained, so a learning rate that rises over thousands of steps only costs time.
_WARM_UP = 0.0


class _Sums:
    """Sums of the losses over steps, on the device, so that no step has to wait for them."""

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
    """The state of one training: network, optimiser, targets."""

    def __init__(self, model: Dec, samples: Samples, labels: NDArray[np.int32], settings: config.DecSettings) -> None:
        self.device = resolve_device(settings.device)
        self.model = channels_last(model.to(self.device))
        self.samples, self.settings = samples, settings
        self.decodes = settings.objective != "dec"
        trained = self.model.parameters() if self.decodes else _without_decoder(self.model)
        optimiser = make_adam(trained, settings.learning_rate)
        self.steps_per_epoch = -(-len(samples) // settings.batch_size)
        of_epochs = settings.max_epochs * self.steps_per_epoch
        self.most_steps = min(of_epochs, settings.max_steps or of_epochs)
        # What ends a training whose labels do not settle.
        self.bound = "max_steps" if self.most_steps < of_epochs else "max_epochs"
        self.stepper = Stepper(
            optimiser,
            settings.learning_rate,
            settings.schedule,
            self.most_steps,
            settings.precision,
            _WARM_UP,
            loss_scale=getattr(model.aec, "gain", 1.0) ** 2,
        )
        self.targets = Targets(samples, labels, self.model, self.device)
        self.gamma = self._gamma()

    @torch.inference_mode()
    def _gamma(self) -> float:
        if self.settings.objective == "joint":
            # The mean squared error of inputs of unit L2 norm goes as one over the number of their values.
            shape = self.samples.shape
            return self.settings.gamma * (math.prod(PAPER_SHAPE) / math.prod(shape) if len(shape) == 3 else 1.0)
        if self.settings.objective == "dec":
            return 1.0
        total = 0.0
        for _, inputs in self.samples.batches(ENCODER_BATCH):
            batch = to_device(inputs, self.device)
            total += float(squared_error(batch, self.model.aec(batch)[0]).sum())
        return self.settings.gamma_relative * total / len(self.samples)

    @property
    def exhausted(self) -> bool:
        """Whether all steps are taken."""
        return self.stepper.done >= self.most_steps

    def update(self) -> Metrics:
        """Compute Q, P and the labels of all events again."""
        return self.targets.update(self.model, self.settings.learning_rate)

    def steps(self, epoch: int) -> Iterator[tuple[Tensor | None, Tensor, int]]:
        """Take one step for each batch of an epoch; yield its MSE, its KL divergence and its number of events."""
        order = (self.settings.seed, epoch) if self.settings.shuffle else None
        for rows, inputs in self.samples.batches(self.settings.batch_size, order):
            batch = to_device(inputs, self.device)
            p = self.targets.of(rows)
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
    """Return the parameters that influence the memberships: encoder and centroids."""
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
        raise ValueError("initial_centroids have values that are not finite")


class _Run:
    """One training, from its first update or from a checkpoint to its end."""

    def __init__(
        self, trainer: _Trainer, on_update: OnStep | None, on_epoch: OnStep | None, checkpoint: Checkpoint | None
    ) -> None:
        self.trainer, self.settings = trainer, trainer.settings
        self.on_update, self.on_epoch, self.checkpoint = on_update, on_epoch, checkpoint
        self.history: list[Metrics] = []
        self.updates: list[Metrics] = []
        self.epochs, self.settled, self.seconds_before = 0.0, False, 0.0
        n = trainer.steps_per_epoch
        per_epoch = trainer.settings.updates_in(n)
        # The steps of an epoch after which P is computed again.
        self.update_after = {round(n * (i + 1) / per_epoch) for i in range(per_epoch)}

    def begin(self) -> None:
        """Continue from the checkpoint, or make the first update."""
        found = None if self.checkpoint is None else self.checkpoint.load()
        if found is None:
            self.update({})
            return
        tensors, state = found
        into_model("model", self.trainer.model, tensors)
        self.trainer.stepper.restore(tensors, state)
        self.trainer.gamma = state["gamma"]
        self.epochs, self.settled = state["epochs"], state["settled"]
        self.history, self.updates = state["history"], state["updates"]
        self.seconds_before = state["seconds"]
        # The checkpoint was written right after an update, so its weights give the same P and labels again.
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
            **trainer.stepper.state(),
            "epochs": self.epochs,
            "settled": self.settled,
            "history": self.history,
            "updates": self.updates,
            "seconds": seconds,
        }
        self.checkpoint.save(of_model("model", trainer.model) | trainer.stepper.tensors(), state)

    def update(self, trained: Metrics) -> None:
        row = {"update": float(len(self.updates)), "epoch": self.epochs, **self.trainer.update(), **trained}
        self.updates.append(row)
        if self.on_update is not None:
            self.on_update(len(self.updates) - 1, row)

    def epoch(self, shown: Any) -> None:
        """Train for one epoch, or until the labels have settled or all steps are taken."""
        start, trainer = time.perf_counter(), self.trainer
        number = len(self.history) + 1
        of_epoch, since_update = _Sums(trainer.device), _Sums(trainer.device)
        for step, (mse, kl, events) in enumerate(trainer.steps(number), start=1):
            of_epoch.add(mse, kl, events)
            since_update.add(mse, kl, events)
            shown.update(events)
            if step not in self.update_after and not trainer.exhausted:
                continue
            self.epochs = number - 1 + step / trainer.steps_per_epoch
            trained = since_update.means(trainer.gamma, trainer.decodes)
            since_update = _Sums(trainer.device)
            require_finite(trained["loss"], f"DEC, epoch {number}", self.settings.learning_rate)
            self.update(trained)
            change = self.updates[-1]["label_change"]
            shown.set_postfix(epoch=number, label_change=f"{change:.2%}", refresh=False)
            self.settled = len(self.updates) > _LEAST_UPDATES and change < self.settings.tolerance
            if self.settled or trainer.exhausted:
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
    settings: config.DecSettings,
    *,
    on_update: OnStep | None = None,
    on_epoch: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
) -> DecResult:
    """Train a DEC from a trained autoencoder and initial clusters.

    The loss of a batch of B events is the mean over pixels of (x − x̂)² plus γ · (1/B) · Σ p ln(p/q): with the
    objective ``joint`` γ is `gamma` · 8700 / n for events of n values, with ``idec`` it is `gamma_relative` times
    the mean squared error of the autoencoder at the start. With ``dec`` the loss is the second term alone, and the
    decoder does not change. P is computed from Q of the whole training set, `updates_per_epoch` times in an epoch, or
    more often if there were more than `max_update_interval` batches between two updates; it belongs to the events, in
    any order. Training stops at an update at which less than `tolerance` of the labels changed, if there were two
    updates before it, and else after `max_epochs` or `max_steps`, with a last update.

    Parameters
    ----------
    aec
        The trained autoencoder: `Aec`, or another network with ``encode(x)`` and ``forward(x) -> (reconstruction,
        latent)`` whose decoder is its attribute ``decoder``; it is copied.
    x
        Normalised spectrograms (N, F, T) or (N, C, F, T), or the inputs of the other network.
    initial_centroids, initial_labels
        (K, 9) and (N,), from `ris_core.clustering.initialise`.
    settings
        Section `dec`.
    on_update, on_epoch
        Called with the number of the update or epoch and its row, also for those from a checkpoint; see `DecResult`.
    checkpoint
        Written after each epoch. If there is one already, the training continues from it; on the CPU, the weights are
        then the same as without the interruption.

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
    most = math.ceil(trainer.most_steps / trainer.steps_per_epoch * len(samples))
    with bar(most, f"DEC K={model.n_clusters}", "ev", done=min(most, len(run.history) * len(samples))) as shown:
        while not run.settled and not trainer.exhausted:
            run.epoch(shown)
            run.save(time.perf_counter() - start)
            if on_epoch is not None:
                on_epoch(len(run.history), run.history[-1])
    return DecResult(
        model=trainer.model.cpu(),
        gamma=trainer.gamma,
        labels=trainer.targets.labels,
        probabilities=trainer.targets.q.cpu().numpy(),
        latent=trainer.targets.latent,
        sizes=tuple(np.bincount(trainer.targets.labels, minlength=model.n_clusters).tolist()),
        stopped="tolerance" if run.settled else trainer.bound,
        epochs=run.epochs,
        seconds=time.perf_counter() - start,
        history=run.history,
        updates=run.updates,
    )
