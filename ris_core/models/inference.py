"""Inference over arrays of normalised spectrograms, in blocks, without gradients."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ris_core.models.networks import INPUT_SHAPE, LATENT_DIM, Aec, Dec

FloatArray = NDArray[np.float32]


def as_input(x: NDArray[Any]) -> Tensor:
    """Return spectrograms (N, 87, 100) as the networks' input (N, 1, 87, 100), float32, without a copy if it can be.

    Raises
    ------
    ValueError
        The array has another shape.
    """
    if x.ndim != 3 or x.shape[1:] != INPUT_SHAPE:
        raise ValueError(f"spectrograms must have the shape (N, {INPUT_SHAPE[0]}, {INPUT_SHAPE[1]}), got {x.shape}")
    with warnings.catch_warnings():
        # Read-only arrays (memory maps, shared memory) are fine: the networks never write to their input.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).unsqueeze(1)


def _device(model: Aec | Dec) -> torch.device:
    return next(model.parameters()).device


def _blocks(model: Aec | Dec, x: NDArray[Any], batch_size: int) -> Iterator[tuple[slice, Tensor]]:
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
    inputs, device = as_input(x), _device(model)
    for start in range(0, len(inputs), batch_size):
        rows = slice(start, min(start + batch_size, len(inputs)))
        yield rows, inputs[rows].to(device, non_blocking=True)


@torch.inference_mode()
def encode(model: Aec | Dec, x: NDArray[Any], batch_size: int = 128) -> FloatArray:
    """Return the latents (N, 9) of normalised spectrograms (N, 87, 100)."""
    latent = np.empty((len(x), LATENT_DIM), np.float32)
    for rows, block in _blocks(model, x, batch_size):
        latent[rows] = model.encode(block).cpu().numpy()
    return latent


@torch.inference_mode()
def soft_assignments(model: Dec, x: NDArray[Any], batch_size: int = 128) -> tuple[FloatArray, FloatArray]:
    """Return q (N, K) and latents (N, 9) of normalised spectrograms (N, 87, 100); the decoder does not run."""
    q = np.empty((len(x), model.n_clusters), np.float32)
    latent = np.empty((len(x), LATENT_DIM), np.float32)
    for rows, block in _blocks(model, x, batch_size):
        z = model.encode(block)
        latent[rows] = z.cpu().numpy()
        q[rows] = model.assign(z).cpu().numpy()
    return q, latent


@torch.inference_mode()
def reconstruct(model: Aec | Dec, x: NDArray[Any], batch_size: int = 128) -> FloatArray:
    """Return the reconstructions (N, 87, 100) of normalised spectrograms (N, 87, 100)."""
    aec = model.aec if isinstance(model, Dec) else model
    reconstruction = np.empty((len(x), *INPUT_SHAPE), np.float32)
    for rows, block in _blocks(model, x, batch_size):
        reconstruction[rows] = aec(block)[0].squeeze(1).cpu().numpy()
    return reconstruction


@torch.inference_mode()
def reconstruction_error(model: Aec | Dec, x: NDArray[Any], batch_size: int = 128) -> FloatArray:
    """Return the mean squared error over the pixels (N,) of each normalised spectrogram (N, 87, 100)."""
    aec = model.aec if isinstance(model, Dec) else model
    error = np.empty(len(x), np.float32)
    for rows, block in _blocks(model, x, batch_size):
        error[rows] = (block - aec(block)[0]).square().mean(dim=(1, 2, 3)).cpu().numpy()
    return error


@torch.inference_mode()
def describe(model: Dec, x: NDArray[Any], batch_size: int = 128) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return q (N, K), latents (N, 9) and reconstruction errors (N,) of normalised spectrograms in one pass."""
    q = np.empty((len(x), model.n_clusters), np.float32)
    latent = np.empty((len(x), LATENT_DIM), np.float32)
    error = np.empty(len(x), np.float32)
    for rows, block in _blocks(model, x, batch_size):
        q_block, reconstruction, z = model(block)
        q[rows] = q_block.cpu().numpy()
        latent[rows] = z.cpu().numpy()
        error[rows] = (block - reconstruction).square().mean(dim=(1, 2, 3)).cpu().numpy()
    return q, latent, error
