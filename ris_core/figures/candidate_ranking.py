"""The candidates beside each other: agreement with the others and information about the hour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ris_core.figures.palette import CATEGORICAL, MARKERS
from ris_core.figures.style import GREY, TICK, finish, legend, new_figure, no_data, require_columns

_TITLE = "Candidates ranked without truth"
_LISTED = 15


def candidate_ranking(table: pd.DataFrame, used: Sequence[str]) -> Figure:
    """Draw the two criteria of the rule against each other, and the mean ranks of the best.

    Parameters
    ----------
    table
        Columns `candidate`, `k`, `mean_rank`, `agreement` and `hour_ami`, the best first; NaN where a criterion is
        absent.
    used
        The criteria that took part.
    """
    require_columns(table, ("candidate", "k", "mean_rank", "agreement", "hour_ami"), "table")
    if table.empty:
        return no_data(_TITLE)
    fig = new_figure(9.0, 4.2, _TITLE if used else f"{_TITLE}: no criterion takes part")
    left, right = fig.subplots(1, 2)
    names = list(dict.fromkeys(table["candidate"]))
    for number, name in enumerate(names):
        own = table[table["candidate"] == name]
        colour, marker = CATEGORICAL[number % len(CATEGORICAL)], MARKERS[number // len(CATEGORICAL) % len(MARKERS)]
        # A criterion that is absent is drawn at 0.
        x, y = own["agreement"].fillna(0), own["hour_ami"].fillna(0)
        left.scatter(x, y, color=colour, marker=marker, label=name, s=28)
        for at_x, at_y, k in zip(x, y, own["k"], strict=True):
            left.annotate(str(k), (at_x, at_y), (3, 3), textcoords="offset points", fontsize=TICK - 1)
    best = table.iloc[0]
    left.scatter(
        np.nan_to_num(best["agreement"]), np.nan_to_num(best["hour_ami"]), s=160, facecolors="none", edgecolors=GREY
    )
    finish(left, "agreement with other candidates (ARI)", "AMI with the hour, within stations", "circle: the best; K")
    legend(left)
    shown = table.head(_LISTED).iloc[::-1]
    labels = [f"{name}, K = {k}" for name, k in zip(shown["candidate"], shown["k"], strict=True)]
    colours = [CATEGORICAL[names.index(name) % len(CATEGORICAL)] for name in shown["candidate"]]
    right.barh(labels, shown["mean_rank"].fillna(0), color=colours)
    finish(right, "mean rank (less is better)", "", " + ".join(used) or "not ranked")
    return fig
