"""The partitions that vote in a consensus: of which algorithms, and which were left out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.consensus.algorithms import ALGORITHMS
from ris_core.config import ConsensusSettings
from ris_core.threads import one_thread

logger = logging.getLogger(__name__)

_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What numerical libraries raise for values that they cannot use. `LinAlgError` and `ArpackError` are among them."""


class NoConsensusError(ValueError):
    """There are too few partitions for a consensus. The message says why, and what to do."""


@dataclass(frozen=True, eq=False)
class Votes:
    """Partitions of the same n events.

    Attributes
    ----------
    partitions
        Labels (P, n), int16; an event with a negative label is in no cluster.
    algorithms
        The algorithm of each of the P partitions.
    names
        What each partition is called.
    left_out
        Which algorithms and partitions were left out, and why.
    """

    partitions: NDArray[np.int16] = field(repr=False)
    algorithms: tuple[str, ...]
    names: tuple[str, ...]
    left_out: tuple[str, ...]


def vote(z: NDArray[Any], settings: ConsensusSettings, seed: int) -> Votes:
    """Return the partitions of features (n, D) by the algorithms of the settings, on one thread.

    An algorithm or a partition that cannot be computed is left out, and that is said.

    Raises
    ------
    NoConsensusError
        Fewer than two algorithms remain.
    """
    values = np.ascontiguousarray(z, dtype=np.float64)
    found: list[NDArray[np.int16]] = []
    algorithms: list[str] = []
    names: list[str] = []
    left_out: list[str] = []
    with one_thread():  # with more threads, the order of sums and with it the last digits depend on timing
        for algorithm in settings.members:
            try:
                for name, labels in ALGORITHMS[algorithm](values, settings, seed):
                    try:
                        found.append(np.asarray(labels(), dtype=np.int16))
                    except _FAILURES as error:
                        left_out.append(f"{algorithm}, {name}: {error}")
                        continue
                    algorithms.append(algorithm)
                    names.append(name)
            except _FAILURES as error:
                left_out.append(f"{algorithm}: {error}")
    for reason in left_out:
        logger.warning("left out of the consensus: %s", reason)
    if len(set(algorithms)) < 2:
        raise NoConsensusError(
            f"a consensus needs two algorithms or more, but of {len(values)} events there are partitions by "
            f"{', '.join(sorted(set(algorithms))) or 'none'} (left out: {'; '.join(left_out) or 'nothing'}); name more "
            "members, take smaller member_k, or draw a larger training set"
        )
    return Votes(np.stack(found), tuple(algorithms), tuple(names), tuple(left_out))
