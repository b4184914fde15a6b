"""Figure of the spectra that the centroids of clusters stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.palette import MARKERS, cluster_style
from ris_core.figures.style import TICK, FloatArray, finish, new_figure, no_data

_LINES = ("-", "--", ":", "-.")


def centroid_spectra(
    spectra: FloatArray,
    frequency: FloatArray,
    sizes: NDArray[np.integer[Any]],
    *,
    title: str = "Spectra of the centroids",
    names: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
    components: Sequence[str] = (),
) -> Figure:
    """Draw the spectrum of each cluster's centroid; of several components one panel for each.

    Parameters
    ----------
    spectra : (K, frequency) or (K, components, frequency) array
        dB above the mean noise spectrum.
    frequency : (frequency,) array
        Hz.
    sizes : (K,) array of int
        Number of events of each cluster; empty clusters are left out.
    title : str
    names : sequence of K str, optional
        Names of the clusters; by default their numbers.
    numbers : sequence of K int, optional
        Numbers of the clusters, which give them their colours; by default from 0.
    components : sequence of str
        Letters of the components, if there are several.
    """
    panels = spectra[:, None] if spectra.ndim == 2 else spectra
    if panels.shape[-1] != len(frequency) or len(panels) != len(sizes):
        raise ValueError(f"spectra {spectra.shape} for {len(sizes)} clusters and {len(frequency)} frequencies")
    if not np.any(sizes):
        return no_data(title, "no clusters")
    fig = new_figure(3.4 * panels.shape[1] + 2.0, 3.4, title)
    styled = range(len(panels)) if numbers is None else numbers
    called = [str(label) for label in styled] if names is None else names
    letters = components if len(components) == panels.shape[1] > 1 else [""] * panels.shape[1]
    drawn = fig.subplots(1, panels.shape[1], squeeze=False, sharey=True)[0]
    for number, (axes, letter) in enumerate(zip(drawn, letters, strict=True)):
        for label in np.flatnonzero(sizes).tolist():
            colour, marker = cluster_style(styled[label])
            style: dict[str, Any] = {"color": colour, "ls": _LINES[MARKERS.index(marker)], "lw": 1.4}
            axes.plot(frequency, panels[label, number], label=called[label] if number == 0 else None, **style)
        axes.set_xlim(float(frequency[0]), float(frequency[-1]))
        axes.grid(True, color="#e6e6e6", lw=0.6)
        finish(axes, "frequency (Hz)", "dB above the noise" if number == 0 else "", letter)
    fig.legend(loc="outside right upper", title="label", fontsize=TICK, frameon=False)
    return fig
