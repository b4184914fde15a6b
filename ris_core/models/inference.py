"""Inference over normalised spectrograms, in batches, without gradients."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ris_core.models.networks import LATENT_DIM, Aec, Dec

FloatArray = NDArray[np.float32]


class Batched(Protocol):
    """Normalised spectrograms that come in batches (`ris_core.training.samples.Samples`)."""

    def __len__(self) -> int: ...

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Iterate over rows and inputs (B, C, F, T), in order."""


def as_input(x: NDArray[Any]) -> Tensor:
    """Return spectrograms (N, F, T) or (N, C, F, T) as the networks' input (N, C, F, T), float32, if possible no copy.

    Vectors (N, D), the input of other networks, are not changed.

    Raises
    ------
    ValueError
        The array has another shape.
    """
    if x.ndim not in (2, 3, 4):
        raise ValueError(f"spectrograms must have the shape (N, F, T) or (N, C, F, T), got {x.shape}")
    with warnings.catch_warnings():
        # Read-only arrays (memory maps, shared memory) are fine: the networks never write to their input.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        inputs = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    return inputs.unsqueeze(1) if x.ndim == 3 else inputs


def as_events(x: Tensor) -> FloatArray:
    """Return the networks' input (N, C, F, T) as events are stored: (N, F, T) if there is one component."""
    events: FloatArray = x.numpy()
    return events[:, 0] if events.ndim == 4 and events.shape[1] == 1 else events


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _batches(model: nn.Module, x: NDArray[Any] | Batched, batch_size: int) -> Iterator[tuple[slice, Tensor]]:
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
    device = _device(model)
    if isinstance(x, np.ndarray):
        inputs = as_input(x)
        parts = (inputs[start : start + batch_size] for start in range(0, len(inputs), batch_size))
    else:
        parts = (batch for _, batch in x.batches(batch_size))
    done = 0
    for batch in parts:
        yield slice(done, done + len(batch)), batch.to(device, non_blocking=True)
        done += len(batch)


@torch.inference_mode()
def encode(model: Any, x: NDArray[Any] | Batched, batch_size: int = 128) -> FloatArray:
    """Return the latents (N, 9) of normalised spectrograms."""
    found = [np.empty((0, LATENT_DIM), np.float32)] if len(x) == 0 else []
    found += [model.encode(batch).cpu().numpy() for _, batch in _batches(model, x, batch_size)]
    return np.concatenate(found)


@torch.inference_mode()
def soft_assignments(model: Dec, x: NDArray[Any] | Batched, batch_size: int = 128) -> tuple[FloatArray, FloatArray]:
    """Return q (N, K) and latents (N, 9) of normalised spectrograms; the decoder does not run."""
    q, latent = _outputs(model, len(x))
    for rows, batch in _batches(model, x, batch_size):
        z = model.encode(batch)
        latent[rows] = z.cpu().numpy()
        q[rows] = model.assign(z).cpu().numpy()
    return q, latent


@torch.inference_mode()
def reconstruct(model: Aec | Dec, x: NDArray[Any], batch_size: int = 128) -> FloatArray:
    """Return the reconstructions of normalised spectrograms (N, F, T) or (N, C, F, T), of the same shape."""
    aec = model.aec if isinstance(model, Dec) else model
    reconstruction = np.empty(x.shape, np.float32)
    for rows, batch in _batches(model, x, batch_size):
        reconstruction[rows] = aec(batch)[0].cpu().numpy().reshape(reconstruction[rows].shape)
    return reconstruction


@torch.inference_mode()
def decode(model: Aec | Dec, z: NDArray[Any], batch_size: int = 128) -> FloatArray:
    """Return the spectrograms that the decoder makes of latents (N, 9), centroids for example.

    (N, F, T) for one component, (N, C, F, T) for several.
    """
    aec = model.aec if isinstance(model, Dec) else model
    latents = torch.from_numpy(np.array(z, dtype=np.float32))
    parts = (latents[start : start + batch_size].to(_device(aec)) for start in range(0, len(latents), batch_size))
    return np.concatenate([as_events(aec.decode(part).cpu()) for part in parts])


@torch.inference_mode()
def reconstruction_error(model: Aec | Dec, x: NDArray[Any] | Batched, batch_size: int = 128) -> FloatArray:
    """Return the mean squared error over the pixels (N,) of each normalised spectrogram."""
    aec = model.aec if isinstance(model, Dec) else model
    error = np.empty(len(x), np.float32)
    for rows, batch in _batches(model, x, batch_size):
        error[rows] = squared_error(batch, aec(batch)[0]).cpu().numpy()
    return error


@torch.inference_mode()
def describe(model: Dec, x: NDArray[Any] | Batched, batch_size: int = 128) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return q (N, K), latents (N, 9) and reconstruction errors (N,) of normalised spectrograms in one pass."""
    q, latent = _outputs(model, len(x))
    error = np.empty(len(x), np.float32)
    for rows, batch in _batches(model, x, batch_size):
        q_batch, reconstruction, z = model(batch)
        q[rows] = q_batch.cpu().numpy()
        latent[rows] = z.cpu().numpy()
        error[rows] = squared_error(batch, reconstruction).cpu().numpy()
    return q, latent, error


def squared_error(inputs: Tensor, reconstruction: Tensor) -> Tensor:
    """Return the mean squared error over the values (B,) of each input (B, ...)."""
    return (inputs - reconstruction).square().flatten(1).mean(dim=1)


def _outputs(model: Dec, events: int) -> tuple[FloatArray, FloatArray]:
    clusters, dimensions = model.clustering.centroids.shape
    return np.empty((events, clusters), np.float32), np.empty((events, dimensions), np.float32)
