"""Networks in the form in which they are handed to others: spectrograms of any scale in, one tensor out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ris_core.models.networks import Aec, Dec


class OfSpectrograms(nn.Module):
    """Gives spectrograms (B, 1, 87, 100) unit L2 norm and hands them to a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return what the network makes of the normalised spectrograms."""
        answer: Tensor = self.network(x / torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True))
        return answer


def latents(model: Aec) -> OfSpectrograms:
    """Return a module from spectrograms to latents (B, 9)."""
    return OfSpectrograms(model.encoder)


def memberships(model: Dec) -> OfSpectrograms:
    """Return a module from spectrograms to memberships q (B, K)."""
    return OfSpectrograms(nn.Sequential(model.aec.encoder, model.clustering))
