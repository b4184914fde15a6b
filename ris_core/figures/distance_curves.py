"""Figures of the distances between events and the centroids of their clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.palette import MARKERS, cluster_style
from ris_core.figures.style import TICK, FloatArray, finish, new_figure, no_data

_BINS = 40
_LINES = ("-", "--", ":", "-.")
PUBLISHED_EDGES = np.linspace(0.0, 201.0, 200)
"""Edges of the published PDF of distances: 199 bins from 0 to 201."""
# The axis is broken where at least this share of it has no distance.
_BREAK = 0.15
_MARGIN = 0.05


def distance_distributions(
    distance: FloatArray, labels: NDArray[np.integer[Any]], title: str = "Distance of events to their own centroid"
) -> Figure:
    """Draw the cumulative distribution and the density of the distances of each cluster's events to its centroid.

    Parameters
    ----------
    distance : (N,) array
        Euclidean distance in latent space of each event to the centroid of its cluster.
    labels : (N,) array of int
        Cluster of each event.
    title : str
    """
    if len(distance) != len(labels):
        raise ValueError(f"{len(distance)} distances for {len(labels)} labels; one for each event is needed")
    if not len(distance):
        return no_data(title, "no events")
    known = np.unique(labels)
    # With the full range, a few distant events would put all others into one bin.
    end = float(np.quantile(distance, 0.995)) or 1.0
    edges = np.linspace(0.0, end, _BINS + 1)
    fig = new_figure(8.6, 3.6, title)
    cumulative, density = fig.subplots(1, 2)
    for label in known:
        own = np.sort(distance[labels == label])
        colour, marker = cluster_style(int(label))
        style: dict[str, Any] = {"color": colour, "ls": _LINES[MARKERS.index(marker)], "lw": 1.4}
        # A few hundred points give the same curve as all events.
        level = np.linspace(0.0, 1.0, min(len(own), 400) + 1)
        cumulative.plot(np.quantile(own, level), level, label=str(label), **style)
        counts, _ = np.histogram(own, edges)
        density.stairs(counts / (len(own) * np.diff(edges)), edges, **style)
    cumulative.set_ylim(0, 1)
    for axes in (cumulative, density):
        axes.set_xlim(0, end)
        axes.grid(True, color="#e6e6e6", lw=0.6)
    density.set_ylim(bottom=0)
    finish(cumulative, "distance (latent units)", "share of the cluster's events", "CDF")
    finish(density, "distance (latent units)", "density (1 / latent unit)", "PDF")
    fig.legend(loc="outside right upper", title="label", fontsize=TICK, frameon=False)
    return fig


def distance_comparison(
    distances: Mapping[str, FloatArray],
    edges: FloatArray | None = None,
    pieces: Sequence[tuple[float, float]] = (),
    title: str = "Distance of all events to their own centroid",
) -> Figure:
    """Draw the empirical CDF and the PDF of the distances of all events, of several models.

    Parameters
    ----------
    distances : mapping of str to (N,) arrays
        ‖z − μₖ‖ of each event to the centroid of its cluster, by name of the model.
    edges : (m + 1,) array, optional
        Edges of the bins of the PDF; by default 400 bins from 0 to the 0.999 quantile. The published figures have
        `PUBLISHED_EDGES`, and 400 bins from 0 to 40.
    pieces : sequence of (float, float)
        Parts of the PDF's axis that are shown; the published figure has 0 to 4 and 10 to 30. By default the whole axis,
        or two parts if a long part of it has no distance.
    title : str

    Notes
    -----
    The PDF is the share of events in each bin: its sum over all bins, those beyond the axis included, is 1.
    """
    known = {name: np.sort(np.asarray(values, float)) for name, values in distances.items() if len(values)}
    if not known:
        return no_data(title, "no events")
    if edges is None:
        edges = np.linspace(0.0, max(float(np.quantile(v, 0.999)) for v in known.values()) or 1.0, 401)
    shares = {name: np.histogram(values, edges)[0] / len(values) for name, values in known.items()}
    shown = list(pieces) or _pieces(np.sum(list(shares.values()), axis=0), np.asarray(edges, float))
    fig = new_figure(9.0, 3.6, title)
    grid = fig.add_gridspec(1, 1 + len(shown), width_ratios=[1.0, *[1.25 / len(shown)] * len(shown)])
    cumulative = fig.add_subplot(grid[0, 0])
    first = fig.add_subplot(grid[0, 1])
    density = [first, *(fig.add_subplot(grid[0, 1 + n], sharey=first) for n in range(1, len(shown)))]
    for number, (name, values) in enumerate(known.items()):
        colour, _ = cluster_style(number)
        level = np.linspace(0.0, 1.0, min(len(values), 1000) + 1)
        cumulative.plot(np.quantile(values, level), level, color=colour, label=f"{name} ({len(values):,})", lw=1.4)
        for axes in density:
            axes.stairs(shares[name], edges, color=colour, lw=1.0)
    cumulative.set_ylim(0, 1)
    cumulative.set_xlim(left=0)
    cumulative.grid(True, color="#e6e6e6", lw=0.6)
    cumulative.legend(fontsize=TICK, frameon=False, loc="lower right")
    finish(cumulative, "distance (units of the features)", "share of events", "CDF")
    for number, (axes, (start, end)) in enumerate(zip(density, shown, strict=True)):
        axes.set_xlim(start, end)
        axes.set_ylim(bottom=0)
        axes.grid(True, color="#e6e6e6", lw=0.6)
        finish(axes, "distance", f"share of events in a bin of {edges[1] - edges[0]:.2g}" if number == 0 else "", "PDF")
        if number:
            axes.spines["left"].set_visible(False)
            axes.tick_params(left=False, labelleft=False)
            axes.set_title("(axis broken)", fontsize=TICK)
        if number < len(shown) - 1:
            axes.spines["right"].set_visible(False)
    return fig


def _pieces(counts: FloatArray, edges: FloatArray) -> list[tuple[float, float]]:
    """Return the whole axis, or what is before and after its longest empty part if that is long."""
    filled = np.flatnonzero(counts)
    first, last = float(edges[0]), float(edges[filled[-1] + 1]) if len(filled) else float(edges[-1])
    if len(filled) < 2:
        return [(first, last)]
    gap = int(np.diff(filled).argmax())
    before, after = float(edges[filled[gap] + 1]), float(edges[filled[gap + 1]])
    if after - before < _BREAK * (last - first):
        return [(first, last)]
    margin = _MARGIN * (last - first)
    return [(first, before + margin), (after - margin, last)]
