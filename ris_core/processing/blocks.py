"""Filters a long trace block by block in the frequency domain (overlap-save), from the differences of its samples.

The signal below the band, swell and tides of 10⁵ counts, is thousands of times larger than the signal in the band.
Differences of neighbouring samples are exact for integer counts and make this signal small before single precision
rounds it; the gain divides the difference out again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Fill = Callable[[NDArray[np.float32], int], None]

LARGEST_BLOCK = 4096
"""Samples that are transformed together, unless the filters ring for more than a quarter of them."""
_AT_ONCE = 16


@dataclass(frozen=True)
class Blocks:
    """The division of a trace of given length into blocks.

    Attributes
    ----------
    factor
        Input samples for each output sample.
    size
        Output samples of one block, including its guards.
    guard
        Output samples on each side of a block that are discarded, longer than the filters ring.
    count
        Number of blocks.
    """

    factor: int
    size: int
    guard: int
    count: int

    @classmethod
    def of(cls, samples: int, factor: int, guard: int) -> Blocks:
        """Return blocks for a number of samples; short traces have one short block."""
        out = -(-samples // factor)
        size = LARGEST_BLOCK
        while size < 4 * guard:
            size *= 2
        while size // 2 >= out + 2 * guard:
            size //= 2
        return cls(factor, size, guard, -(-out // (size - 2 * guard)))

    def frequencies(self, rate: float) -> NDArray[np.float64]:
        """Return the frequencies of the gains for output samples at a rate (Hz), shape (size // 2 + 1,)."""
        return np.asarray(fft.rfftfreq(self.size, 1 / rate), dtype=np.float64)

    def apply(self, fill: Fill, gains: Mapping[Hashable, NDArray[np.complex64]]) -> dict[Hashable, NDArray[np.float64]]:
        """Return one filtered trace for every gain, each with shape (count · (size − 2 guard),).

        Gains contain the filters, the sum that undoes the difference, and 1/factor. Decimation cuts the spectrum:
        everything above the new Nyquist frequency is left out. Filtering and dropping samples would fold back the part
        that the anti-alias filter lets through.

        Parameters
        ----------
        fill
            Writes the differences from an index of the trace on into an array.
        gains
            Each of shape (size // 2 + 1,), at `frequencies`.
        """
        step, length = (self.size - 2 * self.guard) * self.factor, self.size * self.factor
        # A few blocks at a time stay in the processor's cache from the differences to the trace.
        room = np.empty(step * (_AT_ONCE - 1) + length, np.float32)
        views = np.lib.stride_tricks.sliding_window_view(room, length)[::step]
        out = {name: np.empty((self.count, step // self.factor)) for name in gains}
        for first in range(0, self.count, _AT_ONCE):
            rows = min(_AT_ONCE, self.count - first)
            fill(room[: step * (rows - 1) + length], first * step - self.guard * self.factor)
            spectra = fft.rfft(views[:rows], axis=1)[:, : self.size // 2 + 1]
            for name, gain in gains.items():
                trace = fft.irfft(spectra * gain, self.size, axis=1)
                out[name][first : first + rows] = trace[:, self.guard : self.size - self.guard]
        return {name: trace.reshape(-1) for name, trace in out.items()}


def undo_difference(frequency: NDArray[np.float64], rate: float) -> NDArray[np.complex128]:
    """Return the gain that turns differences at ``rate`` (Hz) into samples; frequency 0 is left out."""
    gain = 1 - np.exp(-2j * np.pi * frequency / rate)
    result = np.zeros(frequency.size, np.complex128)
    np.divide(1.0, gain, out=result, where=frequency > 0)
    return result
