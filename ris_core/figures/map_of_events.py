"""Figure of the map of events: each a point in the colour of its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ris_core.figures.latent_space import scatter_labels
from ris_core.figures.style import finish, new_figure, no_data, require_columns

MOST_POINTS = 20_000
_SMALL = 2_000


def map_of_events(
    table: pd.DataFrame, said: Mapping[str, Any], names: Mapping[int, str] | None = None, seed: int = 0
) -> Figure:
    """Draw events on their map.

    Parameters
    ----------
    table
        Columns ``x``, ``y`` and ``label`` (class number).
    said
        Summary of the map: ``method`` (pca or umap) and ``explained_variance`` (two shares, or none).
    names
        Names of classes in the legend; others show their number.
    seed
        Of the sample that is drawn if there are many events.
    """
    require_columns(table, ("x", "y", "label"), "the map of events")
    if table.empty:
        return no_data("Map of events", "no labelled events")
    # In random order, so that no class covers the others because of its number.
    chosen = np.random.default_rng(seed).permutation(len(table))[:MOST_POINTS]
    points = table[["x", "y"]].to_numpy(float)[chosen]
    labels = table["label"].to_numpy(np.int64)
    sample = f"{len(chosen):,} of {len(table):,}" if len(chosen) < len(table) else f"{len(table):,}"
    fig = new_figure(8.0, 6.0, f"Map of events: {sample} events")
    axes = fig.subplots()
    size = 8.0 if len(chosen) <= _SMALL else 3.0
    scatter_labels(fig, axes, points, labels[chosen], np.unique(labels), names, size)
    axes.set_aspect("equal", adjustable="datalim")
    explained = said.get("explained_variance")
    if explained is None:
        finish(axes, "UMAP 1 (neighbours matter, distances do not)", "UMAP 2")
    else:
        first, second = (f"principal component ({100 * share:.0f} % of variance)" for share in explained)
        finish(axes, f"first {first}", f"second {second}")
    return fig
