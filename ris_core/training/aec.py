"""Training of the autoencoder: MSE, Adam, early stopping, a new start if it diverges or all latents die."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ris_core import config
from ris_core.models.device import resolve_device
from ris_core.models.networks import Aec
from ris_core.progress import bar
from ris_core.training.checkpoint import Checkpoint, into_model, into_optimiser, of_model, of_optimiser
from ris_core.training.floors import live_latents
from ris_core.training.loop import (
    DivergedError,
    Metrics,
    OnStep,
    Stepper,
    channels_last,
    make_adam,
    require_finite,
    to_device,
)
from ris_core.training.samples import Samples, as_samples
from ris_core.training.shift import shift_in_time

logger = logging.getLogger(__name__)

_VALIDATION_BATCH = 128
_DIVERGED = 10.0
_SHIFTS = 1
"""Tells the draws of the shifts in time from that of the order of the samples, which has the same seed and epoch."""


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
        All seeds, in order; those before the last diverged or gave dead latents: zero for the whole validation set
        within the first `patience` epochs.
    best_epoch, val_mse
        Epoch of the lowest validation MSE (from 1), and that MSE.
    stopped
        ``early`` (patience ran out, or the latents died later on), ``max_epochs``, or ``dead``: the latents died with
        every seed, and the model is of no use.
    seconds
        Of all seeds, those before an interruption included.
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


@dataclass
class _Training:
    """What stays the same over all epochs and seeds."""

    train: Samples
    val: Samples
    batch_size: int
    learning_rate: float
    settings: config.Aec
    network: nn.Module | None
    device: torch.device
    # A network that answers with zeros has this validation MSE.
    zero_mse: float

    @property
    def steps(self) -> int:
        return self.settings.max_epochs * -(-len(self.train) // self.batch_size)

    def new_network(self, seed: int) -> Any:
        if self.network is None:
            return channels_last(Aec(seed, self.settings.latent, self.settings.gain).to(self.device))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = copy.deepcopy(self.network)
            for module in model.modules():
                if callable(reset := getattr(module, "reset_parameters", None)):
                    reset()
        return model.to(self.device)


class _Attempt:
    """Training with one seed."""

    def __init__(self, seed: int, training: _Training) -> None:
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
            loss_scale=settings.gain**2,
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
        val_mse, latent = _validate(self.model, training)
        require_finite(val_mse, f"AEC seed {self.seed}, epoch {epoch}", training.learning_rate)
        if val_mse > _DIVERGED * training.zero_mse:
            raise DivergedError(
                f"AEC seed {self.seed}, epoch {epoch}: the validation MSE is {val_mse:.3g}, above {_DIVERGED:g} times "
                f"that of answering with zeros, at learning rate {training.learning_rate:g}; take a lower one"
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
        """Train to the end, and return why the model is of no use, if it is."""
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
        """Whether there is nothing to be gained by another epoch."""
        epochs, settings = len(self.history), self.training.settings
        return self.died or epochs >= settings.max_epochs or epochs - self.best_epoch >= settings.patience

    @property
    def dead(self) -> bool:
        """Whether the latents died so early that the model is of no use."""
        return self.died and len(self.history) <= self.training.settings.patience

    def save(self, checkpoint: Checkpoint, tried: list[int], steps_before: int, seconds: float) -> None:
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
            "steps": self.stepper.done,
        }
        checkpoint.save(of_model("model", self.model) | best | of_optimiser(self.stepper.optimiser), state)

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        into_model("model", self.model, tensors)
        into_optimiser(self.stepper.optimiser, tensors)
        self.best = {n.removeprefix("best."): v for n, v in tensors.items() if n.startswith("best.")}
        self.best_epoch, self.best_mse, self.died = state["best_epoch"], state["best_mse"], state["died"]
        self.history, self.stepper.done = state["history"], state["steps"]


@torch.inference_mode()
def _validate(model: Any, training: _Training) -> tuple[float, NDArray[np.float32]]:
    total, latents = 0.0, []
    for _, inputs in training.val.batches(_VALIDATION_BATCH):
        batch = to_device(inputs, training.device)
        reconstruction, latent = model(batch)
        total += float(functional.mse_loss(reconstruction, batch)) * len(batch)
        latents.append(latent.cpu().numpy())
    return total / len(training.val), np.concatenate(latents)


def _taken_up(training: _Training, checkpoint: Checkpoint | None) -> tuple[_Attempt, list[int], int, float]:
    """Return the attempt to go on with, the seeds tried, the epochs of seeds given up, and the seconds before."""
    found = None if checkpoint is None else checkpoint.load()
    if found is None:
        seed = training.settings.seed
        return _Attempt(seed, training), [seed], 0, 0.0
    tensors, state = found
    attempt = _Attempt(state["seed"], training)
    attempt.restore(tensors, state)
    logger.info("AEC: goes on after epoch %d of seed %d", len(attempt.history), attempt.seed)
    return attempt, state["tried"], state["steps_before"], state["seconds"]


def train_aec(
    train: NDArray[Any] | Samples,
    val: NDArray[Any] | Samples,
    batch_size: int,
    learning_rate: float,
    settings: config.Aec,
    *,
    on_epoch: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
    network: nn.Module | None = None,
) -> AecResult:
    """Train an autoencoder and return it with the weights of the lowest validation MSE.

    Parameters
    ----------
    train, val
        Normalised spectrograms (N, 87, 100) and (M, 87, 100).
    batch_size, learning_rate
        The trial.
    settings
        Section `aec`.
    on_epoch
        Called after each epoch with the number of epochs done (those of seeds given up count, so no step comes twice)
        and the row of the history; for epochs from a checkpoint as well.
    checkpoint
        Written after each epoch and taken up if there is one; on the CPU the weights are those of a training that was
        never interrupted.
    network
        Another network with ``forward(x) -> (reconstruction, latent)``; its parameters are drawn anew with the seed.

    Raises
    ------
    DivergedError
        With every seed the loss is not finite, or ten times that of answering with zeros.
    """
    train, val = as_samples(train), as_samples(val)
    if len(train) == 0 or len(val) == 0:
        raise ValueError(f"{len(train)} events to train and {len(val)} to validate; both need at least one")
    zero = sum(float(inputs.square().mean()) * len(inputs) for _, inputs in val.batches(_VALIDATION_BATCH)) / len(val)
    device = resolve_device(settings.device)
    training = _Training(train, val, batch_size, learning_rate, settings, network, device, zero)
    attempt, tried, steps, seconds_before = _taken_up(training, checkpoint)
    start = time.perf_counter() - seconds_before

    def report(row: Metrics) -> None:
        if on_epoch is not None:
            on_epoch(steps + int(row["epoch"]), row)

    def epoch_done(row: Metrics) -> None:
        if checkpoint is not None:
            attempt.save(checkpoint, tried, steps, time.perf_counter() - start)
        report(row)

    for row in attempt.history:
        report(row)
    what = f"AEC batch {batch_size} lr {learning_rate:g}"
    with bar(settings.max_epochs * len(train), what, "ev", done=len(attempt.history) * len(train)) as shown:
        while (reason := attempt.run(shown, epoch_done)) is not None:
            if len(tried) > settings.restarts:
                if isinstance(reason, DivergedError):
                    raise reason
                break
            logger.warning("AEC seed %d: %s; begins again with seed %d", attempt.seed, reason, attempt.seed + 1)
            steps += len(attempt.history)
            tried = [*tried, attempt.seed + 1]
            attempt = _Attempt(attempt.seed + 1, training)
            shown.reset(settings.max_epochs * len(train))
    attempt.model.load_state_dict(attempt.best)
    complete = len(attempt.history) == settings.max_epochs
    return AecResult(
        model=attempt.model.cpu(),
        seed=attempt.seed,
        seeds_tried=tuple(tried),
        best_epoch=attempt.best_epoch,
        val_mse=attempt.best_mse,
        stopped="dead" if attempt.dead else "max_epochs" if complete else "early",
        seconds=time.perf_counter() - start,
        history=attempt.history,
    )
