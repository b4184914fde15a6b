"""The portrait of one class: centroid, mean and members from near to far, each with features, spectrogram and trace.

As in the published gallery (Jenkins et al. 2021, doi 10.1029/2021JB021716).
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max
from ris_core.figures.spectrogram import draw_spectrogram
from ris_core.figures.style import BLUE, GREY, LABEL, TICK, FloatArray, finish, new_figure, no_data

_FEATURES = "PuOr"


def class_portrait(
    spectrograms: FloatArray,
    traces: FloatArray,
    frequency: FloatArray,
    time: FloatArray,
    *,
    mean: FloatArray,
    decoded: FloatArray | None = None,
    features: FloatArray | None = None,
    centre: FloatArray | None = None,
    distance: FloatArray | None = None,
    title: str = "Class",
    unit: str = "counts",
) -> Figure:
    """Draw a class: its decoded centroid, the mean of its events, and members from near to far.

    Each column has a strip of features above, then the spectrogram, and below it the trace. Each spectrogram is in
    decibels below its own maximum.

    Parameters
    ----------
    spectrograms : (n, frequency, time) array
        Linear power of the members, from near to far.
    traces : (n, samples) array
        Their samples behind the spectrogram.
    frequency, time : arrays
        Hz; s from the first column.
    mean : (frequency, time) array
        Mean of the class's events, each divided by its maximum.
    decoded : (frequency, time) array, optional
        What the model's decoder makes of the centroid, in decibels below its maximum; models without a decoder have
        none.
    features : (n, D) array, optional
        Features of the members, standardised: colours are those of −3 to 3.
    centre : (D,) array, optional
        Centre of the class in them.
    distance : (n,) array, optional
        Distance of the members to the centre.
    title, unit : str
        Of the figure; of the traces.
    """
    if not len(spectrograms):
        return no_data(title, "no member of this class can be drawn")
    if not len(spectrograms) == len(traces):
        raise ValueError(f"{len(spectrograms)} spectrograms and {len(traces)} traces; one of each is needed")
    heads: list[tuple[str, FloatArray, FloatArray | None, FloatArray | None]] = []
    if decoded is not None:
        heads.append(("centroid,\ndecoded", decoded, centre, None))
    heads.append(("mean", decibels_below_max(mean), None if decoded is not None else centre, None))
    for number in range(len(spectrograms)):
        strip = None if features is None else features[number]
        heads.append((_heading(number, len(spectrograms), distance), decibels_below_max(spectrograms[number]), strip,
                      traces[number]))  # fmt: skip
    fig = new_figure(1.25 * len(heads) + 1.2, 3.5, title)
    grid = fig.add_gridspec(3, len(heads), height_ratios=[0.16, 1.0, 0.55])
    image, panels = None, list[Axes]()
    for column, (name, picture, strip, trace) in enumerate(heads):
        _strip(fig.add_subplot(grid[0, column]), strip, name)
        axes = fig.add_subplot(grid[1, column])
        image = draw_spectrogram(axes, picture, frequency, time, (-DYNAMIC_RANGE_DB, 0.0))
        finish(axes, "", "frequency (Hz)" if column == 0 else "")
        axes.tick_params(labelbottom=False, labelleft=column == 0)
        panels.append(axes)
        below = fig.add_subplot(grid[2, column])
        _trace(below, trace, time, unit)
    if image is not None:
        bar = fig.colorbar(image, ax=panels, pad=0.01, aspect=25)
        bar.set_label("dB re maximum", fontsize=TICK)
        bar.ax.tick_params(labelsize=TICK)
    return fig


def _heading(number: int, count: int, distance: FloatArray | None) -> str:
    name = "nearest" if number == 0 else "farthest" if number == count - 1 else "→"
    return name if distance is None or not np.isfinite(distance[number]) else f"{name}\n{distance[number]:.3g}"


def _strip(axes: Axes, values: FloatArray | None, name: str) -> None:
    axes.set_title(name, fontsize=LABEL)
    axes.set_xticks([])
    axes.set_yticks([])
    if values is None:
        axes.set_axis_off()
        return
    scaled = np.asarray(values, float)
    axes.imshow(scaled[None], aspect="auto", interpolation="nearest", cmap=_FEATURES, vmin=-3, vmax=3)


def _trace(axes: Axes, samples: FloatArray | None, time: FloatArray, unit: str) -> None:
    if samples is None:
        axes.set_axis_off()
        return
    step = (time[-1] - time[0]) / max(len(time) - 1, 1)
    seconds = np.linspace(time[0] - step / 2, time[-1] + step / 2, len(samples))
    axes.plot(seconds, samples, color=BLUE, lw=0.5)
    greatest = float(np.max(np.abs(samples), initial=0.0))
    axes.set_ylim(-1.05 * greatest or -1, 1.05 * greatest or 1)
    axes.set_xlim(seconds[0], seconds[-1])
    axes.set_yticks([])
    axes.tick_params(labelsize=TICK)
    axes.set_xlabel("s", fontsize=TICK)
    axes.text(0.98, 0.97, f"{greatest:.3g} {unit}", transform=axes.transAxes, ha="right", va="top", fontsize=6.5)
    axes.axhline(0, color=GREY, lw=0.3)
