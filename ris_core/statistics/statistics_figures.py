"""The figures of the statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ris_core.figures.class_distributions import amplitudes_and_frequencies
from ris_core.figures.latent_space import label_change
from ris_core.statistics.statistics_run import FinishedStatistics
from ris_core.statistics.statistics_schema import LABEL_CHANGE

TITLES = {
    "distributions": "Amplitudes and peak frequencies of the classes",
    "label_change": "Initial clusters and clusters of DEC",
}
"""Titles of the figures, by name."""


def statistics_figures(found: FinishedStatistics) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of statistics by name (`TITLES`); without a DEC there is no ``label_change``."""
    yield "distributions", distributions(found.events)
    if LABEL_CHANGE in found.tables:
        change = found.tables[LABEL_CHANGE].pivot_table(index="before", columns="after", values="events")
        yield (
            "label_change",
            label_change(change, before="initial cluster", after="cluster of DEC", title="What DEC changed"),
        )


def distributions(events: pd.DataFrame) -> Figure:
    """Draw the amplitudes and peak frequencies of events of the catalogue by class.

    Amplitudes are accelerations if all events have one, else counts.
    """
    counts = events["peak_counts"].abs()
    acceleration = events["peak_acceleration"].abs()
    known = bool(np.isfinite(acceleration).all())
    table = events[["label", "class_name", "peak_frequency"]].assign(amplitude=acceleration if known else counts)
    return amplitudes_and_frequencies(table, "|peak| (m/s²)" if known else "|peak| (counts)")
