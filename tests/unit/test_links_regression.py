"""Regression of counts by the hour: known answers, statsmodels, errors under clustering, unmixed counts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.links.clustered_errors import clustered_errors, effect
from ris_core.links.link_design import DAY_NS, HOUR_NS, Calendar, LinkDesign, calendar, curved, link_design
from ris_core.links.link_gain import folds_of, gain
from ris_core.links.negative_binomial import NotFittedError, fit_negative_binomial
from ris_core.links.unmixed_regression import confusion_covariance, fit_unmixed, labelled_variances, unmixings
from ris_core.rates.confusion import Confusion

START = 1_417_392_000 * 10**9  # 2014-12-01
SMALL = Calendar(annual=1, solar=1)

Floats = NDArray[np.float64]


def hours(days: int) -> NDArray[np.int64]:
    return START + np.arange(24 * days + 1, dtype=np.int64) * HOUR_NS


def weather(rng: np.random.Generator, number: int, correlation: float = 48.0) -> Floats:
    """A red series of unit variance."""
    keep = np.exp(-1.0 / correlation)
    values = np.empty(number)
    values[0] = rng.standard_normal()
    for place, push in enumerate(rng.standard_normal(number - 1) * np.sqrt(1 - keep**2), start=1):
        values[place] = keep * values[place - 1] + push
    return values


def station(rng: np.random.Generator, days: int = 400) -> tuple[LinkDesign, Floats]:
    edges = hours(days)
    series = weather(rng, len(edges) - 1)
    live = rng.uniform(0.3, 1.0, len(edges) - 1)
    noise = rng.exponential(2.0, len(edges) - 1)
    return link_design(edges, live, (noise,), {"swell": series, "other": weather(rng, len(series))}, SMALL), series


def negative_binomial(rng: np.random.Generator, mean: Floats, alpha: float) -> Floats:
    return rng.poisson(mean * rng.gamma(1 / alpha, alpha, len(mean))).astype(float)


def test_estimates_and_likelihood_are_those_of_statsmodels() -> None:
    from statsmodels.discrete.discrete_model import NegativeBinomial

    rng = np.random.default_rng(1)
    design, series = station(rng)
    mean = np.exp(design.offset - 0.5 + 0.4 * series[design.hour])
    counts = negative_binomial(rng, mean, 0.7)
    ours = fit_negative_binomial(design.matrix, counts, design.offset)
    start = np.append(ours.beta, 0.5)
    theirs = NegativeBinomial(counts, design.matrix, offset=design.offset).fit(
        start_params=start, method="bfgs", maxiter=500, disp=0
    )
    assert ours.beta == pytest.approx(theirs.params[:-1], abs=2e-3)
    assert ours.dispersion == pytest.approx(theirs.params[-1], rel=2e-2)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-2)


def test_counts_without_overdispersion_are_a_poisson_regression() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    design, series = station(rng)
    counts = rng.poisson(np.exp(design.offset - 1 + 0.3 * series[design.hour])).astype(float)
    ours = fit_negative_binomial(design.matrix, counts, design.offset)
    theirs = sm.GLM(counts, design.matrix, offset=design.offset, family=sm.families.Poisson()).fit()
    assert ours.dispersion < 0.1
    assert ours.beta == pytest.approx(theirs.params, abs=5e-3)


def test_a_planted_effect_is_recovered_with_its_interval() -> None:
    inside = 0
    for seed in range(20):
        rng = np.random.default_rng([3, seed])
        design, series = station(rng, 250)
        mean = np.exp(design.offset - 1 + 0.5 * series[design.hour])
        fit = fit_negative_binomial(design.matrix, negative_binomial(rng, mean, 0.5), design.offset, design.penalised)
        errors = clustered_errors(fit, design.matrix, design.cluster)
        place = int(design.terms["swell"][0])
        found = effect(
            fit.beta[place] / design.scales[place],
            errors.covariance[place, place] / design.scales[place] ** 2,
            errors.effective[place],
        )
        inside += found.low < 0.5 < found.high
    assert inside >= 17


def test_swarms_without_a_cause_are_seldom_significant() -> None:
    """With as few as 26 weeks, the size stays near .05; the model's own errors reject far more often."""
    robust, naive = 0, 0
    for seed in range(60):
        rng = np.random.default_rng([4, seed])
        edges = hours(26 * 7)
        number = len(edges) - 1
        parents = rng.uniform(0, number, rng.poisson(number / 100))
        times = np.repeat(parents, rng.poisson(30, len(parents)))
        times = times + rng.uniform(0, 6, len(times))
        counts = np.histogram(times, np.arange(number + 1))[0].astype(float)
        design = link_design(edges, np.ones(number), (), {"swell": weather(rng, number)}, SMALL)
        fit = fit_negative_binomial(design.matrix, counts[design.hour], design.offset, design.penalised)
        errors = clustered_errors(fit, design.matrix, design.cluster)
        place = int(design.terms["swell"][0])
        value = float(fit.beta[place])
        robust += effect(value, errors.covariance[place, place], errors.effective[place]).p < 0.05
        naive += effect(value, np.linalg.inv(fit.information)[place, place], 1e4).p < 0.05
    assert robust <= 9
    assert naive > 2 * robust


