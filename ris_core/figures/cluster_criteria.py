"""Figures for the choice of a model: criteria over the number of clusters, stability, and association of labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ris_core.figures.palette import SEQUENTIAL
from ris_core.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    TICK,
    VERMILLION,
    FloatArray,
    colour_bar,
    finish,
    legend,
    new_figure,
    no_data,
    require_columns,
)

_GRID = "#e6e6e6"
_CRITERIA = {
    "inertia": "inertia (elbow)",
    "silhouette": "silhouette",
    "gap_box": "gap, box",
    "gap_pca": "gap, PCA box",
    "gmm_bic": "BIC",
    "gmm_aic": "AIC",
    "stability": "stability",
}


def cluster_count_curves(
    table: pd.DataFrame,
    suggested: Mapping[str, int | None] | None = None,
    title: str = "Criteria for the number of clusters",
) -> Figure:
    """Draw the criteria over the number of clusters K, and the K that each of them names.

    Parameters
    ----------
    table : DataFrame
        Columns `k`, `inertia`, `silhouette`, `gap_box`, `gap_box_s`, `gap_pca`, `gap_pca_s`, `gmm_bic`, `gmm_aic` and
        `stability`; one row per K.
    suggested : mapping of str to int or None
        K that each criterion names, if it names one.
    title : str
    """
    require_columns(table, ("k", *_CRITERIA, "gap_box_s", "gap_pca_s"), "table")
    unknown = sorted(set(suggested or {}) - set(_CRITERIA))
    if unknown:
        raise ValueError(f"suggested names {', '.join(unknown)}; the criteria are {', '.join(_CRITERIA)}")
    if table.empty:
        return no_data(title)
    ordered = table.sort_values("k")
    names = {name: k for name, k in (suggested or {}).items() if k is not None}
    fig = new_figure(9.0, 5.2, title)
    panels = fig.subplots(2, 3).ravel()
    _curves(panels[0], ordered, {"inertia": ""}, names, "within-cluster sum of squares", "k-means inertia")
    _curves(panels[1], ordered, {"silhouette": ""}, names, "mean silhouette coefficient", "Silhouette")
    gaps = {"gap_box": "box", "gap_pca": "PCA box"}
    _curves(panels[2], ordered, gaps, names, "gap, with s (nat)", "Gap statistic")
    _curves(panels[3], ordered, {"gmm_bic": "BIC", "gmm_aic": "AIC"}, names, "criterion", "Gaussian mixture")
    _curves(panels[4], ordered, {"stability": ""}, names, "mean ARI of bootstraps", "Stability")
    _named(panels[5], ordered["k"], suggested or {})
    return fig


def _curves(
    axes: Axes, table: pd.DataFrame, columns: Mapping[str, str], names: Mapping[str, int], label: str, title: str
) -> None:
    for (column, what), colour in zip(columns.items(), (BLUE, ORANGE), strict=False):
        error = table.get(f"{column}_s")
        axes.errorbar(table["k"], table[column], error, fmt="o-", color=colour, ms=3.0, lw=1.2, label=what or None)
        if column in names:
            axes.axvline(names[column], color=colour if what else VERMILLION, ls="--", lw=1.2)
    if any(columns.values()):
        legend(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4), useMathText=True)
    axes.yaxis.offsetText.set_fontsize(TICK)
    axes.grid(True, color=_GRID, lw=0.6)
    finish(axes, "number of clusters K", label, title)


def _named(axes: Axes, k: pd.Series[int], suggested: Mapping[str, int | None]) -> None:
    rows = [name for name in _CRITERIA if name in suggested]
    for place, name in enumerate(rows):
        named = suggested[name]
        if named is None:
            axes.text(float(k.min()), place, "none", va="center", fontsize=TICK, color=GREY)
        else:
            axes.plot(named, place, "o", ms=5, color=VERMILLION)
            axes.annotate(str(named), (named, place), (5, 0), textcoords="offset points", va="center", fontsize=TICK)
    axes.set_yticks(range(len(rows)), labels=[_CRITERIA[name] for name in rows])
    axes.set_xlim(float(k.min()) - 0.5, float(k.max()) + 1.0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, color=_GRID, lw=0.6)
    finish(axes, "number of clusters K", "criterion", "K that is named")


def ari_matrix(ari: FloatArray, names: list[str], title: str = "Agreement of trainings") -> Figure:
    """Draw the adjusted Rand index of every pair of trainings.

    Parameters
    ----------
    ari : (M, M) array
    names : list of M str
        Name of each training, such as its seed.
    title : str
    """
    if ari.shape != (len(names), len(names)):
        raise ValueError(f"ari has the shape {ari.shape} for {len(names)} names")
    if len(names) < 2:
        return no_data(title, "a single training has nothing to agree with")
    side = 0.42 * len(names)
    fig = new_figure(max(side + 2.6, 4.4), max(side + 1.6, 3.4), title)
    axes = fig.subplots()
    image = axes.imshow(ari, cmap=SEQUENTIAL, vmin=0.0, vmax=1.0)
    if len(names) <= 12:
        for (row, column), value in np.ndenumerate(ari):
            colour = "black" if value > 0.6 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=TICK - 1.5, color=colour)
    axes.set_xticks(range(len(names)), labels=names, rotation=90)
    axes.set_yticks(range(len(names)), labels=names)
    colour_bar(fig, image, axes, "adjusted Rand index")
    finish(axes, "seed of the training", "seed of the training")
    return fig


def agreement(
    events: FloatArray, by_label: pd.DataFrame, title: str = "Agreement with the consensus of the trainings"
) -> Figure:
    """Draw how many trainings agree with the consensus label, over events and by label.

    Parameters
    ----------
    events : (N,) array
        Share of the trainings that give each event its consensus label.
    by_label : DataFrame
        Index: consensus label; column `agreement`, the mean over its events.
    title : str
    """
    require_columns(by_label, ("agreement",), "by_label")
    if not len(events):
        return no_data(title, "no events")
    fig = new_figure(7.6, 3.2, title)
    left, right = fig.subplots(1, 2)
    order = np.sort(np.asarray(events, float))
    left.step(order, np.arange(1, len(order) + 1) / len(order), where="post", color=BLUE, lw=1.4)
    left.set_xlim(0, 1.02)
    left.grid(True, color=_GRID, lw=0.6)
    finish(left, "share of trainings that agree", "cumulative share of events")
    right.bar([str(label) for label in by_label.index], by_label["agreement"], color=BLUE)
    right.set_ylim(0, 1)
    finish(right, "consensus label", "mean share of trainings")
    return fig


def associations(table: pd.DataFrame, title: str = "Association of the labels") -> Figure:
    """Draw the adjusted mutual information of labels with other properties, beside that of permuted labels.

    Parameters
    ----------
    table : DataFrame
        Columns `variable`, `ami`, `ami_by_chance` (95 % quantile under permutation) and `p`.
    title : str
    """
    require_columns(table, ("variable", "ami", "ami_by_chance", "p"), "table")
    if table.empty:
        return no_data(title, "nothing to compare with")
    fig = new_figure(6.4, 0.55 * len(table) + 1.5, title)
    axes = fig.subplots()
    places = np.arange(len(table))
    axes.barh(places, table["ami"], color=BLUE, height=0.5)
    axes.plot(table["ami_by_chance"], places, "|", color=VERMILLION, ms=18, mew=2, label="95 % of permutations below")
    ends = np.fmax(np.fmax(table["ami"], table["ami_by_chance"]), 0.0)
    for place, (end, p) in enumerate(zip(ends, table["p"], strict=True)):
        text = f"p = {p:.2g}" if np.isfinite(p) else "not defined"
        axes.annotate(text, (end, place), (5, 0), textcoords="offset points", va="center", fontsize=TICK)
    axes.set_yticks(places, labels=list(table["variable"]))
    axes.set_xlim(min(0.0, float(table["ami"].min())), max(0.1, 1.3 * float(table["ami"].max())))
    axes.invert_yaxis()
    legend(axes, loc="lower right")
    finish(axes, "adjusted mutual information with the label", "property of the event")
    return fig
