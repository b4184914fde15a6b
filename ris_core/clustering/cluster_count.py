"""How many clusters: criteria over K, and the K that each of them names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.initialise import fit_gmm, kmeans
from ris_core.clustering.scores import silhouette, subsample
from ris_core.progress import track
from ris_core.training.floors import live_dimensions


def cluster_count(z: NDArray[Any], settings: config.ClusterCount) -> pd.DataFrame:
    """Compute criteria for every K from `k_min` to `k_max`.

    k-means runs on all latents (N, D); silhouette and GMM on at most `sample` of them, drawn with `seed`. The GMM has
    full covariances over the dimensions that vary and starts from a k-means of its sample.

    Returns
    -------
    DataFrame
        Index `k`; columns `inertia` (k-means, sum of squared distances), `silhouette` (of the k-means labels),
        `gmm_bic`, `gmm_aic` (lower is better) and `sample` (latents behind silhouette and GMM).

    Raises
    ------
    ValueError
        There are fewer distinct events than `k_max`, or a latent is not finite.
    """
    z = np.asarray(z, dtype=np.float64)
    drawn = z[subsample(len(z), settings.sample, settings.seed)]
    live = live_dimensions(drawn)
    if not live.any():
        raise ValueError(f"none of the {z.shape[1]} latent dimensions varies over {len(drawn)} events: no clusters")
    rows = []
    for k in track(range(settings.k_min, settings.k_max + 1), "Cluster count", unit="K"):
        partition = kmeans(z, k, settings.n_init, settings.seed)
        mixture = fit_gmm(drawn[:, live], kmeans(drawn[:, live], k, settings.n_init, settings.seed))
        rows.append(
            {
                "k": k,
                "inertia": partition.inertia,
                "silhouette": silhouette(z, partition.labels, settings.sample, settings.seed),
                "gmm_bic": float(mixture.bic(drawn[:, live])),
                "gmm_aic": float(mixture.aic(drawn[:, live])),
                "sample": len(drawn),
            }
        )
    return pd.DataFrame(rows).set_index("k")


def inertia_elbow(inertia: pd.Series[float]) -> int | None:
    """Return the K where the inertia bends most: farthest below the chord from the first K to the last.

    Both axes are scaled to 0 ... 1 (Satopää et al. 2011). None if there are fewer than three K or no bend.
    """
    k, values = inertia.index.to_numpy(dtype=float), inertia.to_numpy(dtype=float)
    if len(k) < 3 or values[0] <= values[-1]:
        return None
    along = (k - k[0]) / (k[-1] - k[0])
    down = (values[0] - values) / (values[0] - values[-1])
    best = int(np.argmax(down - along))
    return int(k[best]) if down[best] > along[best] else None


def suggested(table: pd.DataFrame) -> dict[str, int | None]:
    """Return the K that each criterion of `cluster_count` names; None where it names none.

    `inertia`: the elbow (see `inertia_elbow`); `silhouette`: the maximum; `gmm_bic`, `gmm_aic`: the minimum.
    """

    def at(values: pd.Series[float]) -> int | None:
        values = values.dropna()
        return None if values.empty else int(values.index.to_numpy()[int(values.to_numpy().argmax())])

    return {
        "inertia": inertia_elbow(table["inertia"]),
        "silhouette": at(table["silhouette"]),
        "gmm_bic": at(-table["gmm_bic"]),
        "gmm_aic": at(-table["gmm_aic"]),
    }
