"""Figures of clustering: latent space by principal components, change of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ris_core.figures.palette import SEQUENTIAL, cluster_style
from ris_core.figures.style import (
    BLUE,
    GREY,
    LABEL,
    TICK,
    FloatArray,
    colour_bar,
    finish,
    new_figure,
    no_data,
)


def latent_space(
    z: FloatArray,
    labels: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    most_points: int = 3000,
    title: str = "Latent space",
    names: Mapping[int, str] | None = None,
) -> Figure:
    """Draw latent vectors on their first two principal components.

    The components come from all vectors; a seeded sample of the vectors is drawn.

    Parameters
    ----------
    z : (N, d) array
    labels : (N,) array of int, optional
        Cluster of each vector.
    seed : int
        Seed of the sample.
    most_points : int
        Size of the sample.
    title : str
    names : mapping of int to str, optional
        Names of labels in the legend; others show their number.
    """
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"z has the shape {z.shape}; expected (N, d) with d of at least 2")
    if labels is not None and len(labels) != len(z):
        raise ValueError(f"labels has {len(labels)} entries for {len(z)} rows of z")
    if len(z) < 2:
        return no_data(title, f"{len(z)} event(s): too few for principal components")
    points, explained = principal_components(z)
    # In random order, so that no cluster covers the others because of its number.
    chosen = np.random.default_rng(seed).permutation(len(z))[:most_points]
    points = points[chosen]

    varying = int((np.ptp(z, axis=0) > 0).sum())
    sample = f"{len(chosen):,} of {len(z):,}" if len(chosen) < len(z) else f"{len(z):,}"
    fig = new_figure(6.8, 5.0, f"{title}: {sample} events, {varying} of {z.shape[1]} dimensions vary")
    axes = fig.subplots()
    if labels is None:
        axes.plot(points[:, 0], points[:, 1], ".", ms=2.5, color=BLUE)
    else:
        scatter_labels(fig, axes, points, np.asarray(labels)[chosen], np.unique(labels), names)
    axes.set_aspect("equal", adjustable="datalim")
    finish(
        axes,
        f"first principal component ({100 * explained[0]:.0f} % of variance)",
        f"second principal component ({100 * explained[1]:.0f} % of variance)",
    )
    return fig


def scatter_labels(
    fig: Figure,
    axes: Axes,
    points: FloatArray,
    labels: NDArray[np.integer[Any]],
    known: NDArray[np.integer[Any]],
    names: Mapping[int, str] | None = None,
    size: float = 8.0,
) -> None:
    """Draw points (n, 2) in the colours and marks of their labels, with a legend of all known labels."""
    styles = {int(label): cluster_style(int(label)) for label in known}
    for marker in dict.fromkeys(m for _, m in styles.values()):
        own = np.array([styles[int(label)][1] == marker for label in labels], dtype=bool)
        colours = [styles[int(label)][0] for label in labels[own]]
        axes.scatter(points[own, 0], points[own, 1], s=size, c=colours, marker=marker, linewidths=0)
    called = {label: str(label) for label in styles} | dict(names or {})
    handles = [Line2D([], [], ls="none", marker=m, color=c, ms=7, label=called[k]) for k, (c, m) in styles.items()]
    fig.legend(handles=handles, loc="outside right upper", title="label", fontsize=LABEL, frameon=False)


def principal_components(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first two principal components of the rows of `z` and their shares of the variance.

    Signs are fixed: the greatest loading of each component is positive.
    """
    centred = np.asarray(z, float) - np.mean(z, axis=0, dtype=float)
    _, singular, loadings = np.linalg.svd(centred, full_matrices=False)
    loadings = loadings[:2]
    loadings *= np.sign(loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)])[:, None]
    total = float((singular**2).sum())
    explained = singular[:2] ** 2 / total if total > 0 else np.zeros(2)
    return centred @ loadings.T, explained


def label_change(
    table: pd.DataFrame, before: str = "label before", after: str = "label after", title: str = "Change of labels"
) -> Figure:
    """Draw a cross-tabulation of labels as a heat map with its counts.

    Parameters
    ----------
    table : DataFrame
        Number of events by label before (rows) and after (columns).
    before, after : str
        Axis titles of rows and columns.
    title : str
    """
    counts = table.to_numpy(float)
    if not counts.size or not counts.sum():
        return no_data(title, "no labelled events")
    rows, columns = counts.shape
    cell = 0.52 if max(rows, columns) <= 12 else 0.4
    fig = new_figure(max(cell * columns + 2.2, 4.0), max(cell * rows + 1.5, 3.0), title)
    axes = fig.subplots()
    norm = LogNorm(1, max(counts.max(), 2.0))
    image = axes.imshow(np.where(counts > 0, counts, np.nan), cmap=SEQUENTIAL, norm=norm, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        bright = count > 0 and norm(count) > 0.6
        colour = GREY if count == 0 else "black" if bright else "white"
        axes.text(column, row, short_count(count), ha="center", va="center", fontsize=TICK - 1.0, color=colour)
    axes.set_xticks(range(columns), labels=[str(c) for c in table.columns])
    axes.set_yticks(range(rows), labels=[str(r) for r in table.index])
    colour_bar(fig, image, axes, "events")
    finish(axes, after, before)
    return fig


def short_count(count: float) -> str:
    """Return a count in at most four characters, as 950, 1.2k, 48k or 3.1M."""
    for divisor, suffix in ((1e6, "M"), (1e3, "k")):
        scaled = count / divisor
        if scaled >= 0.9995:
            return f"{scaled:.1f}{suffix}" if scaled < 9.95 else f"{scaled:.0f}{suffix}"
    return f"{count:.0f}"
