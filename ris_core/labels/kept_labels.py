"""Clusters that models on disk give events, kept in the data root's cache so that any two models can be compared.

Labels of the present champion are in the label tables, and so are those of the model beside a class model. Other models
label a sample of the training set, which is a uniform sample of all events, and the reviewed events
(`ris_core.labels.sample_labels`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ris_core import versions
from ris_core.clustering.champion import champion_or_none
from ris_core.contracts.stamp import Stamp
from ris_core.labels.compared_models import ComparedModel
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

_MOST_FILES = 24
_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
        pa.field("cluster", pa.int32(), False, {"description": "Cluster by the model, 0-based"}),
        pa.field(
            "sampled",
            pa.bool_(),
            False,
            {"description": "Whether the event belongs to the sample, and is not there for its review alone"},
        ),
    ]
)


class NotLabelledError(FileNotFoundError):
    """A model's labels have not been made yet."""


@dataclass(frozen=True, eq=False)
class KeptLabels:
    """Labels of events by one model.

    Attributes
    ----------
    table
        `event_id`, `cluster`, `sampled`.
    everywhere
        Whether they are of all labelled events, from the label tables; else they are of a sample of the training set
        and of reviewed events.
    left_out
        Reviewed events that could not be labelled.
    """

    table: pd.DataFrame = field(repr=False)
    everywhere: bool
    left_out: int


def kept_path(layout: Layout, model: ComparedModel) -> Path:
    """Return the path of a model's kept labels."""
    return layout.root / "cache" / "model_labels" / f"{model.name}.parquet"


def labels_digest(layout: Layout, model: ComparedModel) -> str:
    """Return the digest of what kept labels of a model belong to: the training set, or the label tables' champion."""
    champion = champion_or_none(layout)
    if model.role == "beside" and champion is not None:
        return champion.digest
    return spectrogram_file.read_info(layout.training_set).content if layout.training_set.exists() else ""


def read_kept(layout: Layout, model: ComparedModel) -> KeptLabels:
    """Return the kept labels of a model.

    Raises
    ------
    NotLabelledError
        There are none, or they are damaged or of another training set or champion.
    """
    path = kept_path(layout, model)
    with suppress(FileNotFoundError, DamagedFileError):
        if tables.read_stamp(path)[0] == _stamp(model, labels_digest(layout, model)):
            said = tables.read_summary(path)
            return KeptLabels(tables.read_table(path), bool(said["everywhere"]), int(said["left_out"]))
    raise NotLabelledError(f"the events have not been labelled by {model.candidate}, K = {model.k} yet")


def write_kept(
    layout: Layout, model: ComparedModel, made_of: str, frame: pd.DataFrame, everywhere: bool, left_out: int
) -> None:
    """Write the labels of a model; those of other models that were written long ago are removed if there are many.

    Parameters
    ----------
    layout, model
        The data root, and the model.
    made_of
        `labels_digest` before they were made.
    frame, everywhere, left_out
        As in `KeptLabels`.
    """
    path = kept_path(layout, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    tables.write_table(path, frame, _SCHEMA, _stamp(model, made_of), {"everywhere": everywhere, "left_out": left_out})
    others = sorted(path.parent.glob("*.parquet"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
    for old in others[_MOST_FILES:]:
        old.unlink(missing_ok=True)


def _stamp(model: ComparedModel, made_of: str) -> Stamp:
    return Stamp(model.name, versions.LABEL, made_of)
