"""Figure of the distances between the events of each cluster and its centroid."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.style import MARKERS, TICK, FloatArray, cluster_style, finish, new_figure, no_data

_BINS = 40
_LINES = ("-", "--", ":", "-.")


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
