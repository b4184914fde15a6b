"""Training of the autoencoder with one seed: epochs, validation, early stopping, and its part of a checkpoint."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ris_core import config
from ris_core.models.networks import Aec
from ris_core.training.checkpoint import Checkpoint, into_model, of_model
from ris_core.training.floors import live_latents
from ris_core.training.loop import DivergedError, Metrics, Stepper, channels_last, make_adam, require_finite, to_device
from ris_core.training.samples import Samples
from ris_core.training.shift import shift_in_time

VALIDATION_BATCH = 128
_DIVERGED = 10.0
_SHIFTS = 1
"""Part of the seed of the shifts in time: the order of the samples has the same seed and epoch without it."""


@dataclass
class Training:
    """What is the same for all epochs and seeds."""

    train: Samples
    val: Samples
    batch_size: int
    learning_rate: float
    settings: config.AecSettings
    network: nn.Module | None
    device: torch.device
    # The validation MSE of a network that answers with zeros.
    zero_mse: float

    @property
    def steps(self) -> int:
        """The greatest number of optimisation steps."""
        return self.settings.max_epochs * -(-len(self.train) // self.batch_size)

    @property
    def gain(self) -> float:
        """Factor between an input and the first layer of the autoencoder."""
        return self.settings.gain_for(self.train.shape)

    def new_network(self, seed: int) -> Any:
        """Return a network on the device with parameters drawn with a seed."""
        if self.network is None:
            components, frequencies, times = self.train.shape
            shape = components, frequencies, times
            return channels_last(Aec(seed, self.settings.latent, self.gain, shape).to(self.device))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = copy.deepcopy(self.network)
            for module in model.modules():
                if callable(reset := getattr(module, "reset_parameters", None)):
                    reset()
        return model.to(self.device)


class Attempt:
    """Training with one seed."""

    def __init__(self, seed: int, training: Training) -> None:
        settings = training.settings
        self.seed, self.training = seed, training
        self.model = training.new_network(seed)
        optimiser = make_adam(self.model.parameters(), training.learning_rate)
        self.stepper = Stepper(
            optimiser,
            training.learning_rate,
            settings.schedule,
            training.steps,
            settings.precision,
            loss_scale=training.gain**2,
        )
        self.best: dict[str, Tensor] = copy.deepcopy(self.model.state_dict())
        self.best_epoch, self.best_mse = 0, float("inf")
        self.history: list[Metrics] = []
        self.died = False

    def run_epoch(self, shown: Any) -> Metrics:
        """Train for one epoch, validate, and return the row of the history."""
        start, epoch = time.perf_counter(), len(self.history) + 1
        training = self.training
        total = torch.zeros((), device=training.device)
        shifts = np.random.default_rng([self.seed, epoch, _SHIFTS])
        self.model.train()
        for _, inputs in training.train.batches(training.batch_size, (self.seed, epoch)):
            batch = to_device(inputs, training.device)
            shifted = shift_in_time(batch, training.settings.time_shift, shifts)
            with self.stepper.precision():
                loss = functional.mse_loss(self.model(shifted)[0], batch)
            self.stepper.step(loss)
            total += loss.detach() * len(batch)
            shown.update(len(batch))
        train_mse = float(total) / len(training.train)
        require_finite(train_mse, f"AEC seed {self.seed}, epoch {epoch}", training.learning_rate)
        self.model.eval()
        val_mse, latent = _validate(self.model, training)
        require_finite(val_mse, f"AEC seed {self.seed}, epoch {epoch}", training.learning_rate)
        if val_mse > _DIVERGED * training.zero_mse:
            raise DivergedError(
                f"AEC seed {self.seed}, epoch {epoch}: the validation MSE is {val_mse:.3g}, above {_DIVERGED:g} times "
                f"that of a network that answers with zeros, at learning rate {training.learning_rate:g}; take a lower "
                "one"
            )
        row: Metrics = {
            "epoch": epoch,
            "train_mse": train_mse,
            "val_mse": val_mse,
            "live_latents": live_latents(latent),
            "seconds": time.perf_counter() - start,
            "learning_rate": self.stepper.optimiser.param_groups[0]["lr"],
            "seed": self.seed,
        }
        self.history.append(row)
        if val_mse < self.best_mse:
            self.best_mse, self.best_epoch, self.best = val_mse, epoch, copy.deepcopy(self.model.state_dict())
        self.died = not latent.any()
        return row

    def run(self, shown: Any, epoch_done: Callable[[Metrics], None]) -> DivergedError | str | None:
        """Train to the end, and return why the model cannot be used; none if it can."""
        while not self.finished:
            try:
                row = self.run_epoch(shown)
            except DivergedError as error:
                return error
            shown.set_postfix(epoch=int(row["epoch"]), val_mse=f"{row['val_mse']:.3g}", refresh=False)
            epoch_done(row)
        return f"all latents are zero after epoch {len(self.history)}" if self.dead else None

    @property
    def finished(self) -> bool:
        """Whether the training has ended."""
        epochs, settings = len(self.history), self.training.settings
        return self.died or epochs >= settings.max_epochs or epochs - self.best_epoch >= settings.patience

    @property
    def dead(self) -> bool:
        """Whether the latents died so early that the model cannot be used."""
        return self.died and len(self.history) <= self.training.settings.patience

    def save(self, checkpoint: Checkpoint, tried: list[int], steps_before: int, seconds: float) -> None:
        """Write a checkpoint.

        Parameters
        ----------
        checkpoint
            Where to.
        tried
            All seeds so far.
        steps_before
            Epochs of the seeds before this one.
        seconds
            Time spent on all seeds.
        """
        best = {f"best.{name}": value for name, value in self.best.items()}
        state = {
            "seed": self.seed,
            "tried": tried,
            "steps_before": steps_before,
            "seconds": seconds,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_mse": self.best_mse,
            "died": self.died,
            **self.stepper.state(),
        }
        checkpoint.save(of_model("model", self.model) | best | self.stepper.tensors(), state)

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue from what `save` wrote."""
        into_model("model", self.model, tensors)
        self.stepper.restore(tensors, state)
        self.best = {n.removeprefix("best."): v for n, v in tensors.items() if n.startswith("best.")}
        self.best_epoch, self.best_mse, self.died = state["best_epoch"], state["best_mse"], state["died"]
        self.history = state["history"]


@torch.inference_mode()
def _validate(model: Any, training: Training) -> tuple[float, NDArray[np.float32]]:
    total, latents = 0.0, []
    for _, inputs in training.val.batches(VALIDATION_BATCH):
        batch = to_device(inputs, training.device)
        reconstruction, latent = model(batch)
        total += float(functional.mse_loss(reconstruction, batch)) * len(batch)
        latents.append(latent.cpu().numpy())
    return total / len(training.val), np.concatenate(latents)
