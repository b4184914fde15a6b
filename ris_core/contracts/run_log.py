"""The log of a training, kept by an MLflow run or by any other object with these methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RunLog(Protocol):
    """Receives the records of a training. After an interruption a training may send all of them again."""

    @property
    def links(self) -> Mapping[str, str]:
        """Identifiers of the run, by their names in records of models; empty without a run."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log the choices before the training: hyper-parameters, seeds, sizes."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log the metrics of one step; values that are not finite are left out."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Log words with which runs can be found."""

    def text(self, text: str, path: str) -> None:
        """Log a text file, for example a table as CSV."""

    def figure(self, figure: Figure, name: str) -> None:
        """Log a figure."""

    def dataset(self, name: str, digest: str, path: Path, shape: Sequence[int], **sizes: int) -> None:
        """Log the data of the training.

        Parameters
        ----------
        name, digest
            Name and digest of the data.
        path
            Their file, on this machine.
        shape
            Shape of their float32 array, events first.
        **sizes
            Numbers of events of their parts, by name.
        """

    def note(self, line: str) -> None:
        """Show one line about the progress of the training."""


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
