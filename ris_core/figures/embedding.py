"""Figure of latent space by t-SNE, which keeps neighbours together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core.figures.latent_space import scatter_labels
from ris_core.figures.style import BLUE, FloatArray, finish, new_figure, no_data

MOST_POINTS = 1000
_ITERATIONS = 500
_LEAST_POINTS = 10


def tsne(z: FloatArray, seed: int = 0, perplexity: float = 30.0) -> FloatArray:
    """Return vectors (n, D) in the plane, (n, 2), by t-SNE from their principal components (van der Maaten 2008).

    Perplexity is lowered for few vectors. The last ones are kept, since a candidate draws the same for each K.

    Raises
    ------
    ValueError
        There are fewer than ten vectors.
    """
    if len(z) < _LEAST_POINTS:
        raise ValueError(f"{len(z)} vectors; t-SNE needs {_LEAST_POINTS} or more")
    values = np.ascontiguousarray(z, dtype=float)
    return _tsne(values.tobytes(), values.shape, seed, perplexity).copy()


@lru_cache(maxsize=2)
def _tsne(values: bytes, shape: tuple[int, ...], seed: int, perplexity: float) -> FloatArray:
    # scikit-learn takes a second to load, and other figures do not need it.
    from sklearn.manifold import TSNE

    from ris_core.threads import one_thread

    z = np.frombuffer(values, dtype=float).reshape(shape)
    model = TSNE(2, init="pca", perplexity=min(perplexity, (len(z) - 1) / 3), max_iter=_ITERATIONS, random_state=seed)
    # One thread is as fast for so few points, and gives the same picture every time.
    with one_thread():
        return np.asarray(model.fit_transform(z), dtype=float)


def tsne_space(
    z: FloatArray,
    labels: NDArray[np.integer[Any]] | None = None,
    seed: int = 0,
    most_points: int = MOST_POINTS,
    title: str = "Latent space, t-SNE",
) -> Figure:
    """Draw a seeded sample of latent vectors in the plane by t-SNE.

    Parameters
    ----------
    z : (N, d) array
    labels : (N,) array of int, optional
        Cluster of each vector.
    seed : int
        Seed of the sample and of t-SNE.
    most_points : int
        Size of the sample.
    title : str
    """
    if labels is not None and len(labels) != len(z):
        raise ValueError(f"labels has {len(labels)} entries for {len(z)} rows of z")
    chosen = np.random.default_rng(seed).permutation(len(z))[:most_points]
    if len(chosen) < _LEAST_POINTS or not np.ptp(z[chosen], axis=0).any():
        return no_data(title, "too few events, or none of their latents varies")
    points = tsne(z[chosen], seed)
    sample = f"{len(chosen):,} of {len(z):,}" if len(chosen) < len(z) else f"{len(z):,}"
    fig = new_figure(6.8, 5.0, f"{title}: {sample} events")
    axes = fig.subplots()
    if labels is None:
        axes.plot(points[:, 0], points[:, 1], ".", ms=3, color=BLUE)
    else:
        scatter_labels(fig, axes, points, np.asarray(labels)[chosen], np.unique(labels))
    axes.set_aspect("equal", adjustable="datalim")
    finish(axes, "t-SNE 1 (neighbours matter, distances do not)", "t-SNE 2")
    return fig
