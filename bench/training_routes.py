"""What the bench of training runs in processes of their own: each part by the plain route and by ours."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Route = Literal["plain", "ours"]
Part = Literal["aec", "mse", "dec", "labels", "labels_and_error", "imports", "prepare"]
PLAIN_FILE, OUR_FILE, AEC, DEC = "events.h5", "training_set.h5", "aec", "dec"
_CENTROIDS = "centroids.npz"
_STARTS = 10


class Trial(BaseModel):
    """How an autoencoder is trained."""

    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    max_epochs: int = 500
    patience: int = 10
    latent: Literal["relu", "linear"] = "relu"
    input_scale: Literal["unit_norm", "unit_rms"] = "unit_norm"


class Job(BaseModel):
    """What a process is to do.

    Attributes
    ----------
    part, route
        Which work, and how.
    folder
        With the events of both routes and, for `dec` and `labels`, an autoencoder and a DEC.
    training
        Number of events before those for validation.
    trial
        For `aec`, `mse` and the autoencoder of `prepare`.
    epochs
        For `aec` and `dec`; the first, with all that is done once, does not count.
    passes
        Over the events, for labels; the first does not count.
    k, seed
        Clusters; seed of weights and order.
    """

    part: Part
    route: Route
    folder: Path
    training: int
    trial: Trial = Trial()
    epochs: int = 3
    passes: int = 3
    k: int = 8
    seed: int = 0


class Clock:
    """Seconds and CPU-seconds of passes over events that follow one another."""

    def __init__(self) -> None:
        self.passes: list[dict[str, float]] = []
        self._last = self._first = time.perf_counter(), time.process_time()
        self._reading = 0.0

    def lap(self, events: int, reading: float = 0.0, **more: float) -> None:
        """End a pass; `reading` are the seconds in which batches were read, in all passes."""
        now = time.perf_counter(), time.process_time()
        self.passes.append(
            {
                "events": events,
                "seconds": now[0] - self._last[0],
                "cpu": now[1] - self._last[1],
                "reading": reading - self._reading,
                "since_start": now[0] - self._first[0],
                "cpu_since_start": now[1] - self._first[1],
                **more,
            }
        )
        self._last, self._reading = now, reading


def run(job: Job) -> dict[str, Any]:
    """Do the work on all cores that OMP_NUM_THREADS allows; return passes, results and peak memory."""
    from ris_core.models.device import use_cores

    threads = use_cores()
    found = _WORK[job.part, job.route](job)
    return found | {"peak_rss_mb": round(peak_mb()), "threads": threads}


def peak_mb() -> float:
    """Return the peak of this process's resident memory, MB; that of the process which started it does not count."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM; this bench needs Linux")


def _samples(job: Job) -> Any:
    from ris_core import config
    from ris_core.training.samples import of_file

    return of_file(job.folder / OUR_FILE, config.NormalisationSettings(), in_memory=True)


def _our_aec(job: Job) -> dict[str, Any]:
    from ris_core import config
    from ris_core.training.aec import train_aec

    clock = Clock()
    data = _samples(job)
    everything = np.arange(len(data))
    trial = job.trial
    result = train_aec(
        data.subset(everything[: job.training]),
        data.subset(everything[job.training :]),
        trial.batch_size,
        trial.learning_rate,
        config.AecSettings(
            max_epochs=job.epochs if job.part == "aec" else trial.max_epochs,
            patience=trial.patience,
            schedule=trial.schedule,
            latent=trial.latent,
            input_scale=trial.input_scale,
            seed=job.seed,
            device="cpu",
        ),
        on_epoch=lambda _, row: clock.lap(job.training, mse=row["val_mse"]),
    )
    return {"passes": clock.passes, "seeds": list(result.seeds_tried)}


def _plain_aec(job: Job) -> dict[str, Any]:
    from bench import plain_training

    clock, trial = Clock(), job.trial
    plain_training.train_aec(
        job.folder / PLAIN_FILE,
        job.training,
        batch_size=trial.batch_size,
        learning_rate=trial.learning_rate,
        max_epochs=job.epochs if job.part == "aec" else trial.max_epochs,
        patience=trial.patience,
        seed=job.seed,
        on_epoch=lambda mse, watch: clock.lap(job.training, watch.reading, mse=mse),
    )
    return {"passes": clock.passes}


