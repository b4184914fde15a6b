"""The eight families of events: names, shares, and the random shapes of their events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

STICK_SLIP_HZ = (5.0, 6.5, 8.0)
CULTURAL_HZ = (6.0, 10.0, 12.5, 16.0)


@dataclass(frozen=True)
class Family:
    """One family; its position in `FAMILIES` is its code in source ids and random streams."""

    name: str
    title: str
    share: float


FAMILIES = (
    Family("rift", "rift fracture", 0.22),
    Family("ice_front", "ice-front fracture", 0.28),
    Family("stick_slip", "grounding-zone stick-slip", 0.18),
    Family("thermal", "thermal / melt crack", 0.16),
    Family("tremor", "gliding tremor", 0.04),
    Family("regional", "regional", 0.07),
    Family("cultural", "cultural / calibration", 0.04),
    Family("novelty", "rare novelty", 0.01),
)
NAMES = tuple(family.name for family in FAMILIES)
CODES = {name: code for code, name in enumerate(NAMES)}


@dataclass(frozen=True, eq=False)
class Shapes:
    """Drawn shapes of N events, arrays of shape (N,).

    Attributes
    ----------
    frequency : array
        Dominant (for a chirp its reference, for tremor its fundamental) frequency, Hz.
    rise : array
        Onset to the greatest envelope, s.
    span : array
        Duration of the envelope's plateau (chirp, tremor, line burst, train of pulses), s.
    decay : array
        e-folding time of the coda's amplitude, s.
    sweep : array
        End frequency of a chirp (Hz) or glide of tremor (Hz/s); 0 elsewhere.
    variant : int array
        Template of stick-slip, kind of cultural event (0 line, 1 impulse, 2 five pulses), bursts of ice-front fracture.
    """

    frequency: Floats
    rise: Floats
    span: Floats
    decay: Floats
    sweep: Floats
    variant: NDArray[np.int64]


def truncated_lognormal(
    rng: np.random.Generator, n: int, median: float, sigma: float, low: float = 0.0, high: float = np.inf
) -> Floats:
    """Return n lognormal draws (median, standard deviation of the logarithm) restricted to [low, high]."""
    below = ndtr((np.log(low) - np.log(median)) / sigma) if low > 0 else 0.0
    above = ndtr((np.log(high) - np.log(median)) / sigma) if np.isfinite(high) else 1.0
    return np.asarray(median * np.exp(sigma * ndtri(rng.uniform(below, above, n))), dtype=np.float64)


def _shapes(
    frequency: Floats,
    rise: Floats | float,
    span: Floats | float = 0.0,
    decay: Floats | float = 0.0,
    sweep: Floats | float = 0.0,
    variant: NDArray[np.int64] | int = 0,
) -> Shapes:
    n = frequency.shape
    return Shapes(
        frequency=frequency,
        rise=np.broadcast_to(np.asarray(rise, dtype=np.float64), n),
        span=np.broadcast_to(np.asarray(span, dtype=np.float64), n),
        decay=np.broadcast_to(np.asarray(decay, dtype=np.float64), n),
        sweep=np.broadcast_to(np.asarray(sweep, dtype=np.float64), n),
        variant=np.broadcast_to(np.asarray(variant, dtype=np.int64), n),
    )


def _rift(rng: np.random.Generator, n: int) -> Shapes:
    f = truncated_lognormal(rng, n, 11.0, 0.25, 6.0, 18.0)
    chirp = rng.uniform(0.4, 1.5, n)
    return _shapes(f, 1.2 / f, span=chirp, decay=truncated_lognormal(rng, n, 0.7, 0.3), sweep=1.3 * f)


def _ice_front(rng: np.random.Generator, n: int) -> Shapes:
    f = truncated_lognormal(rng, n, 6.0, 0.3, 3.5, 12.0)
    decay = truncated_lognormal(rng, n, 0.6, 0.4)
    bursts = 1 + rng.poisson(2.0, n)
    # The span is divided into equal parts of 0.8 s on average; each burst after the first is at random in its part.
    return _shapes(f, 0.08, span=np.asarray(0.8 * (bursts - 1), dtype=np.float64), decay=decay, variant=bursts)


def _stick_slip(rng: np.random.Generator, n: int) -> Shapes:
    # The catalogue sets the template, and with it the frequency, from the patch that slips.
    return _shapes(np.full(n, STICK_SLIP_HZ[0]), 0.15, decay=1.2)


def _thermal(rng: np.random.Generator, n: int) -> Shapes:
    f = truncated_lognormal(rng, n, 14.0, 0.2, 9.0, 19.0)
    return _shapes(f, 1.2 / f, decay=truncated_lognormal(rng, n, 0.08, 0.4))


def glide_limit(f0: Floats, span: Floats) -> Floats:
    """Return the greatest glide of tremor: .25 Hz/s, less if the fundamental would leave its middle by a third."""
    return np.minimum(0.25, f0 / 1.5 / span)


def _tremor(rng: np.random.Generator, n: int) -> Shapes:
    f0 = rng.uniform(2.5, 5.0, n)
    span = rng.uniform(6.0, 18.0, n)
    limit = glide_limit(f0, span)
    return _shapes(f0, 0.7, span=span, sweep=rng.uniform(-1.0, 1.0, n) * limit)


def _regional(rng: np.random.Generator, n: int) -> Shapes:
    f = truncated_lognormal(rng, n, 4.2, 0.2, 3.0, 6.5)
    return _shapes(f, rng.uniform(1.0, 3.0, n), decay=truncated_lognormal(rng, n, 4.0, 0.3))


def _cultural(rng: np.random.Generator, n: int) -> Shapes:
    f = rng.choice(np.array(CULTURAL_HZ), n)
    kind = rng.integers(0, 3, n)
    span = np.select([kind == 0, kind == 2], [rng.uniform(2.0, 6.0, n), np.full(n, 2.4)], 0.0)
    return _shapes(f, np.where(kind == 0, 0.1, 1.2 / f), span=span, decay=0.05, variant=kind)


def _novelty(rng: np.random.Generator, n: int) -> Shapes:
    low, high, span = rng.uniform(5.0, 8.0, n), rng.uniform(14.0, 19.0, n), rng.uniform(0.8, 1.6, n)
    return _shapes(low, 0.1, span=span, decay=0.05, sweep=high)


_DRAWS: dict[str, Callable[[np.random.Generator, int], Shapes]] = {
    "rift": _rift,
    "ice_front": _ice_front,
    "stick_slip": _stick_slip,
    "thermal": _thermal,
    "tremor": _tremor,
    "regional": _regional,
    "cultural": _cultural,
    "novelty": _novelty,
}


def draw_shapes(family: str, rng: np.random.Generator, n: int) -> Shapes:
    """Return the drawn shapes of n events of a family; raises `KeyError` for an unknown family."""
    return _DRAWS[family](rng, n)


def draw_snr(rng: np.random.Generator, n: int) -> Floats:
    """Return n signal-to-noise ratios, 5 + Exp(8.7 dB) and at most 45 dB: a b-value of about 1."""
    return np.minimum(45.0, 5.0 + rng.exponential(8.7, n))
