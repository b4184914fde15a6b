"""Figures of clustering: latent space, gallery of clusters, change of labels."""

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

from ris_core.figures.spectrogram import DYNAMIC_RANGE_DB, check_spectrograms, decibels_below_max, draw_tiles
from ris_core.figures.style import (
    BLUE,
    GREY,
    LABEL,
    SEQUENTIAL,
    TICK,
    FloatArray,
    cluster_style,
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
) -> Figure:
    """Draw latent vectors on their first two principal components.

    The components are those of all vectors; of these a seeded sample is drawn.

    Parameters
    ----------
    z : (N, d) array
    labels : (N,) array of int, optional
        Cluster of each vector.
    seed : int
        Of the sample.
    most_points : int
        Size of the sample.
    title : str
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
        _scatter(fig, axes, points, np.asarray(labels)[chosen], np.unique(labels))
    axes.set_aspect("equal", adjustable="datalim")
    finish(
        axes,
        f"first principal component ({100 * explained[0]:.0f} % of variance)",
        f"second principal component ({100 * explained[1]:.0f} % of variance)",
    )
    return fig


def _scatter(
    fig: Figure, axes: Axes, points: FloatArray, labels: NDArray[np.integer[Any]], known: NDArray[np.integer[Any]]
) -> None:
    styles = {int(label): cluster_style(int(label)) for label in known}
    for marker in dict.fromkeys(m for _, m in styles.values()):
        own = np.array([styles[int(label)][1] == marker for label in labels], dtype=bool)
        colours = [styles[int(label)][0] for label in labels[own]]
        axes.scatter(points[own, 0], points[own, 1], s=8, c=colours, marker=marker, linewidths=0)
    handles = [Line2D([], [], ls="none", marker=m, color=c, ms=7, label=str(k)) for k, (c, m) in styles.items()]
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


def cluster_gallery(
    mean: FloatArray,
    examples: Mapping[int, FloatArray],
    sizes: NDArray[np.integer[Any]],
    frequency: FloatArray,
    time: FloatArray,
    *,
    title: str = "Clusters",
) -> Figure:
    """Draw each cluster as a row: its mean spectrogram and some of its events.

    Parameters
    ----------
    mean : (K, frequency, time) array
        Mean spectrogram of each cluster.
    examples : mapping of int to (n, frequency, time) array
        Some spectrograms of each cluster, by label; up to four are drawn, two where there are more than eight clusters.
    sizes : (K,) array of int
        Number of events of each cluster.
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    title : str
    """
    check_spectrograms(mean, frequency, time, "mean")
    if len(sizes) != len(mean):
        raise ValueError(f"sizes has {len(sizes)} entries for {len(mean)} clusters")
    if not len(mean):
        return no_data(title, "no clusters")
    for label, spectrograms in examples.items():
        check_spectrograms(spectrograms, frequency, time, f"examples[{label}]")
    # Many clusters get fewer examples, to keep the picture small.
    most = 4 if len(mean) <= 8 else 2
    columns = 1 + min(most, max((len(s) for s in examples.values()), default=0))
    rows: list[list[FloatArray | None]] = []
    for label in range(len(mean)):
        shown = [mean[label], *examples.get(label, mean[:0])[: columns - 1]]
        tiles = [decibels_below_max(_halved(s)) if np.any(s) else None for s in shown]
        rows.append(tiles + [None] * (columns - len(tiles)))
    fig = new_figure(1.1 * columns + 2.3, 0.75 * len(mean) + 1.2, title)
    axes = fig.subplots()
    image = draw_tiles(
        axes,
        rows,
        _halved(frequency[None])[0],
        _halved(time[None])[0],
        (-DYNAMIC_RANGE_DB, 0.0),
        titles=[["mean", *(f"example {n}" for n in range(1, columns))]],
        title_size=LABEL,
        levels=round(DYNAMIC_RANGE_DB / 2),
    )
    total = max(int(np.sum(sizes)), 1)
    for label, size in enumerate(sizes):
        middle = (label + 0.5 - 0.03) / len(mean)
        text = f"{label}: {int(size):,}\n({100 * size / total:.1f} %)"
        axes.annotate(
            text,
            (0, 1 - middle),
            xycoords="axes fraction",
            xytext=(-26, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=LABEL,
        )
    finish(axes, "time in window (s)", "label: events (share)        frequency (Hz)")
    axes.yaxis.labelpad = 56
    colour_bar(fig, image, axes, "PSD (dB re maximum)")
    return fig


def _halved(values: FloatArray) -> FloatArray:
    """Return the means of blocks of 2 x 2 (of 2 along a single row): half of a spectrogram's points overlap anyway."""
    rows, columns = values.shape
    blocks = values[: rows - rows % 2 or 1, : columns - columns % 2]
    high = 1 if rows == 1 else 2
    return np.asarray(blocks.reshape(len(blocks) // high, high, -1, 2).mean(axis=(1, 3), dtype=float))


def label_change(
    table: pd.DataFrame, before: str = "label before", after: str = "label after", title: str = "Change of labels"
) -> Figure:
    """Draw a cross-tabulation of labels as a heat map with its counts.

    Parameters
    ----------
    table : DataFrame
        Number of events by label before (rows) and after (columns).
    before, after : str
        What rows and columns are.
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