def _prepare(job: Job) -> dict[str, Any]:
    """Train an autoencoder and make a DEC of it, for the parts that begin with one."""
    import torch

    from ris_core import config
    from ris_core.clustering.initialise import initialise
    from ris_core.models.inference import encode
    from ris_core.models.networks import Dec
    from ris_core.models.weights import save_model
    from ris_core.training.aec import train_aec

    data, trial = _samples(job), job.trial
    everything = np.arange(len(data))
    settings = config.AecSettings(
        max_epochs=trial.max_epochs, patience=trial.patience, schedule=trial.schedule, seed=job.seed, device="cpu"
    )
    train, val = data.subset(everything[: job.training]), data.subset(everything[job.training :])
    model = train_aec(train, val, trial.batch_size, trial.learning_rate, settings).model
    clusters = initialise("kmeans", encode(model, data), job.k, _STARTS, job.seed)
    centroids = clusters.centroids.astype(np.float32)
    save_model(job.folder / AEC, model, {}, config.PAPER_INPUT)
    save_model(job.folder / DEC, Dec.from_aec(model, torch.from_numpy(centroids)), {}, config.PAPER_INPUT)
    np.savez(job.folder / _CENTROIDS, centroids=centroids, labels=clusters.labels)
    return {}


def _clusters(job: Job) -> tuple[NDArray[Any], NDArray[Any]]:
    with np.load(job.folder / _CENTROIDS) as found:
        return found["centroids"], found["labels"]


def _our_dec(job: Job) -> dict[str, Any]:
    from ris_core import config
    from ris_core.models.weights import load_model
    from ris_core.training.dec import train_dec

    data = _samples(job)
    aec, _ = load_model(job.folder / AEC)
    centroids, labels = _clusters(job)
    trial = job.trial
    settings = config.DecSettings(
        batch_size=trial.batch_size,
        learning_rate=trial.learning_rate,
        max_epochs=job.epochs,
        tolerance=0.0,
        device="cpu",
    )
    clock = Clock()
    result = train_dec(aec, data, centroids, labels, settings, on_epoch=lambda *_: clock.lap(len(data)))
    return {"passes": clock.passes, "labels": result.labels.tolist()}


def _plain_dec(job: Job) -> dict[str, Any]:
    from bench import plain_training
    from ris_core.models.networks import Aec
    from ris_core.models.weights import load_model

    aec, _ = load_model(job.folder / AEC)
    if not isinstance(aec, Aec):
        raise TypeError(f"{job.folder / AEC}: not an autoencoder")
    events = len(plain_training.EventFile(job.folder / PLAIN_FILE))
    clock = Clock()
    labels = plain_training.train_dec(
        job.folder / PLAIN_FILE,
        aec,
        _clusters(job)[0],
        batch_size=job.trial.batch_size,
        learning_rate=job.trial.learning_rate,
        epochs=job.epochs,
        on_epoch=lambda watch: clock.lap(events, watch.reading),
    )
    return {"passes": clock.passes, "labels": labels.tolist()}


def _dec(job: Job) -> Any:
    from ris_core.models.weights import load_model

    return load_model(job.folder / DEC)[0]


def _our_labels(job: Job) -> dict[str, Any]:
    from ris_core import config
    from ris_core.clustering.open_models import open_model
    from ris_core.labels.labelling import label_events
    from ris_core.storage.spectrogram_file import iterate_events

    model, block = open_model(job.folder / DEC)[0], config.LabellingSettings().batch_size
    clock = Clock()
    for _ in range(job.passes):
        blocks = iterate_events(job.folder / OUR_FILE, block, model.needs)
        found = label_events(model, blocks, device="cpu", reconstruction=job.part == "labels_and_error")
        clock.lap(len(found))
    return {"passes": clock.passes, "labels": found.cluster.tolist()}


def _plain_labels(job: Job) -> dict[str, Any]:
    from bench import plain_training

    model = _dec(job)
    clock, watch = Clock(), plain_training.Watch()
    for _ in range(job.passes):
        labels, _, _ = plain_training.label(model, job.folder / PLAIN_FILE, job.trial.batch_size, watch)
        clock.lap(len(labels), watch.reading)
    return {"passes": clock.passes, "labels": labels.tolist()}


def _imports(_: Job) -> dict[str, Any]:
    """Import what both routes need, and do nothing."""
    from bench import plain_training
    from ris_core.labels import labelling
    from ris_core.training import aec, dec

    return {"modules": [module.__name__ for module in (plain_training, labelling, aec, dec)]}


_WORK: dict[tuple[Part, Route], Callable[[Job], dict[str, Any]]] = {
    ("aec", "ours"): _our_aec,
    ("aec", "plain"): _plain_aec,
    ("mse", "ours"): _our_aec,
    ("mse", "plain"): _plain_aec,
    ("dec", "ours"): _our_dec,
    ("dec", "plain"): _plain_dec,
    ("labels", "ours"): _our_labels,
    ("labels_and_error", "ours"): _our_labels,
    ("labels_and_error", "plain"): _plain_labels,
    ("imports", "ours"): _imports,
    ("prepare", "ours"): _prepare,
}


if __name__ == "__main__":
    print(json.dumps(run(Job.model_validate_json(sys.argv[1]))))
