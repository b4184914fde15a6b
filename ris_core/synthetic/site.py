"""Effects of a station's ground: noise level, firn resonances and the reverberation of the water layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ris_core.synthetic.seeds import Stream, generator, station_key

MODES = 3
WARM_C = -2.0
WARM_SHIFT = 0.95
# Wind drives the firn at its surface; waves from below cross it once and get half of its gain in decibels (choice).
SIGNAL_SHARE = 0.5
# Wind at which the resonances have their full gain, m/s (choice).
FULL_WIND_M_S = 10.0


@dataclass(frozen=True)
class SiteResponse:
    """The ground below one station.

    Attributes
    ----------
    noise_db : float
        Level of the station's noise relative to the network's, dB.
    frequencies, qualities, gains_db : tuples of 3 floats
        Firn resonances: Hz below −2 °C, Q, and dB in full wind.
    reverberation_s : float
        Two-way time in the water layer.
    """

    noise_db: float
    frequencies: tuple[float, ...]
    qualities: tuple[float, ...]
    gains_db: tuple[float, ...]
    reverberation_s: float

    def transfer(self, frequency: NDArray[np.float64], share: float, warm: bool) -> NDArray[np.complex128]:
        """Return the causal transfer function of the firn, 1 away from its resonances.

        Each mode is the peaking section (f₀² − f² + i g f f₀/Q) / (f₀² − f² + i f f₀/Q), of gain g at f₀.

        Parameters
        ----------
        frequency : array
            Hz.
        share : float
            Share of the full gain in decibels, 0 to 1.
        warm : bool
            Whether the firn is warmer than −2 °C, which lowers the resonances by 5 % (Chaput et al. 2018).
        """
        product = np.ones(frequency.shape, dtype=np.complex128)
        for f0, quality, gain_db in zip(self.frequencies, self.qualities, self.gains_db, strict=True):
            centre = f0 * (WARM_SHIFT if warm else 1.0)
            gain = 10.0 ** (share * gain_db / 20.0)
            stiffness = centre**2 - frequency**2
            loss = 1j * frequency * centre / quality
            product *= (stiffness + gain * loss) / (stiffness + loss)
        return product


@lru_cache(maxsize=256)
def build_site(seed: int, code: str) -> SiteResponse:
    """Return the ground below a station: noise level ±6 dB, 3 modes in 6-20 Hz of Q 5-15 and 6-12 dB."""
    rng = generator(seed, Stream.SITE, station_key(code))
    edges = np.geomspace(6.0, 20.0, MODES + 1)
    return SiteResponse(
        noise_db=float(rng.uniform(-6.0, 6.0)),
        # One mode in each third of the band (logarithmic), so that modes do not coincide.
        frequencies=tuple(float(f) for f in rng.uniform(edges[:-1], edges[1:])),
        qualities=tuple(float(q) for q in rng.uniform(5.0, 15.0, MODES)),
        gains_db=tuple(float(g) for g in rng.uniform(6.0, 12.0, MODES)),
        reverberation_s=float(rng.uniform(0.25, 0.5)),
    )
