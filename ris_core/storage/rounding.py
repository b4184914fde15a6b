"""Rounding of mantissas, which makes noisy values compressible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEPT_BITS = 17
LARGEST_RELATIVE_ERROR = 2.0 ** -(KEPT_BITS + 1)
_MANTISSA = 23


def round_mantissa(values: NDArray[np.float32], bits: int = KEPT_BITS) -> NDArray[np.float32]:
    """Return the values rounded to the nearest numbers with ``bits`` explicit bits of mantissa.

    The relative error is at most 2^-(bits + 1) for normal numbers; rounding again changes nothing. The zeros at the end
    of each number make noisy values compressible.

    Parameters
    ----------
    values
        Any shape, float32. They are not changed.
    bits
        1 to 22.

    References
    ----------
    Klöwer et al. (2021), Compressing atmospheric data into its real information content, Nature Computational Science,
    10.1038/s43588-021-00156-2 ("BitRound").
    """
    if not 1 <= bits < _MANTISSA:
        raise ValueError(f"bits={bits}: a float32 can be rounded to 1 to {_MANTISSA - 1} bits of mantissa")
    dropped = _MANTISSA - bits
    rounded = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) + np.uint32(1 << (dropped - 1))
    rounded &= np.uint32(2**32 - (1 << dropped))
    result = rounded.view(np.float32)
    # The carry would turn the greatest numbers into infinity, and some NaN into zero.
    if values.size and not np.isfinite(result.max() - result.min()):
        np.copyto(result, values, where=~(np.isfinite(values) & np.isfinite(result)))
    return result
