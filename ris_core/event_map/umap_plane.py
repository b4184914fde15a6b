"""UMAP of many events: fitted to a sample, beside which the others are placed."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
from numpy.typing import NDArray

from ris_core.config import EventMapSettings
from ris_core.progress import track

_AT_ONCE = 10_000

Floats = NDArray[np.float32]


class EventMapError(ValueError):
    """The map cannot be made by this method; the message says why, and what to do."""


def umap_plane(z: Floats, settings: EventMapSettings) -> tuple[Floats, int]:
    """Return rows (N, D) in the plane by UMAP, (N, 2), and how many of them it was fitted to.

    The same rows, settings and version of umap-learn give the same map. McInnes, Healy & Melville 2018, arXiv
    1802.03426.

    Raises
    ------
    EventMapError
        umap-learn is not installed, there are too few events, or it gives places that are not finite.
    """
    n = len(z)
    if n <= settings.neighbours + 1:
        raise EventMapError(
            f"{n} labelled events are too few for UMAP of {settings.neighbours} neighbours; set event_map.method: pca"
        )
    try:
        # Its import takes seconds, and it is not among the dependencies: a name that tools do not follow.
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise EventMapError(
            f"umap-learn cannot be imported ({error}); install the extra umap, or set event_map.method: pca"
        ) from error
    drawn = np.sort(np.random.default_rng(settings.seed).permutation(n)[: settings.sample])
    found = np.empty((n, 2), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and that a graph is not connected
        fitted = umap.UMAP(
            n_neighbors=min(settings.neighbours, len(drawn) - 1),
            min_dist=settings.min_dist,
            n_components=2,
            random_state=settings.seed,
            n_jobs=1,
        ).fit(z[drawn])
        found[drawn] = fitted.embedding_
        others = np.setdiff1d(np.arange(n), drawn, assume_unique=True)
        for start in track(range(0, len(others), _AT_ONCE), "map of events", unit="block"):
            rows = others[start : start + _AT_ONCE]
            found[rows] = fitted.transform(z[rows])
    if not np.isfinite(found).all():
        raise EventMapError("UMAP gave places that are not finite; set event_map.method: pca")
    return found, len(drawn)
