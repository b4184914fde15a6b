"""The autoencoder and the deep embedded clustering network of Jenkins et al. (2021, doi 10.1029/2021JB021716)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from ris_core.config import PAPER_INPUT, SMALLEST_SIZE

LatentActivation = Literal["relu", "linear"]
Shape = tuple[int, int, int]
Size = tuple[int, int]
LATENT_DIM = 9
PAPER_SHAPE: Shape = PAPER_INPUT.network_shape
"""Components, frequencies and times of the published networks."""
_BIAS = 0.01
_MAPS = (8, 16, 32, 64, 128)
_KERNEL, _STRIDE = 3, 2


class ShapeError(ValueError):
    """A network cannot be made for a shape, or gets events of another one."""


@dataclass(frozen=True)
class Layers:
    """The sizes of an autoencoder's layers.

    Attributes
    ----------
    down
        Padding of each convolution, along frequency and time.
    encoded
        Size of the maps of the last convolution.
    up
        Padding and output padding of each transposed convolution.
    kept
        Rows and columns of the last transposed convolution that are the reconstruction.
    """

    down: tuple[Size, ...]
    encoded: Size
    up: tuple[tuple[Size, Size], ...]
    kept: tuple[slice, slice] = (slice(None), slice(None))

    @property
    def encoded_values(self) -> int:
        """Number of values of one event after the last convolution."""
        return _MAPS[-1] * self.encoded[0] * self.encoded[1]


def layers_for(size: Size) -> Layers:
    """Return the layers for spectrograms of so many frequencies and times.

    Five convolutions, each with half the size of the one before. Paddings are 1, except for the last convolution along
    time, which has none (as published) where there are three columns or more. For 87 × 100 the decoder is the published
    one, whose 95 × 101 pixels are cropped; for other sizes it gives back the size of each convolution's input.

    Raises
    ------
    ShapeError
        The size is below 17 × 17.
    """
    if min(size) < SMALLEST_SIZE:
        raise ShapeError(
            f"spectrograms of {size[0]} frequencies x {size[1]} times are too small for the autoencoder; it needs "
            f"{SMALLEST_SIZE} x {SMALLEST_SIZE} or more"
        )
    sizes, down = [size], []
    for number in range(1, len(_MAPS) + 1):
        rows, columns = sizes[-1]
        padding = (1, 0 if number == len(_MAPS) and columns >= _KERNEL else 1)
        down.append(padding)
        sizes.append((_halved(rows, padding[0]), _halved(columns, padding[1])))
    if size == PAPER_SHAPE[1:]:
        published: tuple[Size, ...] = ((1, 0), (0, 1), (0, 1), (0, 0), (0, 1))
        up = tuple((padding, (0, 0)) for padding in published)
        return Layers(tuple(down), sizes[-1], up, kept=(slice(4, -4), slice(1, None)))
    mirrored = []
    for (small, large), padding in zip(pairwise(reversed(sizes)), reversed(down), strict=True):
        missing = [b - ((s - 1) * _STRIDE - 2 * p + _KERNEL) for s, b, p in zip(small, large, padding, strict=True)]
        mirrored.append((padding, (missing[0], missing[1])))
    return Layers(tuple(down), sizes[-1], tuple(mirrored))


def _halved(size: int, padding: int) -> int:
    return (size + 2 * padding - _KERNEL) // _STRIDE + 1


class Aec(nn.Module):
    """Convolutional autoencoder: (B, C, F, T) to nine latents and back; 218,250 parameters for (B, 1, 87, 100).

    Parameters
    ----------
    seed
        Seed of the Glorot-uniform weights; biases are 0.01. The global generator of torch is not changed.
    latent
        Activation of the latents: ``relu`` (published; they are not negative) or ``linear``.
    gain
        Factor between input and first layer; the output is divided by it. 1 is the published network; with √(C·F·T)
        the layers see spectrograms of unit root mean square, which suits Glorot's weights and these biases.
    shape
        Components, frequencies and times of one event: by default those of the published network.

    Raises
    ------
    ShapeError
        The spectrograms are too small; see `layers_for`.
    """

    def __init__(
        self, seed: int = 0, latent: LatentActivation = "relu", gain: float = 1.0, shape: Shape = PAPER_SHAPE
    ) -> None:
        super().__init__()
        self.latent, self.gain, self.shape = latent, gain, shape
        components, self.layers = shape[0], layers_for(shape[1:])
        if components < 1:
            raise ShapeError(f"an autoencoder needs one component or more, got {components}")
        values = self.layers.encoded_values
        # The default initialisation of the layers draws from the global generator.
        with torch.random.fork_rng(devices=[]):
            self.encoder = nn.Sequential(
                *self._convolutions((components, *_MAPS)),
                nn.Flatten(),
                nn.Linear(values, LATENT_DIM),
                nn.ReLU() if latent == "relu" else nn.Identity(),
            )
            self.expand = nn.Sequential(nn.Linear(LATENT_DIM, values), nn.ReLU())
            self.decoder = nn.Sequential(*self._transposed_convolutions((*reversed(_MAPS), components)))
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.constant_(module.bias, _BIAS)

    def _convolutions(self, maps: tuple[int, ...]) -> list[nn.Module]:
        found: list[nn.Module] = []
        for (before, after), padding in zip(pairwise(maps), self.layers.down, strict=True):
            found += [nn.Conv2d(before, after, _KERNEL, _STRIDE, padding), nn.ReLU()]
        return found

    def _transposed_convolutions(self, maps: tuple[int, ...]) -> list[nn.Module]:
        found: list[nn.Module] = []
        for (before, after), (padding, more) in zip(pairwise(maps), self.layers.up, strict=True):
            found += [nn.ConvTranspose2d(before, after, _KERNEL, _STRIDE, padding, more), nn.ReLU()]
        return found[:-1]  # the reconstruction may be negative

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, 9) of spectrograms (B, C, F, T); raises `ShapeError` for another shape."""
        if x.shape[1:] != self.shape:
            components, frequencies, times = self.shape
            raise ShapeError(
                f"spectrograms must have the shape (N, {components}, {frequencies}, {times}), got {tuple(x.shape)}"
            )
        latent: Tensor = self.encoder(x if self.gain == 1 else x * self.gain)
        return latent

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (B, C, F, T) of latents (B, 9)."""
        maps: Tensor = self.decoder(self.expand(z).view(-1, _MAPS[-1], *self.layers.encoded))
        rows, columns = self.layers.kept
        reconstruction = maps[:, :, rows, columns]
        return reconstruction if self.gain == 1 else reconstruction / self.gain

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return reconstruction (B, C, F, T) and latents (B, 9)."""
        latent = self.encode(x)
        return self.decode(latent), latent


