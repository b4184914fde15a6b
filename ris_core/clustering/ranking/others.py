"""How far each partition agrees with those of other families: what several methods find alike is less likely chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.agreement import pairwise_ari
from ris_core.clustering.ranking.partition import Partition, families


def agreement_with_others(partitions: Sequence[Partition]) -> NDArray[np.float64]:
    """Return how far each of P partitions agrees with the other families (P,); NaN if there is one family alone.

    It is the mean over the other families of the mean ARI (`agreement.pairwise_ari`) with their partitions. So every
    other family counts the same, however many K it was trained for, and no family counts for its own members:
    agreement of a method with itself at another K says nothing.
    """
    return by_family(pairwise_ari([one.labels for one in partitions]), partitions)


def by_family(ari: NDArray[np.float64], partitions: Sequence[Partition]) -> NDArray[np.float64]:
    """Return the mean over the other families of the mean ARI (P, P) with their members (P,); see above."""
    groups = families(partitions)
    with_family = np.stack([ari[:, members].mean(axis=1) for members in groups.values()], axis=1)
    own = np.array([list(groups).index(one.candidate) for one in partitions])
    with_family[np.arange(len(partitions)), own] = np.nan
    if len(groups) < 2:
        return np.full(len(partitions), np.nan)
    return np.asarray(np.nanmean(with_family, axis=1), dtype=np.float64)
