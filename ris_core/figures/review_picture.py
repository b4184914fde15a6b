"""The picture of an event to be reviewed: its context and spectrogram, beside reviewed events that resemble it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max
from ris_core.figures.spectrogram import draw_spectrogram
from ris_core.figures.style import BLUE, LABEL, FloatArray, colour_bar, finish, new_figure


def review_picture(
    spectrograms: Sequence[FloatArray],
    titles: Sequence[str],
    frequency: FloatArray,
    time: FloatArray,
    samples: FloatArray,
    seconds: FloatArray,
    *,
    title: str,
    components: Sequence[str] = (),
) -> Figure:
    """Draw an event's samples above a row of spectrograms: the event itself, then others.

    Parameters
    ----------
    spectrograms : sequence of (frequency, time) or (components, frequency, time) arrays
        Linear power; the first is that of the event.
    titles : sequence of str
        One for each.
    frequency, time : arrays
        Hz; s from the first column.
    samples : (samples,) array
        Of the event's context, or of its window if it has none.
    seconds : (samples,) array
        Times of the samples on the axis of the spectrogram, s.
    title : str
    components : sequence of str
        Letters of the components, if there are several; one row for each.
    """
    if len(titles) != len(spectrograms) or not len(spectrograms):
        raise ValueError(
            f"{len(spectrograms)} spectrograms and {len(titles)} titles; one of each is needed, at least one"
        )
    of_events = [decibels_below_max(np.atleast_3d(s.T).T if s.ndim == 2 else s) for s in spectrograms]
    rows = len(of_events[0])
    fig = new_figure(2.6 * max(len(of_events), 2) + 0.8, 1.6 + 2.0 * rows, title)
    grid = fig.add_gridspec(rows + 1, len(of_events), height_ratios=[1.0, *[1.6] * rows])
    top = fig.add_subplot(grid[0, :])
    top.plot(seconds, samples, color=BLUE, linewidth=0.6)
    top.axvspan(float(time[0]), float(time[-1]), color="#e8e8e8", zorder=0)
    top.margins(x=0)
    finish(top, "time from the window's first column (s); the window is grey", "amplitude")
    image, axes = None, top
    for column, (name, event) in enumerate(zip(titles, of_events, strict=True)):
        for row, values in enumerate(event):
            axes = fig.add_subplot(grid[row + 1, column])
            image = draw_spectrogram(axes, values, frequency, time, (-DYNAMIC_RANGE_DB, 0.0))
            letter = f" {components[row]}" if len(components) > 1 else ""
            finish(axes, "time (s)" if row == rows - 1 else "", f"frequency (Hz){letter}" if column == 0 else "")
            if row == 0:
                axes.set_title(name, fontsize=LABEL)
    if image is not None:
        colour_bar(fig, image, axes, "dB re maximum")
    return fig
