"""Labels from spectrograms: the trained network over the events of a station-day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.models.device import resolve_device
from ris_core.models.inference import describe
from ris_core.models.networks import LATENT_DIM, Dec
from ris_core.training.normalise import normalise


@dataclass(frozen=True)
class LabelArrays:
    """What a DEC says of N events, in their order.

    Attributes
    ----------
    label
        (N,) int32, 0-based: the cluster of the greatest q.
    probability
        (N,) that q: a membership by Student's t kernel, not a posterior probability.
    probabilities
        (N, K) all q.
    latent
        (N, 9).
    reconstruction_error
        (N,) mean over the pixels of (x − x̂)², x of unit L2 norm.
    """

    label: NDArray[np.int32] = field(repr=False)
    probability: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    latent: NDArray[np.float32] = field(repr=False)
    reconstruction_error: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.label)


def label_spectrograms(
    model: Dec,
    blocks: Iterable[NDArray[Any]],
    batch_size: int = 128,
    device: str | torch.device = "auto",
    event_ids: Sequence[str] | None = None,
) -> LabelArrays:
    """Label events from their spectrograms.

    Parameters
    ----------
    model
        The trained network; it is moved to the device.
    blocks
        Spectrograms in blocks (n, 87, 100), linear PSD; they are normalised here. No blocks, or empty ones, give N = 0.
    batch_size
        Spectrograms in one pass of the network.
    device
        See `ris_core.models.device.resolve_device`.
    event_ids
        Identifiers of all N events, for errors.

    Raises
    ------
    SpectrogramError
        A spectrogram is zero everywhere or not finite; names the event.
    """
    model.to(device if isinstance(device, torch.device) else resolve_device(device))
    q = [np.empty((0, model.n_clusters), np.float32)]
    latent = [np.empty((0, LATENT_DIM), np.float32)]
    error = [np.empty(0, np.float32)]
    done = 0
    for block in blocks:
        ids = None if event_ids is None else event_ids[done : done + len(block)]
        q_block, latent_block, error_block = describe(model, normalise(block, event_ids=ids), batch_size)
        q.append(q_block)
        latent.append(latent_block)
        error.append(error_block)
        done += len(block)
    if event_ids is not None and len(event_ids) != done:
        raise ValueError(f"{len(event_ids)} event ids for {done} spectrograms; one for each is needed")
    probabilities = np.concatenate(q)
    return LabelArrays(
        label=probabilities.argmax(axis=1).astype(np.int32),
        probability=probabilities.max(axis=1),
        probabilities=probabilities,
        latent=np.concatenate(latent),
        reconstruction_error=np.concatenate(error),
    )
