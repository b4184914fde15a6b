"""The gallery of clusters: centroid, mean and examples of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max, share_of_max
from ris_core.figures.spectrogram import by_component, draw_tiles
from ris_core.figures.style import LABEL, FloatArray, colour_bar, finish, new_figure, no_data


def cluster_gallery(
    decoded: FloatArray | None,
    mean: FloatArray,
    examples: Mapping[int, FloatArray],
    sizes: NDArray[np.integer[Any]],
    frequency: FloatArray,
    time: FloatArray,
    *,
    decibel: bool = False,
    title: str = "Clusters",
    names: Sequence[str] | None = None,
    components: Sequence[str] = (),
) -> Figure:
    """Draw each cluster as a row: its decoded centroid, its mean spectrogram, and events from near to far.

    Of several components each event has one picture for each, side by side, in units of the greatest of all.

    Parameters
    ----------
    decoded : (K, frequency, time) or (K, components, frequency, time) array, optional
        Output of the decoder for each cluster's centroid; models without a decoder have none.
    mean : array like `decoded`
        Mean spectrogram of each cluster.
    examples : mapping of int to array like `decoded`, n in place of K
        Some spectrograms of each cluster, by label, from the nearest to the centroid to the farthest. Up to four of
        them are drawn, evenly from the first to the last; two if there are more than eight pictures of one column.
    sizes : (K,) array of int
        Number of events of each cluster.
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    decibel : bool
        Whether the spectrograms are in decibels above a floor, or linear.
    title : str
    names : sequence of K str, optional
        Names of the clusters; by default their numbers, from 0.
    components : sequence of str
        Letters of the components, if there are several.
    """
    mean = by_component(mean, frequency, time, "mean", components)
    first = mean[:0] if decoded is None else by_component(decoded, frequency, time, "decoded", components)
    if not len(sizes) == len(mean) == (len(mean) if decoded is None else len(first)):
        raise ValueError(
            f"{len(first)} decoded centroids, {len(mean)} means and {len(sizes)} sizes; one of each is "
            "needed for every cluster"
        )
    if not len(mean):
        return no_data(title, "no clusters")
    of_clusters = {
        label: by_component(spectrograms, frequency, time, f"examples[{label}]", components)
        for label, spectrograms in examples.items()
    }
    several = mean.shape[1]
    # With many clusters or components each has fewer examples, to keep the picture small.
    few = len(mean) > 8 or several > 1
    most = min(2 if few else 4, max((len(s) for s in of_clusters.values()), default=0))
    columns = most + (1 if decoded is None else 2)
    scaled = share_of_max if decibel else decibels_below_max
    rows: list[list[FloatArray | None]] = []
    for label in range(len(mean)):
        shown = [*first[label : label + 1], mean[label], *_evenly(of_clusters.get(label, mean[:0]), most)]
        tiles: list[FloatArray | None] = []
        for event in shown:
            halved = np.maximum(np.stack([_halved(each) for each in event]), 0.0)
            tiles += list(scaled(halved)) if np.any(halved) else [None] * several
        rows.append(tiles + [None] * (several * columns - len(tiles)))
    width = 1.1 if several == 1 else 0.7
    fig = new_figure(width * several * columns + 2.3, 0.75 * len(mean) + 1.3, title)
    axes = fig.subplots()
    named = [] if decoded is None else ["centroid,\ndecoded"]
    image = draw_tiles(
        axes,
        rows,
        _halved(frequency[None])[0],
        _halved(time[None])[0],
        (0.0, 1.0) if decibel else (-DYNAMIC_RANGE_DB, 0.0),
        titles=[_with_letters([*named, "mean", *_titles(most)], components)],
        title_size=LABEL,
        levels=round(DYNAMIC_RANGE_DB / 2),
    )
    total = max(int(np.sum(sizes)), 1)
    called = [str(label) for label in range(len(mean))] if names is None else names
    for label, size in enumerate(sizes):
        middle = (label + 0.5 - 0.03) / len(mean)
        text = f"{called[label]}: {int(size):,}\n({100 * size / total:.1f} %)"
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
    axes.yaxis.labelpad = max(56.0, 30.0 + 0.55 * LABEL * max(map(len, called)))
    colour_bar(fig, image, axes, "dB above the floor / maximum" if decibel else "PSD (dB re maximum)")
    return fig


def _evenly(examples: FloatArray, most: int) -> FloatArray:
    """Return at most this many examples, including the first and the last."""
    if len(examples) <= most:
        return examples
    chosen = np.linspace(0, len(examples) - 1, most).round().astype(int)
    return np.asarray(examples[chosen])


def _with_letters(titles: list[str], components: Sequence[str]) -> list[str]:
    """Return one title for each component of an event: of several its letter, below the event's title at the first."""
    if len(components) < 2:
        return titles
    return [f"{title}\n{components[0]}" if not n else letter for title in titles for n, letter in enumerate(components)]


def _titles(examples: int) -> list[str]:
    if examples < 2:
        return ["nearest"][:examples]
    return ["nearest", *["→"] * (examples - 2), "farthest"]


def _halved(values: FloatArray) -> FloatArray:
    """Return the means of blocks of 2 x 2 (of 2 along a single row): half of a spectrogram's points overlap anyway."""
    rows, columns = values.shape
    blocks = values[: rows - rows % 2 or 1, : columns - columns % 2]
    high = 1 if rows == 1 else 2
    return np.asarray(blocks.reshape(len(blocks) // high, high, -1, 2).mean(axis=(1, 3), dtype=float))
