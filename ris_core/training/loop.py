"""What the training loops of the AEC and of the DEC share: device, optimiser, batches, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from ris_core.models.networks import Aec, Dec

Metrics = dict[str, float]
AnyModel = TypeVar("AnyModel", Aec, Dec)
OnStep = Callable[[int, Metrics], None]


class DivergedError(RuntimeError):
    """The loss is not finite any more."""


def make_adam(model: Aec | Dec, learning_rate: float) -> torch.optim.Adam:
    """Return Adam over all parameters, fused where the device has it (a tenth faster on the CPU)."""
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(model.parameters(), lr=learning_rate, fused=fused)


def channels_last(model: AnyModel) -> AnyModel:
    """Put the convolutions' weights into channels-last memory order, in place: faster on the CPU and on CUDA."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def batches(
    inputs: Tensor, batch_size: int, device: torch.device, order: Tensor | None = None
) -> Iterator[tuple[Tensor | slice, Tensor]]:
    """Yield rows and inputs (B, 1, 87, 100) on the device, in the order of the rows or in a given order.

    Batches in the order of the rows are views: nothing is copied on the CPU.
    """
    for start in range(0, len(inputs) if order is None else len(order), batch_size):
        rows = slice(start, start + batch_size) if order is None else order[start : start + batch_size]
        batch = inputs[rows]
        if device.type == "cuda":
            batch = batch.pin_memory()
        yield rows, batch.to(device, non_blocking=True)


def require_finite(loss: float, what: str, learning_rate: float) -> None:
    """Raise `DivergedError` if a loss is not finite."""
    if not math.isfinite(loss):
        raise DivergedError(f"{what}: the loss is {loss} at learning rate {learning_rate:g}; take a lower one")
