"""Targets of deep embedded clustering: memberships Q of the whole training set, and the distribution P from them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ris_core.models.networks import Dec
from ris_core.training.loop import Metrics, require_finite, to_device
from ris_core.training.samples import Samples

ENCODER_BATCH = 128


def target_distribution(q: Tensor) -> Tensor:
    """Return p (N, K) that sharpens q (N, K): p_ij ∝ q_ij² / Σ_i q_ij (Xie et al. 2016, equation 3)."""
    weight = q.square() / q.sum(dim=0).clamp_min(torch.finfo(q.dtype).tiny)
    return weight / weight.sum(dim=1, keepdim=True)


class Targets:
    """Q, P, latents and labels of all events, in the order of the samples.

    Parameters
    ----------
    samples
        N events.
    labels
        (N,) labels of the initialisation, with which the first update is compared.
    model
        On the device where it is trained.
    device
        The device that holds P and Q.
    """

    def __init__(self, samples: Samples, labels: NDArray[np.int32], model: Dec, device: torch.device) -> None:
        self.samples, self.labels, self.device = samples, labels, device
        self.q = torch.empty(len(samples), model.n_clusters, device=device)
        self.p = torch.empty_like(self.q)
        self.latent = np.empty((len(samples), model.clustering.centroids.shape[1]), np.float32)

    @torch.inference_mode()
    def update(self, model: Dec, learning_rate: float) -> Metrics:
        """Compute Q with the encoder over all events, then P and labels; return the row of the update.

        Raises
        ------
        DivergedError
            The divergence is not finite; the message names the learning rate.
        """
        for rows, inputs in self.samples.batches(ENCODER_BATCH):
            z = model.encode(to_device(inputs, self.device))
            self.q[rows] = model.assign(z)
            self.latent[rows] = z.cpu().numpy()
        self.p.copy_(target_distribution(self.q))
        kl = functional.kl_div(self.q.log(), self.p, reduction="batchmean").item()
        require_finite(kl, "DEC, target distribution", learning_rate)
        labels = self.q.argmax(dim=1).cpu().numpy().astype(np.int32)
        change = float(np.mean(labels != self.labels))
        self.labels = labels
        sizes = np.bincount(labels, minlength=self.q.shape[1])
        return {
            "label_change": change,
            "entropy": torch.special.entr(self.q).sum(dim=1).mean().item(),
            "cluster_entropy": torch.special.entr(self.q.mean(dim=0)).sum().item(),
            "kl_target": kl,
            **{f"size_{j}": float(size) for j, size in enumerate(sizes)},
        }

    def of(self, rows: NDArray[np.int64]) -> Tensor:
        """Return P of a batch of events by their rows in the samples."""
        return self.p[torch.from_numpy(rows).to(self.device)]
