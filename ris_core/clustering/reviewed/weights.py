"""How many of all events each reviewed event stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def standing_for(z: NDArray[Any], audit: NDArray[np.bool_], population: NDArray[Any] | None) -> NDArray[np.float64]:
    """Return the weight (n,) of each reviewed event, with the mean 1.

    Parameters
    ----------
    z, audit
        Features (n, D) of the reviewed events, and whether they are audits.
    population
        (N, D) of all events; none if they are not known.
    """
    return np.ones(len(z))
