"""Size of the test of a series on events without a cause, by the kind of errors; and seconds beside statsmodels.

python -m bench.analysis_size --repeats 300

Counts by the hour of one station for 26, 52 and 104 weeks: Poisson, or swarms of 30 events within 6 h. The series is
red noise of 48 h. The share of rejections at .05 should be .05. Errors are the regression's own, those of clusters of
seven days with the expected curvature, and with the observed one, as the platform has them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from bench.runs import plain, quiet_threads
from ris_core.links.clustered_errors import clustered_errors, effect
from ris_core.links.link_design import HOUR_NS, Calendar, LinkDesign, link_design
from ris_core.links.negative_binomial import Fit, fit_negative_binomial, information_of

Floats = NDArray[np.float64]
_START = 1_417_392_000 * 10**9
_KINDS = ("poisson", "swarms")
_ERRORS = ("own", "expected", "observed")


def red(rng: np.random.Generator, number: int, hours: float = 48.0) -> Floats:
    """Return red noise of unit variance that is correlated over some hours."""
    keep = float(np.exp(-1.0 / hours))
    pushes = rng.standard_normal(number) * np.sqrt(1.0 - keep**2)
    pushes[0] /= np.sqrt(1.0 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], pushes), dtype=np.float64)


def counts_of(rng: np.random.Generator, kind: str, number: int) -> Floats:
    """Return counts of hours without any cause."""
    if kind == "poisson":
        return rng.poisson(0.3, number).astype(np.float64)
    parents = rng.uniform(0, number, rng.poisson(number / 100))
    times = np.repeat(parents, rng.poisson(30, len(parents)))
    return np.histogram(times + rng.uniform(0, 6, len(times)), np.arange(number + 1))[0].astype(np.float64)


def _one(kind: str, weeks: int, seed: int) -> tuple[LinkDesign, Floats, Fit]:
    rng = np.random.default_rng([weeks, _KINDS.index(kind), seed])
    number = 24 * 7 * weeks
    edges = _START + np.arange(number + 1, dtype=np.int64) * HOUR_NS
    counts = counts_of(rng, kind, number)
    design = link_design(edges, np.ones(number), (), {"series": red(rng, number)}, Calendar(annual=1, solar=1))
    own = counts[design.hour]
    return design, own, fit_negative_binomial(design.matrix, own, design.offset, design.penalised)


def rejections(kind: str, weeks: int, repeats: int) -> dict[str, float]:
    """Return the share of p below .05 by the kind of errors."""
    found = dict.fromkeys(_ERRORS, 0)
    for seed in range(repeats):
        design, _, fit = _one(kind, weeks, seed)
        place = int(design.terms["series"][0])
        value = float(fit.beta[place])
        expected = fit.mean**2 / fit.variance
        of_model = information_of(design.matrix, expected, np.zeros(len(fit.beta)))
        other = dataclasses.replace(fit, weights=expected, information=of_model)
        found["own"] += effect(value, float(np.linalg.inv(of_model)[place, place]), 1e6).p < 0.05
        for name, one in (("expected", other), ("observed", fit)):
            errors = clustered_errors(one, design.matrix, design.cluster)
            found[name] += (
                effect(value, float(errors.covariance[place, place]), float(errors.effective[place])).p < 0.05
            )
    return {name: number / repeats for name, number in found.items()}


def seconds(weeks: int = 104, repeats: int = 3) -> dict[str, float]:
    """Return CPU-seconds of one regression with 52 columns: ours, and statsmodels'."""
    from statsmodels.discrete.discrete_model import NegativeBinomial

    rng = np.random.default_rng(1)
    number = 24 * 7 * weeks
    edges = _START + np.arange(number + 1, dtype=np.int64) * HOUR_NS
    terms = {f"series_{place}": red(rng, number) for place in range(6)}
    design = link_design(edges, np.ones(number), (rng.exponential(2.0, number),), terms, Calendar())
    counts = rng.poisson(np.exp(-1 + 0.3 * terms["series_0"][design.hour])).astype(np.float64)
    counts *= rng.integers(0, 2, len(counts))
    best = {}
    for name, work in (
        ("ours", lambda: fit_negative_binomial(design.matrix, counts, design.offset)),
        (
            "statsmodels",
            lambda: NegativeBinomial(counts, design.matrix, offset=design.offset).fit(
                disp=0, method="bfgs", maxiter=500
            ),
        ),
    ):
        taken = []
        for _ in range(repeats):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        best[name] = min(taken)
    return best


def main() -> None:
    """Print the sizes, the seconds and RESULT."""
    quiet_threads()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--weeks", type=int, nargs="+", default=[26, 52, 104])
    arguments = parser.parse_args()
    table = Table("events", "weeks", "errors of the model", "weeks, expected curvature", "weeks, observed (ours)")
    sizes = {}
    for kind in _KINDS:
        for weeks in arguments.weeks:
            sizes[f"{kind} {weeks}"] = found = rejections(kind, weeks, arguments.repeats)
            table.add_row(kind, str(weeks), *(f"{found[name]:.3f}" for name in _ERRORS))
    Console(width=120).print(table)
    taken = seconds()
    print(f"one regression: {taken['ours']:.3f} CPU s, statsmodels {taken['statsmodels']:.3f} CPU s")
    print(f"load average {os.getloadavg()[0]:.1f}; {arguments.repeats} repeats")
    print("RESULT " + json.dumps(plain({"sizes": sizes, "seconds": taken, "repeats": arguments.repeats})))


if __name__ == "__main__":
    main()
