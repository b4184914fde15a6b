"""An array in a file, to reorder more data than the memory can hold."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


class ScratchArray:
    """Float32 rows in a file, written in any order and read in pieces; a context that closes the file.

    Unlike the pages of a memory map, written data do not count as memory of this process.

    Parameters
    ----------
    path
        A new file.
    shape
        (N, ...); rows that were not written are zero.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._values = math.prod(shape[1:])
        self._file = path.open("x+b")
        self._file.truncate(4 * shape[0] * self._values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self.shape[0]

    def __setitem__(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        for row, value in zip(rows.tolist(), np.ascontiguousarray(values, np.float32), strict=True):
            self._file.seek(4 * row * self._values)
            self._file.write(value.data)

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        start, stop, _ = rows.indices(self.shape[0])
        self._file.seek(4 * start * self._values)
        found = np.fromfile(self._file, np.float32, max(0, stop - start) * self._values)
        return found.reshape(-1, *self.shape[1:])
