"""Our autoencoder, mixture and deep embedded clustering, for any data of the clustering benchmark."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ris_core import config
from ris_core.clustering.initialise import Initialisation, initialise
from ris_core.clustering.scores import silhouettes
from ris_core.models.inference import encode
from ris_core.training.dec import train_dec
from ris_core.training.results import DecResult

STARTS = 20
"""Starts of every k-means and every mixture of the benchmark; the published code uses 100."""
OBJECTIVES = {"joint": "DEC, joint form", "dec": "DEC", "idec": "IDEC"}

Array = NDArray[np.float32]
Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Distortion:
    """Greatest random shift, rotation and zoom of square images, in both directions.

    Attributes
    ----------
    shift, rotation, zoom
        Pixels, degrees, and share of the size.
    """

    shift: float
    rotation: float
    zoom: float

    def __call__(self, x: Tensor) -> Tensor:
        """Return images (B, D), row by row of pixels, each distorted by a draw from torch's global generator."""
        n, side = len(x), round(x.shape[1] ** 0.5)
        angle = torch.deg2rad(self.rotation * _uniform(n))
        scale = 1 + self.zoom * torch.stack((_uniform(n), _uniform(n)), dim=1)
        move = 2 * self.shift / side * torch.stack((_uniform(n), _uniform(n)), dim=1)
        cos, sin = torch.cos(angle), torch.sin(angle)
        turn = torch.stack((torch.stack((cos, -sin), dim=1), torch.stack((sin, cos), dim=1)), dim=1)
        affine = torch.cat((turn * scale.unsqueeze(1), move.unsqueeze(2)), dim=2)
        grid = functional.affine_grid(affine, [n, 1, side, side], align_corners=False)
        return functional.grid_sample(x.view(n, 1, side, side), grid, align_corners=False).flatten(1)


def _uniform(n: int) -> Tensor:
    return 2 * torch.rand(n) - 1


class DenseAec(nn.Module):
    """Dense autoencoder of vectors, ReLU between layers, linear latents and output (Xie et al. 2016).

    Parameters
    ----------
    sizes
        Numbers of inputs, of each layer's outputs, and of latents: (64, 256, 256, 10).
    distortion
        In training mode, `forward` reconstructs the image from a distorted one: a denoising autoencoder (Vincent et al.
        2008) that uses distortions which do not change a digit, instead of noise.
    """

    def __init__(self, sizes: Sequence[int], distortion: Distortion | None = None) -> None:
        super().__init__()
        self.encoder = _layers(sizes)
        self.decoder = _layers(sizes[::-1])
        self.distortion = distortion

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
        z = self.encode(self.distortion(x) if self.training and self.distortion is not None else x)
        return self.decode(z), z


def _layers(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, following in itertools.pairwise(sizes):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Timer:
    """CPU-seconds of this process."""

    def __init__(self) -> None:
        self._since = time.process_time()

    def lap(self) -> float:
        """Return the time since the last lap."""
        now = time.process_time()
        spent, self._since = now - self._since, now
        return spent


@dataclass(frozen=True, eq=False)
class Embedded:
    """A trained autoencoder and the initial clusters in its latents.

    Attributes
    ----------
    model, x, z
        The network, its inputs (N, ...), their latents (N, L).
    initial, seconds
        By K: initial clusters, and their CPU-seconds.
    """

    model: nn.Module
    x: Array
    z: Array
    initial: Mapping[int, Initialisation]
    seconds: Mapping[int, float]

    def dec(self, k: int, settings: config.DecSettings, objective: str, seed: int) -> tuple[DecResult, float]:
        """Train a DEC of K clusters; returns it and its CPU-seconds."""
        clock, start = Timer(), self.initial[k]
        own = settings.model_copy(update={"objective": objective, "seed": seed, "device": "cpu"})
        return train_dec(self.model, self.x, start.centroids, start.labels, own), clock.lap()


def embed(model: nn.Module, x: Array, counts: Iterable[int], method: Any, seed: int) -> Embedded:
    """Encode inputs (N, ...) and make initial clusters for each K by `ris_core.clustering.initialise`."""
    z = encode(model, x)
    initial, seconds = {}, {}
    for k in sorted(set(counts)):
        clock = Timer()
        initial[k] = initialise(method, z, k, STARTS, seed)
        seconds[k] = clock.lap()
    return Embedded(model, x, z, initial, seconds)


def best_count(values: NDArray[Any], partitions: Mapping[int, NDArray[Any]]) -> int:
    """Return the K whose partition has the best mean silhouette in a space (N, D), as `champion_model` chooses."""
    counts = sorted(partitions)
    means = silhouettes(values.reshape(len(values), -1), [partitions[k] for k in counts]).mean(axis=1)
    return counts[int(np.nanargmax(means))]