def test_the_jackknife_is_the_one_that_leaves_weeks_out() -> None:
    rng = np.random.default_rng(5)
    design, series = station(rng, 120)
    counts = rng.poisson(np.exp(design.offset + 0.3 * series[design.hour])).astype(float)
    fit = fit_negative_binomial(design.matrix, counts, design.offset)
    errors = clustered_errors(fit, design.matrix, design.cluster)
    changes = []
    for week in np.unique(design.cluster):
        rest = design.cluster != week
        left = fit_negative_binomial(design.matrix[rest], counts[rest], design.offset[rest])
        changes.append(left.beta - fit.beta)
    number = len(changes)
    exact = (number - 1) / number * np.array(changes).T @ np.array(changes)
    assert np.sqrt(np.diag(errors.covariance)) == pytest.approx(np.sqrt(np.diag(exact)), rel=0.1)


def test_events_of_one_season_are_few_clusters() -> None:
    edges = hours(364)
    number = len(edges) - 1
    rng = np.random.default_rng(6)
    series = weather(rng, number)
    design = link_design(edges, np.ones(number), (), {"swell": series}, Calendar(2, 1))
    even = fit_negative_binomial(design.matrix, rng.poisson(1.0, number).astype(float), design.offset, design.penalised)
    summer = rng.poisson(np.where(np.arange(number) < 24 * 56, 1.0, 0.0)).astype(float)
    short = fit_negative_binomial(design.matrix, summer, design.offset, design.penalised)
    place = int(design.terms["swell"][0])
    assert clustered_errors(even, design.matrix, design.cluster).effective[place] > 35
    assert clustered_errors(short, design.matrix, design.cluster).effective[place] < 12


def test_gain_of_a_cause_is_positive_and_of_chance_is_not() -> None:
    rng = np.random.default_rng(7)
    design, series = station(rng)
    counts = rng.poisson(np.exp(design.offset + 0.5 * series[design.hour])).astype(float)
    fit = fit_negative_binomial(design.matrix, counts, design.offset, design.penalised)
    fold = folds_of(design.hour, 5, 14.0)
    of = {
        name: gain(fit, design.matrix, counts, design.offset, columns, fold) for name, columns in design.terms.items()
    }
    assert of["swell"] > 0.03
    assert of["other"] < 0.002


def test_gain_is_that_of_regressions_that_are_repeated() -> None:
    rng = np.random.default_rng(8)
    design, series = station(rng, 200)
    counts = rng.poisson(np.exp(design.offset + 0.5 * series[design.hour])).astype(float)
    fit = fit_negative_binomial(design.matrix, counts, design.offset)
    fold, columns = folds_of(design.hour, 4, 14.0), design.terms["swell"]
    others = np.setdiff1d(np.arange(design.matrix.shape[1]), columns)
    total = 0.0
    for number in np.unique(fold):
        rest, own = fold != number, fold == number
        for sign, used in ((1, np.arange(design.matrix.shape[1])), (-1, others)):
            matrix = design.matrix[:, used]
            beta = fit_negative_binomial(matrix[rest], counts[rest], design.offset[rest]).beta
            mean = np.exp(design.offset[own] + matrix[own] @ beta)
            total += sign * float(np.sum(counts[own] * np.log(mean) - mean))
    quick = gain(fit, design.matrix, counts, design.offset, columns, fold)
    assert quick == pytest.approx(total / counts.sum(), rel=0.1)


def test_months_without_events_do_not_stop_the_regression() -> None:
    rng = np.random.default_rng(9)
    edges = hours(730)
    number = len(edges) - 1
    design = link_design(edges, np.ones(number), (), {"swell": weather(rng, number)}, Calendar())
    summer = (np.arange(number) % 8766) < 1500
    counts = rng.poisson(np.where(summer, 0.5, 0.0)).astype(float)
    fit = fit_negative_binomial(design.matrix, counts, design.offset, design.penalised)
    assert np.isfinite(fit.beta).all()
    assert fit.mean[~summer[design.hour]].mean() < 0.02


def test_no_events_cannot_be_fitted() -> None:
    design, _ = station(np.random.default_rng(10), 60)
    with pytest.raises(NotFittedError, match="no events"):
        fit_negative_binomial(design.matrix, np.zeros(len(design.hour)), design.offset)


def test_the_spline_is_straight_outside_and_curved_inside() -> None:
    values = np.linspace(0.0, 10.0, 1001)
    columns = curved(values)
    assert columns.shape == (1001, 3)
    bend = np.abs(np.diff(columns, 2, axis=0)).max(axis=1)
    assert bend[:40].max() < 1e-9
    assert bend[-40:].max() < 1e-9
    assert bend[200:800].max() > 1e-6
    assert curved(np.array([1.0, 1.0, 2.0])).shape == (3, 1)


