"""Digests of arrays: shapes, types and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash


def digest_of_arrays(*arrays: np.ndarray[Any, Any]) -> str:
    """Return the first 12 hexadecimal digits of an XXH3-128 over shapes, types and values."""
    digest = ArraysDigest()
    for array in arrays:
        digest.begin(array.shape, array.dtype)
        digest.update(array)
    return digest.text()


class ArraysDigest:
    """The digest of arrays that arrive piece by piece; see `digest_of_arrays`."""

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()

    def begin(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Begin the next array."""
        self._hash.update(f"{shape} {dtype.str}".encode())

    def update(self, piece: np.ndarray[Any, Any]) -> None:
        """Add the next rows of the array."""
        self._hash.update(np.ascontiguousarray(piece).data)

    def text(self) -> str:
        """Return the first 12 hexadecimal digits."""
        return self._hash.hexdigest()[:12]
