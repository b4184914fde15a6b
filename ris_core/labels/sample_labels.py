"""Labels that a model gives a sample of the training set and the reviewed events, so that it can be compared.

The kept labels themselves, and how they are read, are in `ris_core.labels.kept_labels`, which needs no torch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import numpy as np
import pandas as pd

from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.open_models import open_model
from ris_core.clustering.scores import subsample
from ris_core.config import Settings
from ris_core.contracts.event_identifier import possible_days
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import StationDay
from ris_core.labels.compared_models import ComparedModel
from ris_core.labels.kept_labels import labels_digest, write_kept
from ris_core.labels.labelling import label_events
from ris_core.representations.file_events import FileEvents
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import read_column
from ris_core.training.training_set import NoTrainingSetError

SAMPLE = 20_000
"""Events of the training set that a model labels, at most."""
Told = Callable[[int, int], None]
"""Gets events that are done, and all."""


def keep_labels(
    layout: Layout,
    settings: Settings,
    model: ComparedModel,
    reviewed: Sequence[str],
    told: Told = lambda done, of: None,
) -> None:
    """Label events by a model and keep the labels; those of older models are removed if there are many.

    Parameters
    ----------
    layout, settings
        The network.
    model
        The model.
    reviewed
        Reviewed events, which are labelled wherever they are.
    told
        Called from time to time.

    Raises
    ------
    NoTrainingSetError
        There is no training set.
    InputMismatchError
        The events are not what the model takes in.
    UnknownKindError
        The model is of a plug-in that is not installed here.
    DamagedFileError
        A file is damaged.
    """
    made_of = labels_digest(layout, model)
    frame, left_out = _by_model(layout, settings, model, reviewed, told)
    write_kept(layout, model, made_of, frame, everywhere=False, left_out=left_out)


def _by_model(
    layout: Layout, settings: Settings, compared: ComparedModel, reviewed: Sequence[str], told: Told
) -> tuple[pd.DataFrame, int]:
    """Return the clusters of a sample of the training set and of reviewed events, and how many of these have none."""
    if not layout.training_set.exists():
        raise NoTrainingSetError(f"{layout.training_set}: no training set has been drawn yet")
    model, _ = open_model(compared.folder)
    names = np.asarray(read_column(layout.training_set, "event_id")).astype(str)
    mask = np.zeros(len(names), bool)
    mask[subsample(len(names), SAMPLE, settings.training_set.seed)] = True
    source = FileEvents(layout.training_set, mask)
    model.require(source)
    others = sorted(set(reviewed) - set(names[mask].tolist()))
    total, done = int(mask.sum()) + len(others), 0
    found: list[str] = []

    def noted(blocks: Iterable[Events]) -> Iterator[Events]:
        nonlocal done
        for block in blocks:
            if len(block):
                found.extend(str(name) for name in block.event_id)
                yield block
                done += len(block)
                told(done, total)

    def every() -> Iterator[Events]:
        yield from noted(source.blocks(model.needs))
        yield from noted(_blocks_of(layout, others, model))

    labels = label_events(
        model,
        every(),
        batch_size=settings.labelling.batch_size,
        device=settings.labelling.device,
        reconstruction=False,
    )
    sampled = np.isin(found, names[mask])
    frame = pd.DataFrame({"event_id": found, "cluster": labels.cluster, "sampled": sampled})
    return frame, total - len(found)


def _blocks_of(layout: Layout, event_ids: Sequence[str], model: ClusterModel) -> Iterator[Events]:
    """Yield events by their identifiers; those whose file is absent, damaged or not what the model takes in are not."""
    by_day: dict[StationDay, list[str]] = defaultdict(list)
    for name in event_ids:
        with suppress(ValueError):
            for key in possible_days(name):
                if layout.spectrograms(key).exists():
                    by_day[key].append(name)
    for key in sorted(by_day):
        path = layout.spectrograms(key)
        with suppress(FileNotFoundError, DamagedFileError, ValueError):
            mask = np.isin(np.asarray(read_column(path, "event_id")).astype(str), by_day[key])
            if mask.any():
                source = FileEvents(path, mask)
                model.require(source)
                yield from list(source.blocks(model.needs))
