"""Figures of a class model: what it takes for what, whether its probabilities and sets keep what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.style import BLUE, GREY, ORANGE, TICK, finish, new_figure, no_data

Interval = tuple[float | None, float, float]
"""A share (none if there is no event) with the ends of its interval."""
_NOTHING = "no cross-validation: too few groups or classes"


def confusion_matrix(counts: NDArray[np.integer[Any]], names: Sequence[str], title: str) -> Figure:
    """Draw counts (K, K) of events: rows are the classes by the reviewers, columns those by the model.

    The colour is the share of the row.
    """
    if not counts.sum():
        return no_data(title, _NOTHING)
    k = len(names)
    fig = new_figure(2.4 + 0.55 * k, 1.8 + 0.5 * k, title)
    axes = fig.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=TICK, color=colour)
    axes.set_xticks(range(k), labels=names, rotation=40, ha="right")
    axes.set_yticks(range(k), labels=names)
    finish(axes, "class by the model", "class by the reviewers")
    return fig


def reliability_curve(bins: Sequence[tuple[float, float, float]], title: str) -> Figure:
    """Draw how often the most probable class is right, over its probability.

    Parameters
    ----------
    bins
        Mean probability, share that is right, and share of the events, of each bin.
    title
        Of the figure.
    """
    if not bins:
        return no_data(title, _NOTHING)
    said, right, weight = np.array(bins).T
    fig = new_figure(4.6, 4.2, title)
    axes = fig.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1, label="as promised")
    axes.plot(said, right, color=BLUE, lw=1)
    axes.scatter(said, right, s=20 + 400 * weight, color=BLUE, label="cross-validated (size: share of events)")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=TICK, loc="upper left", frameon=False)
    finish(axes, "greatest probability", "share of events that are right")
    return fig


def coverage_by_size(shares: Sequence[Interval], weights: Sequence[float], promised: float, title: str) -> Figure:
    """Draw how often the class is in the conformal set, and how many events have a set, by its number of classes.

    Parameters
    ----------
    shares, weights
        Coverage of the sets of 1, 2, ... classes, and share of the events with a set of 0, 1, 2, ... classes.
    promised
        Promised coverage of all sets together.
    title
        Of the figure.
    """
    if not len(weights):
        return no_data(title, _NOTHING)
    fig = new_figure(5.0, 3.6, title)
    axes = fig.add_subplot()
    sizes = np.arange(len(weights))
    axes.bar(sizes, weights, color=GREY, alpha=0.5, label="share of events")
    axes.axhline(promised, color=ORANGE, ls="--", lw=1, label=f"promised coverage, {promised:g}")
    _intervals(axes, sizes[1:], shares, BLUE, "coverage, 95 % interval")
    axes.set_xticks(sizes)
    axes.set_ylim(0, 1.05)
    axes.legend(fontsize=TICK, frameon=False)
    finish(axes, "classes in the set", "share")
    return fig


def class_scores(names: Sequence[str], precision: Sequence[Interval], recall: Sequence[Interval], title: str) -> Figure:
    """Draw precision and recall of each class with their 95 % intervals."""
    if all(value is None for value, _, _ in (*precision, *recall)):
        return no_data(title, _NOTHING)
    k = len(names)
    fig = new_figure(2.6 + 0.6 * k, 3.8, title)
    axes = fig.add_subplot()
    places = np.arange(k)
    _intervals(axes, places - 0.12, precision, BLUE, "precision")
    _intervals(axes, places + 0.12, recall, ORANGE, "recall")
    axes.set_xticks(places, labels=names, rotation=40, ha="right")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(fontsize=TICK, frameon=False, loc="lower right")
    finish(axes, "", "share, 95 % interval")
    return fig


def _intervals(axes: Any, x: NDArray[Any], shares: Sequence[Interval], colour: str, label: str) -> None:
    known = [(place, *share) for place, share in zip(x, shares, strict=True) if share[0] is not None]
    if known:
        place, value, low, high = np.array(known, dtype=float).T
        axes.errorbar(place, value, (value - low, high - value), fmt="o", ms=4, capsize=3, color=colour, label=label)
