"""The log of a training: what a run of MLflow keeps of it, whoever keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RunLog(Protocol):
    """Takes what a training says of itself. A training that goes on after an interruption may say it all again."""

    @property
    def links(self) -> Mapping[str, str]:
        """Identifiers of the run, by the names under which records of models keep them; empty where there is no run."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log what was chosen before the training: hyper-parameters, seeds, sizes."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log the metrics of one step; values that are not finite are left out."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Log words by which runs are found."""

    def text(self, text: str, path: str) -> None:
        """Log a text file, for example a table as CSV."""

    def figure(self, figure: Figure, name: str) -> None:
        """Log a figure."""

    def dataset(self, name: str, digest: str, path: Path, shape: Sequence[int], **sizes: int) -> None:
        """Log the data that a model is trained on.

        Parameters
        ----------
        name, digest
            Of the data.
        path
            Their file, on this machine.
        shape
            Of their float32 array, events first.
        **sizes
            Numbers of events of their parts, by name.
        """

    def note(self, line: str) -> None:
        """Tell whoever watches the training one line about its progress."""


@dataclass
class RecordedRun:
    """A `RunLog` that keeps everything in memory, for notebooks and tests.

    Attributes
    ----------
    links
        See `RunLog`.
    logged_parameters, logged_tags
        By name.
    logged_metrics
        Value by step, by name.
    logged_texts, logged_figures
        By path and by name.
    logged_data
        Digest by name.
    notes
        Lines, in order.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    logged_parameters: dict[str, Any] = field(default_factory=dict)
    logged_metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    logged_tags: dict[str, str] = field(default_factory=dict)
    logged_texts: dict[str, str] = field(default_factory=dict)
    logged_figures: dict[str, Figure] = field(default_factory=dict)
    logged_data: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def parameters(self, values: Mapping[str, Any]) -> None:
        """See `RunLog`."""
        self.logged_parameters.update(values)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """See `RunLog`."""
        for name, value in values.items():
            if math.isfinite(value):
                self.logged_metrics.setdefault(name, {})[step] = value

    def tags(self, values: Mapping[str, str]) -> None:
        """See `RunLog`."""
        self.logged_tags.update(values)

    def text(self, text: str, path: str) -> None:
        """See `RunLog`."""
        self.logged_texts[path] = text

    def figure(self, figure: Figure, name: str) -> None:
        """See `RunLog`."""
        self.logged_figures[name] = figure

    def dataset(self, name: str, digest: str, path: Path, shape: Sequence[int], **sizes: int) -> None:
        """See `RunLog`."""
        self.logged_data[name] = digest

    def note(self, line: str) -> None:
        """See `RunLog`."""
        self.notes.append(line)
