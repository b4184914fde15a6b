"""Stored numbers are finite."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class NotFiniteError(ValueError):
    """Values to be stored are NaN or infinite; the message says which."""


def check_finite(what: str, values: NDArray[np.floating[Any]], names: tuple[str, ...]) -> None:
    """Refuse values of shape (n, …) that are not finite; the first n names are those of the rows."""
    if row := first_not_finite(values):
        raise NotFiniteError(f"the {what} of {names[row - 1]} is not finite; nothing was written")


def first_not_finite(values: NDArray[np.floating[Any]]) -> int:
    """Return the number of the first row, counted from 1, that is not finite; 0 if all are."""
    # The difference of two finite values may be infinite; then each value is tested.
    with np.errstate(over="ignore", invalid="ignore"):
        if not values.size or np.isfinite(values.max() - values.min()):
            return 0
    bad = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
    return int(bad[0]) + 1 if bad.size else 0
