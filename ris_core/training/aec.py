"""Training of the autoencoder: MSE, Adam, early stopping, and another seed if it diverges or all latents die."""

from __future__ import annotations

import logging
import time
from typing import Any

from numpy.typing import NDArray
from torch import nn

from ris_core import config
from ris_core.models.device import resolve_device
from ris_core.progress import bar
from ris_core.training.aec_attempt import VALIDATION_BATCH, Attempt, Training
from ris_core.training.checkpoint import Checkpoint
from ris_core.training.loop import DivergedError, Metrics, OnStep
from ris_core.training.results import AecResult
from ris_core.training.samples import Samples, as_samples

logger = logging.getLogger(__name__)


def _first_attempt(training: Training, checkpoint: Checkpoint | None) -> tuple[Attempt, list[int], int, float]:
    """Return the attempt to begin or continue with, the seeds tried, the epochs of earlier seeds, and their seconds."""
    found = None if checkpoint is None else checkpoint.load()
    if found is None:
        seed = training.settings.seed
        return Attempt(seed, training), [seed], 0, 0.0
    tensors, state = found
    attempt = Attempt(state["seed"], training)
    attempt.restore(tensors, state)
    logger.info("AEC: continues after epoch %d of seed %d", len(attempt.history), attempt.seed)
    return attempt, state["tried"], state["steps_before"], state["seconds"]


def train_aec(
    train: NDArray[Any] | Samples,
    val: NDArray[Any] | Samples,
    batch_size: int,
    learning_rate: float,
    settings: config.AecSettings,
    *,
    on_epoch: OnStep | None = None,
    checkpoint: Checkpoint | None = None,
    network: nn.Module | None = None,
) -> AecResult:
    """Train an autoencoder and return it with the weights of the lowest validation MSE.

    Parameters
    ----------
    train, val
        Normalised spectrograms, (F, T) or (C, F, T) each; the network is made for their shape.
    batch_size, learning_rate
        The trial.
    settings
        Section `aec`.
    on_epoch
        Called after each epoch with the number of epochs so far, over all seeds, and the row of the history; also for
        the epochs that a checkpoint holds.
    checkpoint
        Written after each epoch. If there is one already, the training continues from it; on the CPU, the weights are
        then the same as without the interruption.
    network
        Another network with ``forward(x) -> (reconstruction, latent)``; its parameters are drawn again with the seed.
        It is in training mode for the steps of an epoch, and in evaluation mode for validation and when it is returned.

    Raises
    ------
    ValueError
        There are no events, or ``time_shift`` is more than half of their columns.
    DivergedError
        With every seed the loss is not finite, or above ten times that of a network that answers with zeros.
    """
    train, val = as_samples(train), as_samples(val)
    if len(train) == 0 or len(val) == 0:
        raise ValueError(f"{len(train)} events to train and {len(val)} to validate; both need at least one")
    config.check_time_shift(settings.time_shift, train.shape[-1])
    zero = sum(float(inputs.square().mean()) * len(inputs) for _, inputs in val.batches(VALIDATION_BATCH)) / len(val)
    device = resolve_device(settings.device)
    training = Training(train, val, batch_size, learning_rate, settings, network, device, zero)
    attempt, tried, steps, seconds_before = _first_attempt(training, checkpoint)
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
            attempt = Attempt(attempt.seed + 1, training)
            shown.reset(settings.max_epochs * len(train))
    attempt.model.load_state_dict(attempt.best)
    attempt.model.eval()
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
