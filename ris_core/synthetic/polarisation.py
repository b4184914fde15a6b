"""How the ground moves in three components: where an event comes from, and the shares of its waves.

The vertical is the motion of the event's family. Early on it is a body wave, a straight line along its ray (P) or
across it (SV); from some time on it may be a surface wave, whose radial motion leads the vertical by a quarter of a
period (retrograde). Transverse motion is another realisation of the family's motion. All values are choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from ris_core.synthetic.families import CODES, NAMES, STICK_SLIP_HZ
from ris_core.synthetic.seeds import Stream, generator
from ris_core.synthetic.wavelets import Event, ramp

# Surface waves take over from the body wave within this time, s.
_CHANGE_S = 0.2
# Direction of the ice front from everywhere on the shelf, degrees.
_FRONT_DEG, _FRONT_SPREAD_DEG = 0.0, 25.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Waves:
    """The waves of a family.

    Attributes
    ----------
    incidence
        Least and greatest angle of the ray from the vertical, degrees; none: no body wave.
    shear
        Whether the body wave is SV, across its ray, and not P.
    surface_from
        Share of the time from the onset to the end of the rise and plateau after which it is a surface wave; infinite
        if it never is.
    transverse
        Least and greatest amplitude of the transverse motion, relative to the vertical.
    spread
        Standard deviation of the direction about that of the family at a station, degrees; infinite: any direction.
    """

    incidence: tuple[float, float] | None
    shear: bool
    surface_from: float
    transverse: tuple[float, float]
    spread: float


WAVES = {
    "rift": Waves((15.0, 40.0), False, 0.5, (0.1, 0.4), 15.0),
    "ice_front": Waves(None, False, 0.0, (0.3, 0.8), _FRONT_SPREAD_DEG),
    "stick_slip": Waves((20.0, 35.0), True, np.inf, (0.5, 1.2), 1.0),
    "thermal": Waves(None, False, 0.0, (0.1, 0.4), np.inf),
    "tremor": Waves(None, False, 0.0, (0.3, 0.8), 10.0),
    "regional": Waves((10.0, 25.0), False, 1.0, (0.4, 0.9), np.inf),
    "cultural": Waves(None, False, 0.0, (0.1, 0.5), 2.0),
    "novelty": Waves((10.0, 30.0), False, np.inf, (0.1, 0.3), 5.0),
}
ELLIPTICITY = (0.6, 0.9)
"""Least and greatest ratio of radial to vertical amplitude of surface waves."""


def back_azimuths(seed: int, station: int, family: str, variant: NDArray[np.int64]) -> Floats:
    """Return the directions from a station to its own events of a family, degrees clockwise from north, in [0, 360).

    Each family has one site as seen from a station, each patch of stick-slip its own; thermal cracks are all around,
    and the ice front lies in the north.

    Parameters
    ----------
    seed, station : int
        Generator seed and the station's key.
    family : str
    variant : (N,) array
        Variants of the events (`Shapes.variant`).
    """
    rng, waves = generator(seed, Stream.POLARISATION, station, CODES[family]), WAVES[family]
    if not np.isfinite(waves.spread):
        return rng.uniform(0.0, 360.0, len(variant))
    sites = rng.uniform(0.0, 360.0, len(STICK_SLIP_HZ) if family == "stick_slip" else 1)
    centre = np.full(len(variant), sites[0])
    if family == "stick_slip":
        centre = sites[variant]
    elif family == "ice_front":
        centre[:] = _FRONT_DEG
    return np.asarray(np.mod(centre + waves.spread * rng.standard_normal(len(variant)), 360.0))


@dataclass(frozen=True)
class Polarisation:
    """How one event moves a station.

    Attributes
    ----------
    body_ratio
        Radial over vertical amplitude of the body wave; negative for SV.
    ellipticity
        Radial over vertical amplitude of the surface wave.
    surface_from
        Time after the onset at which the surface wave takes over, s; infinite if it never does.
    transverse
        Amplitude of the transverse motion, relative to the vertical.
    back_azimuth
        Direction to the source, degrees clockwise from north.
    """

    body_ratio: float
    ellipticity: float
    surface_from: float
    transverse: float
    back_azimuth: float

    @classmethod
    def of(cls, seed: int, station: int, event: Event) -> Polarisation:
        """Draw how an event moves a station (generator seed, the station's key)."""
        waves = WAVES[NAMES[event.family_code]]
        rng = generator(seed, Stream.POLARISATION, station, event.family_code, event.number)
        angle, ellipticity, transverse = rng.uniform(size=3)
        ratio = 0.0
        if waves.incidence is not None:
            incidence = np.deg2rad(np.interp(angle, (0.0, 1.0), waves.incidence))
            ratio = -1.0 / np.tan(incidence) if waves.shear else np.tan(incidence)
        lasts = event.rise + event.span
        return cls(
            body_ratio=float(ratio),
            ellipticity=float(np.interp(ellipticity, (0.0, 1.0), ELLIPTICITY)),
            surface_from=waves.surface_from * lasts if np.isfinite(waves.surface_from) else np.inf,
            transverse=float(np.interp(transverse, (0.0, 1.0), waves.transverse)),
            back_azimuth=event.back_azimuth,
        )

    def radial(self, motion: Floats, t: Floats) -> NDArray[np.complex128]:
        """Return the spectrum of the radial motion, away from the source, behind a vertical motion at 100 Hz.

        Parameters
        ----------
        motion, t : (N,) arrays
            The vertical motion, upwards, and its times after the onset, s.
        """
        surface = np.zeros_like(t)
        if self.surface_from == 0.0:
            surface = np.ones_like(t)
        elif np.isfinite(self.surface_from):
            surface = ramp(t, self.surface_from, _CHANGE_S)
        body = self.body_ratio * rfft(motion * (1.0 - surface))
        return np.asarray(body + 1j * self.ellipticity * rfft(motion * surface))

    def shares(self, component: str) -> tuple[float, float]:
        """Return the shares of radial and transverse motion in the component ``N`` or ``E``.

        As in ObsPy, radial points away from the source and transverse to the right of it.
        """
        angle = np.deg2rad(self.back_azimuth)
        sine, cosine = float(np.sin(angle)), float(np.cos(angle))
        return (-cosine, sine) if component == "N" else (-sine, -cosine)
