"""Clusters of events: a trained model over batches of events, one batch on each core."""

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

from ris_core.clustering.cluster_model import ClusterModel, Described
from ris_core.clustering.novelty import NoveltyModel
from ris_core.contracts.events import Events
from ris_core.models.device import resolve_device, use_cores
from ris_core.threads import one_thread


@dataclass(frozen=True)
class LabelArrays:
    """The results of a model for N events, in their order.

    Attributes
    ----------
    cluster
        (N,) int32, 0-based: the cluster of the greatest membership.
    probability
        (N,) that membership; what it is depends on the model (`ClusterModel.membership_words`).
    probabilities
        (N, K) all memberships.
    latent
        (N, D) the features of the model's representation.
    reconstruction_error
        (N,) `ClusterModel.error_words` says what; none if it was not requested, or the model has none.
    sets, novelty, novel
        (N, K), (N,) and (N,) as in `Described`, by models that were trained on reviews; none by others.
    """

    cluster: NDArray[np.int32] = field(repr=False)
    probability: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    latent: NDArray[np.float32] = field(repr=False)
    reconstruction_error: NDArray[np.float32] | None = field(repr=False)
    sets: NDArray[np.bool_] | None = field(repr=False, default=None)
    novelty: NDArray[np.float32] | None = field(repr=False, default=None)
    novel: NDArray[np.bool_] | None = field(repr=False, default=None)

    def __len__(self) -> int:
        return len(self.cluster)

    def judged(self, by: NoveltyModel | None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the novelty (N,) of the events, and whether they are assigned to their cluster (N,).

        Parameters
        ----------
        by
            The novelty model that decides; none: the labels are those of a class model, by which an event is assigned
            if it is not new and its conformal set holds one class.
        """
        if by is not None:
            novelty = by.novelty(self.latent, self.probabilities, self.reconstruction_error)
            return novelty, by.assigned(novelty)
        if self.sets is None or self.novelty is None or self.novel is None:
            raise ValueError("without a novelty model only the labels of class models can be judged")
        return self.novelty, np.asarray((self.sets.sum(axis=1) == 1) & ~self.novel)


def label_events(
    model: ClusterModel,
    blocks: Iterable[Events],
    *,
    batch_size: int = 64,
    device: str | torch.device = "auto",
    reconstruction: bool = True,
) -> LabelArrays:
    """Label events.

    Each core takes one batch at a time through the model, on one thread: that takes less time than all cores on one
    batch, and the result does not depend on the number of cores.

    Parameters
    ----------
    model
        The trained model; its networks are moved to the device.
    blocks
        Events in blocks, with the arrays that the model needs. They may be read lazily: at most one more block than the
        number of cores is in memory. No blocks, or empty ones, give N = 0.
    batch_size
        Larger blocks are cut into batches of this size.
    device
        See `ris_core.models.device.resolve_device`.
    reconstruction
        Whether to compute the reconstruction error.

    Raises
    ------
    SpectrogramError
        A spectrogram cannot be normalised. The message names the event.
    MissingPartError
        The events lack an array that the model needs. The message says how to get it.
    """
    place = device if isinstance(device, torch.device) else resolve_device(device)
    describe = model.describer(place, reconstruction)

    def label(batch: Events) -> Described:
        batch.require(*model.needs)
        return describe(batch)

    parts = _on_all_cores(_batches(blocks, batch_size), label)
    probabilities = np.concatenate([np.empty((0, model.n_clusters), np.float32), *(part.memberships for part in parts)])
    errors = [part.reconstruction_error for part in parts if part.reconstruction_error is not None]
    return LabelArrays(
        cluster=probabilities.argmax(axis=1).astype(np.int32),
        probability=probabilities.max(axis=1, initial=0.0),
        probabilities=probabilities,
        latent=np.concatenate([np.empty((0, model.dimensions), np.float32), *(part.features for part in parts)]),
        reconstruction_error=np.concatenate([np.empty(0, np.float32), *errors])
        if reconstruction and model.has_reconstruction
        else None,
        **({} if model.classes is None else _of_classes(parts, model.n_clusters)),
    )


def _of_classes(parts: Sequence[Described], k: int) -> dict[str, NDArray[Any]]:
    """Return what a model that was trained on reviews says beside memberships, by the names of `LabelArrays`."""
    empty = {"sets": np.empty((0, k), np.bool_), "novelty": np.empty(0, np.float32), "novel": np.empty(0, np.bool_)}
    return {name: np.concatenate([none, *(getattr(part, name) for part in parts)]) for name, none in empty.items()}


def _batches(blocks: Iterable[Events], batch_size: int) -> Iterator[tuple[int, Events]]:
    """Cut blocks into batches, with the number of each batch."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
    number = 0
    for block in blocks:
        for first in range(0, len(block), batch_size):
            yield number, block if len(block) <= batch_size else block.take(slice(first, first + batch_size))
            number += 1


def _on_all_cores(batches: Iterator[tuple[int, Events]], label: Callable[[Events], Described]) -> list[Described]:
    """Return `label(batch)` of every batch, in their order; the first error in that order is raised."""
    reading, stop = threading.Lock(), threading.Event()
    done: dict[int, Described] = {}
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
                number, batch = item
                done[int(number)] = label(batch)
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
                failed[number] = error
                stop.set()

    cores = use_cores()
    try:
        # Products of numpy, too: their last digits would depend on the number of threads.
        with one_thread("blas"), ThreadPoolExecutor(cores, thread_name_prefix="label") as pool:
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
