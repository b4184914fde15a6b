"""Clusters of events from their spectrograms: the trained network over batches of events, one batch on each core."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core import config
from ris_core.models.decoding import FastDecoder
from ris_core.models.device import resolve_device, use_cores
from ris_core.models.inference import as_input
from ris_core.models.networks import LATENT_DIM, Dec
from ris_core.training.normalise import normalise

_LINEAR = config.NormalisationSettings()


@dataclass(frozen=True)
class LabelArrays:
    """The results of a DEC for N events, in their order.

    Attributes
    ----------
    cluster
        (N,) int32, 0-based: the cluster of the greatest q.
    probability
        (N,) that q: a membership by Student's t kernel, not a posterior probability.
    probabilities
        (N, K) all q.
    latent
        (N, 9).
    reconstruction_error
        (N,) mean over the pixels of (x − x̂)², x of unit L2 norm; none if it was not requested.
    """

    cluster: NDArray[np.int32] = field(repr=False)
    probability: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    latent: NDArray[np.float32] = field(repr=False)
    reconstruction_error: NDArray[np.float32] | None = field(repr=False)

    def __len__(self) -> int:
        return len(self.cluster)


_Part = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]


def label_spectrograms(
    model: Dec,
    blocks: Iterable[NDArray[Any]],
    normalisation: config.NormalisationSettings = _LINEAR,
    *,
    batch_size: int = 64,
    device: str | torch.device = "auto",
    reconstruction: bool = True,
    event_ids: Sequence[str] | None = None,
) -> LabelArrays:
    """Label events from their spectrograms.

    Each core takes one batch at a time through the network, on one thread: that takes less time than all cores on one
    batch, and the result does not depend on the number of cores.

    Parameters
    ----------
    model
        The trained network; it is moved to the device.
    blocks
        Spectrograms in blocks (n, 87, 100), linear PSD. They may be read lazily: at most one more block than the number
        of cores is in memory. No blocks, or empty ones, give N = 0.
    normalisation
        Normalisation that the model was trained with.
    batch_size
        Larger blocks are cut into batches of this size.
    device
        See `ris_core.models.device.resolve_device`.
    reconstruction
        Whether to run the decoder for the reconstruction error.
    event_ids
        Identifiers of all N events, for error messages.

    Raises
    ------
    SpectrogramError
        A spectrogram cannot be normalised. The message names the event.
    """
    place = device if isinstance(device, torch.device) else resolve_device(device)
    model.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    decoder = FastDecoder(model.aec) if reconstruction else None

    @torch.inference_mode()
    def label(start: int, block: NDArray[Any]) -> _Part:
        ids = None if event_ids is None else event_ids[start : start + len(block)]
        x = as_input(normalise(block, normalisation, ids)).to(place)
        z = model.encode(x)
        error = None if decoder is None else (x - decoder(z)).square().mean(dim=(1, 2, 3)).cpu().numpy()
        return model.assign(z).cpu().numpy(), z.cpu().numpy(), error

    parts = _on_all_cores(_batches(blocks, batch_size), label)
    if event_ids is not None and len(event_ids) != (done := sum(len(q) for q, _, _ in parts)):
        raise ValueError(f"{len(event_ids)} event ids for {done} spectrograms; one for each is needed")
    probabilities = np.concatenate([np.empty((0, model.n_clusters), np.float32), *(q for q, _, _ in parts)])
    errors = [np.empty(0, np.float32), *(e for _, _, e in parts if e is not None)]
    return LabelArrays(
        cluster=probabilities.argmax(axis=1).astype(np.int32),
        probability=probabilities.max(axis=1, initial=0.0),
        probabilities=probabilities,
        latent=np.concatenate([np.empty((0, LATENT_DIM), np.float32), *(z for _, z, _ in parts)]),
        reconstruction_error=np.concatenate(errors) if reconstruction else None,
    )


def _batches(blocks: Iterable[NDArray[Any]], batch_size: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Cut blocks into batches, with the number of each batch and of its first event."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
    number = start = 0
    for block in blocks:
        for first in range(0, len(block), batch_size):
            batch = block[first : first + batch_size]
            yield number, start, batch
            number, start = number + 1, start + len(batch)


def _on_all_cores(
    batches: Iterator[tuple[int, int, NDArray[Any]]], label: Callable[[int, NDArray[Any]], _Part]
) -> list[_Part]:
    """Return `label(first event, batch)` of every batch, in their order; the first error in that order is raised."""
    reading, stop = threading.Lock(), threading.Event()
    done: dict[int, _Part] = {}
    failed: dict[float, BaseException] = {}

    def work() -> None:
        torch.set_num_threads(1)
        while not stop.is_set():
            number: float = math.inf
            try:
                with reading:
                    item = next(batches, None)
                if item is None:
                    return
                number, start, batch = item
                done[int(number)] = label(start, batch)
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
                failed[number] = error
                stop.set()

    cores = use_cores()
    try:
        with ThreadPoolExecutor(cores, thread_name_prefix="label") as pool:
            workers = [pool.submit(work) for _ in range(cores)]
            try:
                wait(workers)
            finally:
                stop.set()  # an interrupt ends the wait before the batches are done
    finally:
        torch.set_num_threads(cores)
    if failed:
        raise failed[min(failed)]
    return [done[number] for number in sorted(done)]