def test_the_calendar_has_products_of_year_and_day() -> None:
    time = hours(10)[:-1]
    columns = calendar(time, 4, 2)
    assert columns.shape == (240, 8 + 4 + 32)
    day = 2 * np.pi * (time % DAY_NS) / DAY_NS
    assert columns[:, 8] == pytest.approx(np.cos(day))
    assert columns[:, 12] == pytest.approx(columns[:, 0] * np.cos(day))


def test_hours_and_terms_without_values_are_left_out() -> None:
    edges = hours(40)
    number = len(edges) - 1
    rng = np.random.default_rng(11)
    live = np.ones(number)
    live[:48] = 0.0
    half = rng.standard_normal(number)
    half[: number // 2 + 100] = np.nan
    some = rng.standard_normal(number)
    some[100:110] = np.nan
    design = link_design(edges, live, (), {"half": half, "some": some, "flat": np.ones(number)}, SMALL)
    assert set(design.terms) == {"some"}
    assert "of the live hours" in design.left_out["half"]
    assert "same value" in design.left_out["flat"]
    assert not set(range(48)) & set(design.hour)
    assert not set(range(100, 110)) & set(design.hour)
    assert len(design.hour) == number - 48 - 10


def test_a_series_that_is_the_season_is_recognised() -> None:
    edges = hours(730)
    middle = edges[:-1]
    ice = np.cos(2 * np.pi * middle / (365.2425 * DAY_NS)) + 0.3 * np.cos(4 * np.pi * middle / (365.2425 * DAY_NS))
    rng = np.random.default_rng(12)
    terms = {"ice": ice + 0.05 * weather(rng, len(middle)), "weather": weather(rng, len(middle))}
    design = link_design(edges, np.ones(len(middle)), (), terms, Calendar())
    assert design.season_r2["ice"] > 0.98
    assert design.season_r2["weather"] < 0.2


def confused_counts(rng: np.random.Generator, design: LinkDesign, series: Floats) -> tuple[Floats, Confusion]:
    """Two classes, of which the first follows a series; a fifth of each is taken for the other."""
    first = rng.poisson(np.exp(design.offset + 0.6 * series[design.hour]))
    second = rng.poisson(np.exp(design.offset))
    gone, lent = rng.binomial(first, 0.2), rng.binomial(second, 0.2)
    labelled = np.stack([first - gone + lent, second - lent + gone], axis=1).astype(float)
    tested = np.array([[400.0, 100.0], [100.0, 400.0]])
    return labelled, Confusion(("first", "second"), tested, "a test")


def test_unmixing_gives_each_class_its_own_effect() -> None:
    rng = np.random.default_rng(13)
    design, series = station(rng, 730)
    labelled, confusion = confused_counts(rng, design, series)
    inverses = unmixings(confusion, 100, 0)
    variances, starts = labelled_variances(design, labelled)
    place = int(design.terms["swell"][0])
    found = []
    for number in range(2):
        start = starts[number]
        assert start is not None
        counts = labelled @ inverses[0][:, number]
        fit = fit_unmixed(design, counts, variances @ inverses[0][:, number] ** 2, start)
        between = confusion_covariance(fit, design.matrix, labelled, inverses, number)
        errors = clustered_errors(fit, design.matrix, design.cluster)
        scale = design.scales[place]
        variance = errors.covariance[place, place] + between[place, place]
        found.append(effect(fit.beta[place] / scale, variance / scale**2, errors.effective[place]))
        assert between[place, place] > 0
    as_labelled = starts[1]
    assert as_labelled is not None
    assert as_labelled.beta[place] / design.scales[place] > 0.08
    assert found[0].low < 0.6 < found[0].high
    assert found[1].low < 0.0 < found[1].high


def test_more_tested_events_add_less_uncertainty() -> None:
    rng = np.random.default_rng(14)
    design, series = station(rng, 400)
    labelled, few = confused_counts(rng, design, series)
    many = Confusion(few.classes, few.counts * 100, "a test")
    variances, starts = labelled_variances(design, labelled)
    place, added = int(design.terms["swell"][0]), []
    assert starts[1] is not None
    for confusion in (few, many):
        inverses = unmixings(confusion, 200, 0)
        fit = fit_unmixed(design, labelled @ inverses[0][:, 1], variances @ inverses[0][:, 1] ** 2, starts[1])
        added.append(confusion_covariance(fit, design.matrix, labelled, inverses, 1)[place, place])
    assert added[0] == pytest.approx(100 * added[1], rel=0.4)


def test_a_station_that_is_never_live_for_long_has_an_empty_regression() -> None:
    number = 48
    edges = HOUR_NS * np.arange(number + 1)
    noise = np.full(number, 3.0)
    design = link_design(edges, np.full(number, 0.1), (noise,), {"swell": np.arange(float(number))}, SMALL)
    assert not len(design.matrix) and design.left_out == {"swell": "values in 0% of the live hours"}
