"""Autoencoder, mixture and deep embedded clustering on any data: what the bench of clustering runs of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ris_core import config
from ris_core.clustering.initialise import Initialisation, initialise
from ris_core.models.inference import encode
from ris_core.training.aec import AecResult
from ris_core.training.dec import DecResult, train_dec

OBJECTIVES = {"joint": "joint, published", "dec": "DEC", "idec": "IDEC"}


class DenseAec(nn.Module):
    """Dense autoencoder of vectors, ReLU between layers, linear latents and output (Xie et al. 2016).

    Parameters
    ----------
    sizes
        Values in, of each layer, and latents: (64, 256, 256, 10).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.encoder = _layers(sizes)
        self.decoder = _layers(sizes[::-1])

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, L) of vectors (B, D)."""
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Return the vectors (B, D) of latents (B, L)."""
        x: Tensor = self.decoder(z)
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return reconstruction (B, D) and latents (B, L)."""
        z = self.encode(x)
        return self.decode(z), z


def _layers(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, following in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@dataclass
class Timer:
    """CPU-seconds of this process by part of a run."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.process_time)

    def lap(self, name: str) -> float:
        """Count what passed since the last lap for a part, and return it."""
        spent = time.process_time() - self._since
        self.seconds[name] = self.seconds.get(name, 0.0) + spent
        self._since = time.process_time()
        return spent