class ClusteringLayer(nn.Module):
    """Soft assignment of latents to centroids by Student's t kernel.

    Parameters
    ----------
    centroids
        Centroids (K, D) in latent space; they become parameters.
    """

    def __init__(self, centroids: Tensor) -> None:
        super().__init__()
        self.centroids = nn.Parameter(centroids.detach().clone())

    def forward(self, z: Tensor) -> Tensor:
        """Return q (B, K); one degree of freedom (Xie et al. 2016, equation 1)."""
        squared_distance = (z.unsqueeze(1) - self.centroids).square().sum(dim=2)
        kernel = 1.0 / (1.0 + squared_distance)
        return kernel / kernel.sum(dim=1, keepdim=True)


class Dec(nn.Module):
    """Deep embedded clustering: the autoencoder with a clustering layer on its latents.

    218,322 parameters at K = 8 and the published shape.

    Parameters
    ----------
    n_clusters
        K, the number of clusters. Centroids are zero until they are given; see `from_aec`.
    latent, gain, shape
        See `Aec`.
    """

    aec: Any  # an Aec, or another network with encode, decode and forward

    def __init__(
        self, n_clusters: int, latent: LatentActivation = "relu", gain: float = 1.0, shape: Shape = PAPER_SHAPE
    ) -> None:
        super().__init__()
        if n_clusters < 1:
            raise ValueError(f"n_clusters must be 1 or more, got {n_clusters}")
        self.aec = Aec(latent=latent, gain=gain, shape=shape)
        self.clustering = ClusteringLayer(torch.zeros(n_clusters, LATENT_DIM))

    @classmethod
    def from_aec(cls, aec: nn.Module, centroids: Tensor) -> Self:
        """Return a DEC on a copy of a trained autoencoder with centroids (K, 9)."""
        if centroids.ndim != 2 or (isinstance(aec, Aec) and centroids.shape[1] != LATENT_DIM):
            raise ValueError(f"centroids must have the shape (K, {LATENT_DIM}), got {tuple(centroids.shape)}")
        model = cls(len(centroids))
        model.aec = copy.deepcopy(aec)
        reference = next(aec.parameters())
        model.clustering = ClusteringLayer(centroids.to(device=reference.device, dtype=reference.dtype))
        return model

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return len(self.clustering.centroids)

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, 9) of spectrograms (B, C, F, T)."""
        z: Tensor = self.aec.encode(x)
        return z

    def assign(self, z: Tensor) -> Tensor:
        """Return the soft assignments q (B, K) of latents (B, 9)."""
        q: Tensor = self.clustering(z)
        return q

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return soft assignments q (B, K), reconstruction (B, C, F, T) and latents (B, 9)."""
        reconstruction, latent = self.aec(x)
        return self.assign(latent), reconstruction, latent


def parameter_count(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
