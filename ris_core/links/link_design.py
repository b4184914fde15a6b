"""The columns of the regression: noise level, season, hour of the day, their products, and the tested terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
YEAR_DAYS = 365.2425


def harmonics(cycles: Floats, number: int) -> Floats:
    """Return cosine and sine of 1 to `number` times a phase in cycles, shape (N, 2 number)."""
    angle = 2.0 * np.pi * cycles[:, None] * np.arange(1, number + 1)
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def calendar(time: Ints, annual: int, solar: int) -> Floats:
    """Return harmonics of the year and of the day, and the products of both; times in ns since 1970 UTC."""
    of_year = harmonics(time / (YEAR_DAYS * DAY_NS), annual)
    of_day = harmonics((time % DAY_NS) / DAY_NS, solar)
    both = (of_year[:, :, None] * of_day[:, None, :]).reshape(len(time), of_year.shape[1] * of_day.shape[1])
    return np.concatenate([of_year, of_day, both], axis=1)


def curved(values: Floats, knots: int = 4) -> Floats:
    """Return a natural cubic spline of values: straight outside of the outermost knots (Harrell 2015, eq. 2.25).

    Knots are at equal quantiles of the distinct values between the 5th and the 95th; of fewer distinct values than
    knots, straight.

    Returns
    -------
    array of shape (N, knots − 1), or (N, 1)
    """
    distinct = np.unique(values)
    at = np.unique(np.quantile(distinct, np.linspace(0.05, 0.95, knots))) if len(distinct) > knots else distinct[:1]
    if len(at) < 3:
        return values[:, None]

    def cube(x: Floats) -> Floats:
        return np.maximum(x, 0.0) ** 3

    last, before = at[-1], at[-2]
    columns = [values]
    for knot in at[:-2]:
        end = cube(values - before) * (last - knot) - cube(values - last) * (before - knot)
        columns.append((cube(values - knot) - end / (last - before)) / (last - at[0]) ** 2)
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class LinkDesign:
    """The regression of one station, which all its classes share.

    Attributes
    ----------
    matrix : array of shape (N, P)
        Constant, covariates and terms; all but the constant have mean 0 and variance 1.
    offset : array of shape (N,)
        ln of the live hours.
    cluster : int array of shape (N,)
        Number of the week.
    hour : int array of shape (N,)
        Which hours of the whole time these are.
    terms
        Columns of each tested term: several with lags.
    scales : array of shape (P,)
        Standard deviations by which columns were divided; that of lags is one for all of a term.
    season_r2, others_r2
        Share of a term's variance that the calendar explains, and that all other columns do, by name.
    left_out
        Why terms are not in it, by name.
    """

    matrix: Floats
    offset: Floats
    cluster: Ints
    hour: Ints
    terms: dict[str, Ints]
    scales: Floats
    season_r2: dict[str, float]
    others_r2: dict[str, float]
    left_out: dict[str, str]

    @property
    def penalised(self) -> NDArray[np.bool_]:
        """Columns with the penalty: all but the constant and the terms."""
        found = np.ones(self.matrix.shape[1], dtype=np.bool_)
        found[0] = False
        for columns in self.terms.values():
            found[columns] = False
        return found


@dataclass(frozen=True)
class Calendar:
    """Numbers of harmonics, and the length of a cluster in days."""

    annual: int = 4
    solar: int = 2
    cluster_days: float = 7.0


def explained(columns: Floats, target: Floats) -> float:
    """Return R² of a least-squares fit of a target by columns and a constant."""
    centred = target - target.mean()
    total = float(centred @ centred)
    if total <= 0:
        return 1.0
    columns = columns - columns.mean(axis=0)
    # Normal equations take a tenth of the time of lstsq, and the columns are standardised.
    square = columns.T @ columns
    coefficients = np.linalg.solve(
        square + 1e-9 * np.trace(square) / len(square) * np.eye(len(square)), columns.T @ centred
    )
    rest = centred - columns @ coefficients
    return 1.0 - float(rest @ rest) / total


def link_design(
    edges: Ints,
    live: Floats,
    noise: Sequence[Floats],
    terms: dict[str, Floats],
    shape: Calendar,
    least_live: float = 0.25,
    least_coverage: float = 0.5,
    with_r2: bool = True,
) -> LinkDesign:
    """Return the regression of one station.

    Parameters
    ----------
    edges : int array of shape (M + 1,)
        Edges of the hours, ns since 1970 UTC.
    live : array of shape (M,)
        Live hours of each.
    noise
        Covariates that decide how many events are found, each of shape (M,): noise level in dB, or wind.
    terms
        Tested terms by name, shape (M,), or (M, L) with L lags; NaN where there is no value.
    shape
        Numbers of harmonics.
    least_live
        Hours with less live time are left out: a part of an hour says nothing about its mean noise.
    least_coverage
        Terms with values in a smaller share of the live hours are left out; of the others only hours with all values.
    with_r2
        Whether it is computed how much of each term all else explains.
    """
    usable: NDArray[np.bool_] = np.asarray(live >= least_live, dtype=np.bool_)
    for values in noise:
        usable &= np.isfinite(values)
    left_out: dict[str, str] = {}
    used: dict[str, Floats] = {}
    for name, values in terms.items():
        plane = values[:, None] if values.ndim == 1 else values
        there: NDArray[np.bool_] = np.asarray(np.isfinite(plane).all(axis=1))
        share = float(there[usable].mean()) if usable.any() else 0.0
        if share < least_coverage:
            left_out[name] = f"values in {share:.0%} of the live hours"
        elif np.ptp(plane[usable & there], axis=0).min() == 0:
            left_out[name] = "the same value in all live hours"
        else:
            used[name] = plane
    for plane in used.values():
        usable &= np.isfinite(plane).all(axis=1)
    hour = np.flatnonzero(usable)
    time = edges[:-1][hour] + np.diff(edges)[hour] // 2
    season = calendar(time, shape.annual, shape.solar)
    covariates = [season, *(curved(values[hour]) for values in noise)]
    columns = [*covariates, *(plane[hour] for plane in used.values())]
    raw = np.concatenate(columns, axis=1) if len(hour) else np.zeros((0, sum(c.shape[1] for c in columns)))
    places, at = {}, sum(c.shape[1] for c in covariates)
    for name, plane in used.items():
        places[name] = np.arange(at, at + plane.shape[1])
        at += plane.shape[1]
    middle, scales = (raw.mean(axis=0), raw.std(axis=0)) if len(hour) else (0.0, np.ones(raw.shape[1]))
    for columns_of in places.values():
        scales[columns_of] = scales[columns_of].mean()
    kept = np.maximum(scales, 1e-12)
    matrix = np.concatenate([np.ones((len(hour), 1)), (raw - middle) / kept], axis=1)
    season_r2: dict[str, float] = {}
    others_r2: dict[str, float] = {}
    for name, columns_of in places.items() if with_r2 and len(hour) > raw.shape[1] else ():
        target = raw[:, columns_of].sum(axis=1)
        season_r2[name] = explained(season, target)
        others_r2[name] = explained(np.delete(matrix[:, 1:], columns_of, axis=1), target)
    cluster = np.floor((time - edges[0]) / (shape.cluster_days * DAY_NS)).astype(np.int64)
    return LinkDesign(
        matrix,
        np.log(live[hour]),
        cluster,
        hour,
        {name: columns_of + 1 for name, columns_of in places.items()},
        np.concatenate([[1.0], kept]),
        season_r2,
        others_r2,
        left_out,
    )
