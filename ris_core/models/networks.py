"""The autoencoder and the deep embedded clustering network of Jenkins et al. (2021, doi 10.1029/2021JB021716)."""

from __future__ import annotations

import copy
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

LatentActivation = Literal["relu", "linear"]
INPUT_SHAPE = (87, 100)
LATENT_DIM = 9
_BIAS = 0.01
_ENCODED_SHAPE = (128, 3, 3)
_ENCODED_SIZE = 128 * 3 * 3


class Aec(nn.Module):
    """Convolutional autoencoder: (B, 1, 87, 100) to nine latents and back; 218,250 parameters.

    Parameters
    ----------
    seed
        Seed of the Glorot-uniform weights; biases are 0.01. The global generator of torch is not changed.
    latent
        Activation of the latents: ``relu`` (published; they are not negative) or ``linear``.
    gain
        Factor between input and first layer; the output is divided by it. 1 is the published network; with √8700 the
        layers see spectrograms of unit root mean square, which suits Glorot's weights and these biases.
    """

    def __init__(self, seed: int = 0, latent: LatentActivation = "relu", gain: float = 1.0) -> None:
        super().__init__()
        self.latent, self.gain = latent, gain
        # The default initialisation of the layers draws from the global generator.
        with torch.random.fork_rng(devices=[]):
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 8, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(8, 16, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(32, 64, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(64, 128, 3, stride=2, padding=(1, 0)),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(_ENCODED_SIZE, LATENT_DIM),
                nn.ReLU() if latent == "relu" else nn.Identity(),
            )
            self.expand = nn.Sequential(nn.Linear(LATENT_DIM, _ENCODED_SIZE), nn.ReLU())
            self.decoder = nn.Sequential(
                nn.ConvTranspose2d(128, 64, 3, stride=2, padding=(1, 0)),
                nn.ReLU(),
                nn.ConvTranspose2d(64, 32, 3, stride=2, padding=(0, 1)),
                nn.ReLU(),
                nn.ConvTranspose2d(32, 16, 3, stride=2, padding=(0, 1)),
                nn.ReLU(),
                nn.ConvTranspose2d(16, 8, 3, stride=2),
                nn.ReLU(),
                nn.ConvTranspose2d(8, 1, 3, stride=2, padding=(0, 1)),
            )
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.constant_(module.bias, _BIAS)

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, 9) of spectrograms (B, 1, 87, 100)."""
        latent: Tensor = self.encoder(x if self.gain == 1 else x * self.gain)
        return latent

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (B, 1, 87, 100) of latents (B, 9)."""
        maps: Tensor = self.decoder(self.expand(z).view(-1, *_ENCODED_SHAPE))
        # The transposed convolutions give 95 x 101.
        reconstruction = maps[:, :, 4:-4, 1:]
        return reconstruction if self.gain == 1 else reconstruction / self.gain

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return reconstruction (B, 1, 87, 100) and latents (B, 9)."""
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
    """Deep embedded clustering: the autoencoder with a clustering layer on its latents; 218,322 parameters at K = 8.

    Parameters
    ----------
    n_clusters
        K, the number of clusters. Centroids are zero until they are given; see `from_aec`.
    latent, gain
        See `Aec`.
    """

    aec: Any  # an Aec, or another network with encode, decode and forward

    def __init__(self, n_clusters: int, latent: LatentActivation = "relu", gain: float = 1.0) -> None:
        super().__init__()
        if n_clusters < 1:
            raise ValueError(f"n_clusters must be 1 or more, got {n_clusters}")
        self.aec = Aec(latent=latent, gain=gain)
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
        """Return the latents (B, 9) of spectrograms (B, 1, 87, 100)."""
        z: Tensor = self.aec.encode(x)
        return z

    def assign(self, z: Tensor) -> Tensor:
        """Return the soft assignments q (B, K) of latents (B, 9)."""
        q: Tensor = self.clustering(z)
        return q

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return soft assignments q (B, K), reconstruction (B, 1, 87, 100) and latents (B, 9)."""
        reconstruction, latent = self.aec(x)
        return self.assign(latent), reconstruction, latent


def parameter_count(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
