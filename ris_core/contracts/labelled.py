"""The result of labelling for a station-day, and what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEC_WORDS = {
    "probability": "Greatest membership q; not a posterior",
    "reconstruction_error": "Mean squared error per pixel of the unit-norm spectrogram; null where not asked for",
}
"""Descriptions of columns of label tables whose meaning depends on the model, for DEC."""


@dataclass(frozen=True)
class Labelled:
    """The label table of one station-day.

    Attributes
    ----------
    labels, events
        Rows of the table, and events of the station-day.
    assigned
        Events whose novelty does not exceed the threshold.
    sizes
        Number of events by class number.
    k
        Number of clusters of the model.
    model_version
        The model.
    path
        Path relative to the data root.
    content
        Digest of the table's content.
    """

    labels: int
    events: int
    assigned: int
    sizes: Mapping[int, int]
    k: int
    model_version: str
    path: str
    content: str
