"""Training and labelling as a plain PyTorch program does it, in the manner of the published code.

The HDF5 file is opened for every event, in the dataset of a `DataLoader`; memory is in PyTorch's usual order; Adam is
plain. For a new target distribution, and for labels, the whole network is run, including decoder and gradients. The
networks, losses and order of steps are those of the published code; the text is our own.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset

from ris_core.models.networks import Aec, Dec
from ris_core.storage.published_file import SPECTROGRAM
from ris_core.training.targets import target_distribution

GAMMA = 1e-3


class EventFile(Dataset[tuple[int, Tensor]]):
    """The spectrograms of a published file, each read and normalised when it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with h5py.File(path, "r") as file:
            self.events = len(file[SPECTROGRAM])

    def __len__(self) -> int:
        return self.events

    def __getitem__(self, row: int) -> tuple[int, Tensor]:
        """Return row and spectrogram (1, 87, 100) of unit L2 norm."""
        with h5py.File(self.path, "r") as file:
            spectrogram = file[SPECTROGRAM][row, :-1, 1:].astype(np.float64)
        spectrogram /= np.linalg.norm(spectrogram)
        return row, torch.from_numpy(spectrogram.astype(np.float32))[None]


@dataclass
class Watch:
    """Seconds, and of these the seconds in which batches were read."""

    reading: float = 0.0
    start: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def batches(self, loader: DataLoader[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """Iterate over the batches of a loader and count the time of waiting for them."""
        batches = iter(loader)
        while True:
            start = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.reading += time.perf_counter() - start
            yield batch[0], batch[1]


def split(path: Path, training: int) -> tuple[Subset[Any], Subset[Any]]:
    """Return the first events of a file for training and the rest for validation."""
    events = EventFile(path)
    return Subset(events, range(training)), Subset(events, range(training, len(events)))


def train_aec(
    path: Path,
    training: int,
    *,
    batch_size: int,
    learning_rate: float,
    max_epochs: int,
    patience: int,
    seed: int,
    on_epoch: Callable[[float, Watch], None],
) -> tuple[nn.Module, float]:
    """Train an autoencoder until its validation MSE has not fallen for some epochs; return the best and its MSE.

    `on_epoch` gets each epoch's validation MSE.
    """
    torch.manual_seed(seed)
    model = Aec(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    train_set, val_set = split(path, training)
    train_loader = DataLoader(train_set, batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size)
    best, best_mse, waited = copy.deepcopy(model.state_dict()), math.inf, 0
    watch = Watch()
    for _ in range(max_epochs):
        model.train()
        running = 0.0
        for _, batch in watch.batches(train_loader):
            loss = functional.mse_loss(model(batch)[0], batch)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            running += loss.item() * len(batch)
        model.eval()
        total = 0.0
        with torch.no_grad():
            for _, batch in watch.batches(val_loader):
                total += functional.mse_loss(model(batch)[0], batch).item() * len(batch)
        mse = total / len(val_set)
        on_epoch(mse, watch)
        waited = 0 if mse < best_mse else waited + 1
        if mse < best_mse:
            best, best_mse = copy.deepcopy(model.state_dict()), mse
        if waited >= patience:
            break
    model.load_state_dict(best)
    return model, best_mse


def infer(model: Dec, loader: DataLoader[Any], watch: Watch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return memberships (N, K) and latents (N, 9) of all events, by the whole network."""
    model.eval()
    q, latent = [], []
    for _, batch in watch.batches(loader):
        of_batch, _, z = model(batch)
        q.append(of_batch.detach().numpy())
        latent.append(z.detach().numpy())
    return np.concatenate(q), np.concatenate(latent)


def label(model: Dec, path: Path, batch_size: int, watch: Watch) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return labels (N,), latents (N, 9) and reconstruction errors (N,) of all events of a file."""
    model.eval()
    labels, latent, error = [], [], []
    for _, batch in watch.batches(DataLoader(EventFile(path), batch_size)):
        q, reconstruction, z = model(batch)
        labels.append(q.detach().numpy().argmax(axis=1))
        latent.append(z.detach().numpy())
        error.append(np.square((batch - reconstruction).detach().numpy()).mean(axis=(1, 2, 3)))
    return np.concatenate(labels), np.concatenate(latent), np.concatenate(error)


def train_dec(
    path: Path,
    aec: Aec,
    centroids: NDArray[Any],
    *,
    batch_size: int,
    learning_rate: float,
    epochs: int,
    on_epoch: Callable[[Watch], None],
) -> NDArray[np.int64]:
    """Train network and centroids for some epochs, the target distribution being made twice in each; return labels."""
    model = Dec.from_aec(aec, torch.from_numpy(np.array(centroids, np.float32)))
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    loader = DataLoader(EventFile(path), batch_size)
    interval = math.ceil(len(loader) / 2)
    watch = Watch()
    target = _target(model, loader, watch)
    for epoch in range(epochs):
        running = 0.0
        for number, (rows, batch) in enumerate(watch.batches(loader)):
            if number % interval == 0 and (epoch or number):
                target = _target(model, loader, watch)
            model.train()
            q, reconstruction, _ = model(batch)
            mse = functional.mse_loss(reconstruction, batch)
            kl = functional.kl_div(q.log(), target[rows], reduction="batchmean")
            loss = mse + GAMMA * kl
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            running += loss.item() * len(batch)
        on_epoch(watch)
    labels: NDArray[np.int64] = infer(model, loader, watch)[0].argmax(axis=1)
    return labels


def _target(model: Dec, loader: DataLoader[Any], watch: Watch) -> Tensor:
    return target_distribution(torch.from_numpy(infer(model, loader, watch)[0]))
