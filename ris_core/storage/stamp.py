"""What every product says of its making: settings, step version, input and content."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xxhash


@dataclass(frozen=True)
class Stamp:
    """Provenance of a file.

    Attributes
    ----------
    settings
        Digest of the settings sections that made it.
    version
        Version of the step, raised by hand when its results change.
    inputs
        Digest of what it was made from.
    """

    settings: str
    version: str
    inputs: str

    def as_dict(self) -> dict[str, str]:
        """Return the stamp as plain strings."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, values: Any) -> Stamp | None:
        """Read a stamp from a mapping of strings; none if a part is absent."""
        try:
            return cls(str(values["settings"]), str(values["version"]), str(values["inputs"]))
        except KeyError:
            return None


def digest_of_arrays(*arrays: np.ndarray[Any, Any]) -> str:
    """Return the first 12 hexadecimal digits of an XXH3-128 over shapes, types and values."""
    digest = ArraysDigest()
    for array in arrays:
        digest.begin(array.shape, array.dtype)
        digest.update(array)
    return digest.text()


class ArraysDigest:
    """The digest of arrays that come piece by piece; see `digest_of_arrays`."""

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()

    def begin(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Begin the next array."""
        self._hash.update(f"{shape} {dtype.str}".encode())

    def update(self, piece: np.ndarray[Any, Any]) -> None:
        """Take in the next rows of the array."""
        self._hash.update(np.ascontiguousarray(piece).data)

    def text(self) -> str:
        """Return the first 12 hexadecimal digits."""
        return self._hash.hexdigest()[:12]
