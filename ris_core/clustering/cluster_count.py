"""How many clusters: criteria over K, and the K that each of them names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.agreement import bootstrap_stability
from ris_core.clustering.gap import Reference, gap_statistic
from ris_core.clustering.initialise import fit_gmm, kmeans
from ris_core.clustering.scores import silhouettes, subsample
from ris_core.progress import track
from ris_core.training.floors import live_dimensions

REFERENCES: tuple[Reference, ...] = ("box", "pca")


def cluster_count(z: NDArray[Any], settings: config.ClusterCountSettings) -> pd.DataFrame:
    """Compute criteria for every K from `k_min` to `k_max`.

    Dimensions of the latents or features (N, D) that do not vary are left out. The inertia is that of k-means on all N;
    everything else is of at most `sample` of them, drawn with `seed`. The GMM has full covariances and starts from
    k-means.

    Returns
    -------
    DataFrame
        Index `k`; if `k_min` is 2 there is a row for 1, no clusters, with the criteria that are defined for it.

        `inertia`, k-means' sum of squared distances; `silhouette`, the mean for k-means' labels;
        `gap_box`, `gap_pca`, `gap_box_s`, `gap_pca_s` and `gap_box_margin`, `gap_pca_margin` (see `gap_statistic`; the
        margin of `k_max` needs the gap of `k_max` + 1, which is computed for it alone);
        `gmm_bic`, `gmm_aic` (lower is better) and `reg_covar`, what is added to the GMM's variances;
        `stability` (see `bootstrap_stability`); `sample`, the number of latents drawn.

    Raises
    ------
    ValueError
        There are fewer distinct events than `k_max`, a latent is not finite, or none varies.
    """
    z = np.asarray(z, dtype=np.float64)
    rows = subsample(len(z), settings.sample, settings.seed)
    live = live_dimensions(z[rows])
    if not live.any():
        raise ValueError(f"none of the {z.shape[1]} dimensions varies over {len(rows)} events: no clusters")
    z = z[:, live]
    drawn, everything = z[rows], len(rows) == len(z)
    counts = range(1 if settings.k_min == 2 else settings.k_min, settings.k_max + 1)
    found: dict[int, dict[str, float]] = {}
    partitions = {}
    for k in track(counts, "Cluster count", unit="K"):
        partition = kmeans(z, k, settings.n_init, settings.seed)
        start = partition if everything else kmeans(drawn, k, settings.n_init, settings.seed)
        mixture = fit_gmm(drawn, start)
        partitions[k] = partition.labels[rows]
        found[k] = {
            "inertia": partition.inertia,
            "gmm_bic": float(mixture.bic(drawn)),
            "gmm_aic": float(mixture.aic(drawn)),
            "reg_covar": float(mixture.reg_covar),
            "stability": _stability(drawn, k, settings),
        }
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis("k")
    table.insert(1, "silhouette", silhouettes(drawn, [partitions[k] for k in counts]).mean(axis=1))
    at = 2
    for reference in REFERENCES:
        compared = range(counts[0], min(settings.k_max + 1, len(np.unique(drawn, axis=0))) + 1)
        gap = gap_statistic(drawn, compared, reference, settings.references, settings.repeat_n_init, settings.seed)
        for suffix, values in (("", gap.gap), ("_s", gap.s), ("_margin", gap.margin)):
            table.insert(at, f"gap_{reference}{suffix}", values[: len(table)])
            at += 1
    return table.assign(sample=len(drawn))


def _stability(drawn: NDArray[np.float64], k: int, settings: config.ClusterCountSettings) -> float:
    # One cluster is always the same one.
    if k == 1:
        return float("nan")
    return bootstrap_stability(drawn, k, settings.repeats, settings.repeat_n_init, settings.seed)


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


def named_by_gap(margin: pd.Series[float]) -> int | None:
    """Return the smallest K (index) of a margin of 0 or more, see `Gap.margin`; none if there is none."""
    passing = margin.index[margin.to_numpy(dtype=float) >= 0]
    return int(passing[0]) if len(passing) else None


def suggested(table: pd.DataFrame) -> dict[str, int | None]:
    """Return the K that each criterion of `cluster_count` names; None if it names none.

    `inertia`: the elbow over K of 2 or more (see `inertia_elbow`); `silhouette`: the maximum; `gap_box`, `gap_pca`: the
    smallest K with Gap(K) ≥ Gap(K + 1) − s(K + 1), 1 if there are no clusters; `gmm_bic`, `gmm_aic`: the minimum;
    `stability`: the maximum, the greatest K if several reach it.
    """

    def greatest(values: pd.Series[float]) -> int | None:
        values = values.dropna()
        return None if values.empty else int(values.index.to_numpy()[int(values.to_numpy().argmax())])

    return {
        "inertia": inertia_elbow(table["inertia"][table.index >= 2]),
        "silhouette": greatest(table["silhouette"]),
        "gap_box": named_by_gap(table["gap_box_margin"]),
        "gap_pca": named_by_gap(table["gap_pca_margin"]),
        "gmm_bic": greatest(-table["gmm_bic"]),
        "gmm_aic": greatest(-table["gmm_aic"]),
        "stability": greatest(table["stability"][::-1]),
    }
