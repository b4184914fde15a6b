"""How long each number of clusters lives in the tree of a consensus."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ris_core.figures.style import BLUE, ORANGE, finish, new_figure, no_data

_TITLE = "Lifetimes in the tree of the consensus"


def lifetime_curve(lifetimes: Mapping[int, float], k: int | None = None) -> Figure:
    """Draw the lifetime of each number of clusters K.

    Parameters
    ----------
    lifetimes
        Lifetime by K, in units of co-association: between 0 and 1.
    k
        The K that is marked, if it is among them.
    """
    if not lifetimes:
        return no_data(_TITLE)
    fig = new_figure(6.0, 3.2, _TITLE if k is None else f"{_TITLE}; orange: K = {k}")
    axes = fig.subplots()
    counts = list(lifetimes)
    axes.bar(counts, list(lifetimes.values()), color=[ORANGE if n == k else BLUE for n in counts])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    finish(axes, "number of clusters K", "lifetime (co-association)")
    return fig
