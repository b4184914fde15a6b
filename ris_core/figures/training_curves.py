"""Figures of training: loss curves, reconstructions, and the course of deep embedded clustering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ris_core.figures.spectrogram import by_component, draw_spectrogram
from ris_core.figures.style import (
    BLUE,
    GREEN,
    GREY,
    LABEL,
    ORANGE,
    TICK,
    VERMILLION,
    FloatArray,
    finish,
    legend,
    new_figure,
    no_data,
    require_columns,
)

_FLOOR_STYLES = (("#000000", "--"), (GREY, "-."), ("#CC79A7", ":"), (GREEN, "--"))


def loss_curves(
    history: pd.DataFrame, floors: Mapping[str, float] | None = None, title: str = "Autoencoder: mean squared error"
) -> Figure:
    """Draw training and validation error over the epochs, on a logarithmic scale.

    Parameters
    ----------
    history : DataFrame
        Columns `epoch`, `train_mse`, `val_mse`; one row per epoch.
    floors : mapping of str to float
        Errors of simple predictors to compare with, by name, such as the mean spectrogram.
    title : str
    """
    require_columns(history, ("epoch", "train_mse", "val_mse"), "history")
    if history.empty:
        return no_data(title, "no epoch has ended")
    fig = new_figure(7.0, 4.2, title)
    axes = fig.subplots()
    epoch, validation = history["epoch"].to_numpy(float), history["val_mse"].to_numpy(float)
    axes.plot(epoch, history["train_mse"], color=BLUE, marker=_marker(history), ms=3.5, lw=1.5, label="training")
    axes.plot(epoch, validation, color=VERMILLION, marker=_marker(history), ms=3.5, lw=1.5, label="validation")
    if np.isfinite(validation).any():
        best = int(np.nanargmin(validation))
        axes.plot(
            epoch[best],
            validation[best],
            "o",
            ms=9,
            mfc="none",
            color=VERMILLION,
            label=f"least validation: {validation[best]:.2e} (epoch {epoch[best]:.0f})",
        )
    for number, (name, value) in enumerate((floors or {}).items()):
        colour, line = _FLOOR_STYLES[number % len(_FLOOR_STYLES)]
        axes.axhline(value, color=colour, ls=line, lw=1.2, label=f"{name}: {value:.2e}")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, which="both", axis="y", color="#e6e6e6", lw=0.6)
    finish(axes, "epoch", "mean squared error per pixel\n(unit-norm spectrograms)")
    fig.legend(loc="outside lower center", ncols=2, fontsize=TICK, frameon=False)
    return fig


def reconstructions(
    x: FloatArray,
    latent: FloatArray,
    x_hat: FloatArray,
    frequency: FloatArray,
    time: FloatArray,
    *,
    title: str = "Input, latent vector, reconstruction",
    components: Sequence[str] = (),
) -> Figure:
    """Draw inputs (top), their latent vectors (middle) and their reconstructions (bottom), one column each.

    Parameters
    ----------
    x, x_hat : (n, frequency, time) or (n, components, frequency, time) arrays
        Normalised spectrograms and their reconstructions; the first six are drawn.
    latent : (n, d) array
    frequency : (frequency,) array
        Hz.
    time : (time,) array
        s.
    title : str
    components : sequence of str
        Letters of the components, if there are several; each has a row of its own.
    """
    x, x_hat = (by_component(v, frequency, time, name, components) for v, name in ((x, "x"), (x_hat, "x_hat")))
    if not len(x) == len(latent) == len(x_hat):
        raise ValueError(
            f"x, latent and x_hat have {len(x)}, {len(latent)} and {len(x_hat)} rows; the numbers must be equal"
        )
    n = min(len(x), 6)
    if n == 0:
        return no_data(title, "no events")
    several = x.shape[1]
    fig = new_figure(1.55 * n + 1.5, 5.0 if several == 1 else 2.0 + 2.4 * several, title)
    grid = fig.subplots(2 * several + 1, n, squeeze=False, height_ratios=(*[3] * several, 1.5, *[3] * several))
    top = max(float(np.max(latent[:n])), 1e-12)
    for column in range(n):
        greatest = max(float(np.max(x[column])), 1e-300)
        upper, middle, lower = grid[:several, column], grid[several, column], grid[several + 1 :, column]
        for axes, values in zip((*upper, *lower), (*x[column], *x_hat[column]), strict=True):
            image = draw_spectrogram(axes, values / greatest, frequency, time, (0.0, 1.0))
            finish(axes)
            axes.tick_params(labelbottom=axes is lower[-1], labelleft=column == 0)
        middle.bar(np.arange(latent.shape[1]), latent[column], color=BLUE)
        middle.set_ylim(min(0.0, 1.05 * float(np.min(latent[:n]))), 1.05 * top)
        middle.set_xticks([0, latent.shape[1] - 1])
        error = float(np.mean((np.asarray(x[column], float) - x_hat[column]) ** 2))
        finish(middle)
        middle.tick_params(labelleft=column == 0)
        upper[0].set_title(f"event {column + 1}", fontsize=LABEL)
        lower[0].set_title(f"MSE {error:.1e}", fontsize=TICK)
        lower[-1].set_xlabel("time (s)", fontsize=LABEL)
    letters = [f" {letter}" for letter in components] if several > 1 else [""]
    inputs, outputs = ([f"{what}{n}\nfrequency (Hz)" for n in letters] for what in ("input", "reconstruction"))
    for axes, label in zip(grid[:, 0], (*inputs, "latent\nvalue", *outputs), strict=True):
        axes.set_ylabel(label, fontsize=LABEL)
    pictures = np.delete(grid, several, axis=0).ravel().tolist()
    bar = fig.colorbar(image, ax=pictures, shrink=0.7, pad=0.01)
    bar.set_label("PSD / the input's maximum", fontsize=LABEL)
    bar.ax.tick_params(labelsize=TICK)
    return fig


def dec_history(
    history: pd.DataFrame,
    tolerance: float | None = None,
    gamma: float | None = None,
    title: str = "Deep embedded clustering",
) -> Figure:
    """Draw reconstruction error, clustering loss and label change over the updates of the target distribution.

    Parameters
    ----------
    history : DataFrame
        One row per update: `mse` (absent if no decoder was trained), `kl` (KL divergence of P from Q per event) and
        `label_change` (fraction of events whose label changed since the last update; NaN for the first). The
        horizontal axis is the column `update` if there is one, else `epoch`, else the row's number.
    tolerance : float
        Training stops below this label change.
    gamma : float
        Weight of the clustering loss; if given, gamma x KL is drawn beside the MSE, the other term of the loss.
    title : str
    """
    require_columns(history, ("kl", "label_change"), "history")
    if history.empty:
        return no_data(title, "no update has been made")
    name = next((c for c in ("update", "epoch") if c in history), None)
    x = history[name].to_numpy(float) if name else np.arange(1, len(history) + 1, dtype=float)
    label, marker = name or "update", _marker(history)
    panels = 3 if "mse" in history else 2
    fig = new_figure(3.0 * panels, 3.3, title)
    *first, divergence, change = fig.subplots(1, panels)
    for loss in first:
        loss.plot(x, history["mse"], color=BLUE, marker=marker, ms=3.5, label="MSE")
        if gamma is not None:
            loss.plot(x, gamma * history["kl"], color=ORANGE, marker=marker, ms=3.5, label=f"γ·KL, γ = {gamma:.3g}")
        _logarithmic(loss)
        legend(loss)
        what = "mean squared error per pixel" if gamma is None else "term of the loss (MSE per pixel)"
        finish(loss, label, what, "Reconstruction" if gamma is None else "Terms of the loss")
    divergence.plot(x, history["kl"], color=ORANGE, marker=marker, ms=3.5)
    percent = 100 * history["label_change"].to_numpy(float)
    change.plot(x, percent, color=VERMILLION, marker=marker, ms=3.5)
    if tolerance is not None:
        change.axhline(100 * tolerance, color="black", ls="--", lw=1, label=f"stops below {100 * tolerance:g} %")
        legend(change)
    if np.nanmax(percent, initial=0.0) > 0:
        change.set_yscale("symlog", linthresh=0.1)
        change.set_ylim(0, 2 * np.nanmax(percent))
    finish(divergence, label, "KL(P‖Q) per event (nat)", "Clustering loss")
    finish(change, label, "labels changed (%)", "Label change")
    for axes in (*first, divergence, change):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.grid(True, axis="y", color="#e6e6e6", lw=0.6)
    return fig


def _marker(history: pd.DataFrame) -> str:
    return "o" if len(history) <= 40 else ""


def _logarithmic(axes: Axes) -> None:
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    if (values > 0).any():
        axes.set_yscale("log")
