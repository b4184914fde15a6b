"""Training of the autoencoder: MSE, Adam, early stopping, a new start if all latents die."""

from __future__ import annotations

import copy
import logging
import time
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
from ris_core.models.networks import Aec
from ris_core.progress import bar
from ris_core.training.floors import live_latents
from ris_core.training.loop import Metrics, OnStep, batches, channels_last, make_adam, require_finite

logger = logging.getLogger(__name__)

_VALIDATION_BATCH = 128


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
        All seeds, in order; those before the last gave dead latents: zero for the whole validation set within the
        first `patience` epochs.
    best_epoch, val_mse
        Epoch of the lowest validation MSE (from 1), and that MSE.
    stopped
        ``early`` (patience ran out, or the latents died later on), ``max_epochs``, or ``dead``: the latents died with
        every seed, and the model is of no use.
    history
        One row for each epoch of the last seed: `epoch`, `train_mse` (mean over the epoch's batches), `val_mse`,
        `live_latents` (of the validation set), `seconds`, `learning_rate`, `seed`.
    """

    model: Aec
    seed: int
    seeds_tried: tuple[int, ...]
    best_epoch: int
    val_mse: float
    stopped: str
    seconds: float
    history: list[Metrics] = field(repr=False)


@dataclass
class _Data:
    train: Tensor
    val: Tensor
    batch_size: int
    device: torch.device


@dataclass
class _Attempt:
    model: Aec
    history: list[Metrics]
    best_epoch: int
    died: bool


def _train_epoch(model: Aec, optimiser: torch.optim.Adam, data: _Data, generator: torch.Generator, shown: Any) -> float:
    total = torch.zeros((), device=data.device)
    order = torch.randperm(len(data.train), generator=generator)
    for _, batch in batches(data.train, data.batch_size, data.device, order):
        optimiser.zero_grad(set_to_none=True)
        loss = functional.mse_loss(model(batch)[0], batch)
        torch.autograd.backward(loss)
        optimiser.step()
        total += loss.detach() * len(batch)
        shown.update(len(batch))
    return float(total) / len(data.train)


@torch.inference_mode()
def _validate(model: Aec, data: _Data) -> tuple[float, NDArray[np.float32]]:
    total, latents = 0.0, []
    for _, batch in batches(data.val, _VALIDATION_BATCH, data.device):
        reconstruction, latent = model(batch)
        total += float(functional.mse_loss(reconstruction, batch)) * len(batch)
        latents.append(latent.cpu().numpy())
    return total / len(data.val), np.concatenate(latents)


def _train_with_seed(seed: int, data: _Data, learning_rate: float, settings: config.Aec, on_epoch: OnStep) -> _Attempt:
    model = channels_last(Aec(seed).to(data.device))
    optimiser = make_adam(model, learning_rate)
    generator = torch.Generator().manual_seed(seed)
    best, best_epoch, best_weights = float("inf"), 0, model.state_dict()
    history: list[Metrics] = []
    with bar(settings.max_epochs * len(data.train), f"AEC batch {data.batch_size} lr {learning_rate:g}", "ev") as shown:
        for epoch in range(1, settings.max_epochs + 1):
            start = time.perf_counter()
            train_mse = _train_epoch(model, optimiser, data, generator, shown)
            val_mse, latent = _validate(model, data)
            require_finite(train_mse + val_mse, f"AEC, epoch {epoch}", learning_rate)
            row = {
                "epoch": epoch,
                "train_mse": train_mse,
                "val_mse": val_mse,
                "live_latents": live_latents(latent),
                "seconds": time.perf_counter() - start,
                "learning_rate": learning_rate,
                "seed": seed,
            }
            history.append(row)
            shown.set_postfix(epoch=epoch, val_mse=f"{val_mse:.3g}", refresh=False)
            on_epoch(epoch, row)
            if not latent.any():
                if epoch <= settings.patience:
                    return _Attempt(model.cpu(), history, epoch, died=True)
                break
            if val_mse < best:
                best, best_epoch, best_weights = val_mse, epoch, copy.deepcopy(model.state_dict())
            elif epoch - best_epoch >= settings.patience:
                break
    model.load_state_dict(best_weights)
    return _Attempt(model.cpu(), history, best_epoch, died=False)


def train_aec(
    x_train: NDArray[Any],
    x_val: NDArray[Any],
    batch_size: int,
    learning_rate: float,
    settings: config.Aec,
    *,
    on_epoch: OnStep | None = None,
) -> AecResult:
    """Train an autoencoder and return it with the weights of the lowest validation MSE.

    Parameters
    ----------
    x_train, x_val
        Normalised spectrograms (N, 87, 100) and (M, 87, 100), float32.
    batch_size, learning_rate
        The trial.
    settings
        Section `aec`.
    on_epoch
        Called after each epoch with the number of epochs done (those of dead seeds count, so no step comes twice) and
        the row of the history.

    Raises
    ------
    DivergedError
        The loss is not finite.
    """
    if len(x_train) == 0 or len(x_val) == 0:
        raise ValueError(f"{len(x_train)} events to train and {len(x_val)} to validate; both need at least one")
    data = _Data(as_input(x_train), as_input(x_val), batch_size, resolve_device(settings.device))
    start, steps = time.perf_counter(), 0
    tried: list[int] = []

    def report(epoch: int, row: Metrics) -> None:
        if on_epoch is not None:
            on_epoch(steps + epoch, row)

    for seed in range(settings.seed, settings.seed + settings.restarts + 1):
        tried.append(seed)
        attempt = _train_with_seed(seed, data, learning_rate, settings, report)
        if not attempt.died:
            break
        steps += len(attempt.history)
        logger.warning("AEC seed %d: all latents are zero after epoch %d", seed, len(attempt.history))
    complete = len(attempt.history) == settings.max_epochs
    return AecResult(
        model=attempt.model,
        seed=tried[-1],
        seeds_tried=tuple(tried),
        best_epoch=attempt.best_epoch,
        val_mse=attempt.history[attempt.best_epoch - 1]["val_mse"],
        stopped="dead" if attempt.died else "max_epochs" if complete else "early",
        seconds=time.perf_counter() - start,
        history=attempt.history,
    )
