"""What the training loops of the AEC and of the DEC share: device, optimiser, learning rate, precision, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ris_core.training.checkpoint import into_optimiser, of_optimiser

Metrics = dict[str, float]
AnyModel = TypeVar("AnyModel", bound=nn.Module)
OnStep = Callable[[int, Metrics], None]

WARM_UP = 0.05
"""Share of all steps in which the learning rate of the cosine schedule rises."""


class DivergedError(RuntimeError):
    """The loss is not finite, or far above that of a network that answers with zeros."""


def make_adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Return Adam, fused where the device has it (a tenth faster on the CPU)."""
    parameters = list(parameters)
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=learning_rate, fused=fused)


def channels_last(model: AnyModel) -> AnyModel:
    """Put the convolutions' weights into channels-last memory order, in place: faster on the CPU and on CUDA."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def to_device(batch: Tensor, device: torch.device) -> Tensor:
    """Return a batch on the device; on CUDA it is copied during the computation."""
    if device.type == "cuda":
        return batch.pin_memory().to(device, non_blocking=True)
    return batch.to(device)


def rate_at(step: int, steps: int, learning_rate: float, schedule: str, warm_up: float = WARM_UP) -> float:
    """Return the learning rate of a step (from 0) of at most `steps`.

    ``constant``, or ``cosine``: linear over the first `warm_up` of the steps, then half a cosine down to 0
    (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts).
    """
    if schedule == "constant":
        return learning_rate
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return learning_rate * (step + 1) / rising
    return learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


class Stepper:
    """Takes optimisation steps, with a schedule of the learning rate, and mixed precision on CUDA.

    Parameters
    ----------
    optimiser
        Of the parameters that are trained.
    learning_rate, schedule, steps
        See `rate_at`.
    precision
        ``mixed`` computes in bfloat16 where CUDA has it, else in float16 with a scaled loss; on other devices, and
        with ``float32``, nothing changes.
    warm_up
        See `rate_at`.
    loss_scale
        Factor of the loss before its gradient is taken. Adam's steps depend on it only through Adam's epsilon, which
        is not small compared with the gradients of very small losses.
    """

    def __init__(
        self,
        optimiser: torch.optim.Adam,
        learning_rate: float,
        schedule: str,
        steps: int,
        precision: str,
        warm_up: float = WARM_UP,
        loss_scale: float = 1.0,
    ) -> None:
        self.optimiser, self.steps, self.done = optimiser, steps, 0
        self._loss_scale = loss_scale
        self._learning_rate, self._schedule, self._warm_up = learning_rate, schedule, warm_up
        self._device = optimiser.param_groups[0]["params"][0].device.type
        self._mixed = precision == "mixed" and self._device == "cuda"
        self._type = torch.bfloat16 if self._mixed and torch.cuda.is_bf16_supported() else torch.float16
        self._scaler = torch.amp.GradScaler(self._device, enabled=self._mixed and self._type == torch.float16)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.done, self.steps, self._learning_rate, self._schedule, self._warm_up)

    def precision(self) -> AbstractContextManager[object]:
        """Return the context in which the network and its loss are computed."""
        return torch.autocast(self._device, dtype=self._type) if self._mixed else nullcontext()

    def step(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate
        self.optimiser.zero_grad(set_to_none=True)
        scaled = loss if self._loss_scale == 1 else loss * self._loss_scale
        torch.autograd.backward(self._scaler.scale(scaled))
        self._scaler.step(self.optimiser)
        self._scaler.update()
        self.done += 1

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps as tensors: moments and step counts of the optimiser."""
        return of_optimiser(self.optimiser)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps as JSON: the steps done, and the scale of the loss (empty where unscaled)."""
        return {"steps": self.done, "scaler": self._scaler.state_dict()}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Go on from `tensors` and `state` of a checkpoint, written by a training on this kind of device."""
        into_optimiser(self.optimiser, tensors)
        self.done = state["steps"]
        if kept := state.get("scaler"):
            self._scaler.load_state_dict(kept)


def require_finite(loss: float, what: str, learning_rate: float) -> None:
    """Raise `DivergedError` if a loss is not finite."""
    if not math.isfinite(loss):
        raise DivergedError(f"{what}: the loss is {loss} at learning rate {learning_rate:g}; take a lower one")
