"""Figure of the silhouette of every event, cluster by cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.palette import cluster_style
from ris_core.figures.style import LABEL, TICK, FloatArray, finish, new_figure, no_data

_GAP = 0.02


def silhouette_profiles(
    spaces: Mapping[str, FloatArray], labels: NDArray[np.integer[Any]], title: str = "Silhouettes"
) -> Figure:
    """Draw the silhouettes of a sample of events, sorted within each cluster, side by side for several spaces.

    Parameters
    ----------
    spaces : mapping of str to (n,) array
        Silhouettes between −1 and 1 by the name of their space; NaN for events without one.
    labels : (n,) array of int
        Cluster of each event.
    title : str

    References
    ----------
    Rousseeuw (1987), Silhouettes, Journal of Computational and Applied Mathematics, 10.1016/0377-0427(87)90125-7.
    """
    wrong = [f"{name} ({len(values)})" for name, values in spaces.items() if len(values) != len(labels)]
    if wrong:
        raise ValueError(f"{len(labels)} labels, but a different number of silhouettes in {', '.join(wrong)}")
    usable = {name: values for name, values in spaces.items() if np.isfinite(values).all()}
    if not len(labels) or not usable:
        return no_data(title, "fewer than two clusters")
    fig = new_figure(1.0 + 2.7 * len(usable), 4.2, f"{title}: {len(labels):,} events")
    for number, (name, values) in enumerate(usable.items()):
        axes = fig.add_subplot(1, len(usable), number + 1)
        places = _profile(axes, values, labels)
        axes.axvline(float(values.mean()), color="black", ls="--", lw=1)
        axes.axvline(0.0, color="black", lw=0.6)
        axes.set_xlim(min(-0.3, 1.05 * float(values.min())), 1.0)
        axes.set_ylim(1.0 + _GAP, -_GAP)
        axes.set_yticks(list(places.values()), labels=[str(label) for label in places])
        finish(axes, "silhouette", "label" if number == 0 else " ", f"{name}\nmean {values.mean():.2f}")
        axes.tick_params(axis="y", length=0, labelsize=LABEL if len(places) <= 12 else TICK)
    return fig


def _profile(axes: Axes, values: FloatArray, labels: NDArray[np.integer[Any]]) -> dict[int, float]:
    """Fill one profile for each cluster, from the top down; return the middle of each by label."""
    known = np.unique(labels)
    height = (1.0 - _GAP * (len(known) - 1)) / len(labels)
    places, top = {}, 0.0
    for label in known:
        own = np.sort(values[labels == label])[::-1]
        y = top + height * np.arange(len(own) + 1)
        # One step for each event, so that a cluster of one event is visible too.
        axes.fill_betweenx(y, 0.0, np.append(own, own[-1]), step="post", color=cluster_style(int(label))[0], lw=0)
        places[int(label)] = top + height * len(own) / 2
        top = float(y[-1]) + _GAP
    return places
