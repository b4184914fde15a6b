"""Doubts about an autoencoder that may be used: a person reads them and decides."""

from __future__ import annotations

from collections.abc import Mapping


def aec_doubts(metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return what speaks against an autoencoder: principal components, as many as it has latents, do better.

    Parameters
    ----------
    metrics
        `val_mse` and `pca9_mse` (of the same validation set); without them nothing is known and nothing said.
    """
    mse, floor = metrics.get("val_mse"), metrics.get("pca9_mse")
    if mse is None or floor is None or mse < floor:
        return ()
    return (f"its validation MSE {mse:.3g} is not below that of 9 principal components, {floor:.3g}",)
