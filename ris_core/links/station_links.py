"""All tests of one station: the regression of each class, and what stands beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ris_core.config.links import TIDAL_KINDS, LinksSettings
from ris_core.links.lagged import NO_LAG, lagged_correlation
from ris_core.links.link_design import LinkDesign
from ris_core.links.link_gain import folds_of, gain
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.negative_binomial import NotFittedError
from ris_core.links.rate_model import ClassFit, RateModel, station_models
from ris_core.links.tidal_phase import CONSTITUENTS, TESTED, phase_test
from ris_core.rates.confusion import Confusion


@dataclass(frozen=True, eq=False)
class StationLinks:
    """Results of one station.

    Attributes
    ----------
    effects
        One row per class and term: effect with interval, p, clusters, what is known of the term, why no claim is made.
    phases
        One row per class and tidal constituent.
    lags
        One row per class, term and lag bin: effects of distributed lags.
    """

    effects: pd.DataFrame = field(repr=False)
    phases: pd.DataFrame = field(repr=False)
    lags: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """What is computed beside the regression that decides; a benchmark needs little of it."""

    beside: bool = True
    phases: tuple[str, ...] = tuple(CONSTITUENTS)


def station_links(
    inputs: LinkInputs,
    settings: LinksSettings,
    confusion: Confusion | None = None,
    wanted: Wanted | None = None,
    untested: Collection[str] = (),
) -> StationLinks:
    """Test each class of a station against each term, jointly, and against the tide.

    Parameters
    ----------
    inputs
        Events, live time and series of the station.
    settings
        Section `links`.
    confusion
        How often one class is taken for another; its classes are those of the inputs. Counts are unmixed with it.
        Phases are those of the labelled events in any case.
    wanted
        What stands beside the regression; by default all: cross-validated gain (not of unmixed counts), lagged
        correlation, distributed lags, all tidal constituents.
    untested
        Classes without tests.
    """
    wanted = wanted or Wanted()
    models = station_models(inputs, settings, confusion, wanted.beside)
    main = models.main
    effects: list[dict[str, Any]] = []
    phases: list[dict[str, Any]] = []
    lags: list[dict[str, Any]] = []
    for place, name in enumerate(inputs.classes):
        if name in untested:
            continue
        said = {"class_name": name, "station": inputs.station}
        labelled, unmixed = (float(counts[:, place].sum()) for counts in (main.labelled, main.counts))
        reason, found = "", None
        if min(labelled, unmixed) < settings.least_events:
            reason = f"{min(labelled, unmixed):.0f} events in usable hours; {settings.least_events} are needed"
        elif main.design.terms:
            try:
                found = main.fit(place)
            except NotFittedError as error:
                reason = f"the regression did not come to an end: {error}"
        moved = (
            []
            if found is None or not _may_be_tidal(found, settings)
            else [_tried(m, place, found) for m in models.moved]
        )
        for term in settings.terms:
            if term.name not in inputs.terms:
                continue
            row = _effect_row(term.name, main.design, found, settings, reason)
            if found is not None and not row["reason"]:
                if term.kind in TIDAL_KINDS and moved:
                    row["p"] = max([row["p"], *(_p_of(term.name, row["effect"], one) for one in moved)])
                if wanted.beside:
                    row |= _beside(term.name, found, inputs, settings, confusion is None)
            effects.append({**said, "series": term.name, "events": int(labelled), **row})
        if models.lagged is not None and found is not None:
            lags += [{**said, **row} for row in _lag_rows(_tried(models.lagged, place), settings)]
        phases += [{**said, **_phase_row(inputs, name, constituent, settings)} for constituent in wanted.phases]
    return StationLinks(pd.DataFrame(effects), pd.DataFrame(phases), pd.DataFrame(lags))


def _tried(model: RateModel, place: int, start: ClassFit | None = None) -> ClassFit | None:
    try:
        return model.fit(place, None if start is None else start.fit)
    except NotFittedError:
        return None


def _may_be_tidal(found: ClassFit, settings: LinksSettings) -> bool:
    """Whether a tidal term has a small p: only then does the error of its times matter, which makes p greater."""
    tidal = (found.design.terms.get(term.name) for term in settings.terms if term.kind in TIDAL_KINDS)
    return any(found.effect(columns).p < settings.false_discovery for columns in tidal if columns is not None)


def _p_of(term: str, value: float, other: ClassFit | None) -> float:
    """Return p of a term in a regression with moved series; 1 if its sign differs, or without such a regression."""
    if other is None or term not in other.design.terms:
        return 1.0
    found = other.effect(other.design.terms[term])
    return found.p if found.value * value > 0 else 1.0


def _effect_row(
    term: str, design: LinkDesign, found: ClassFit | None, settings: LinksSettings, reason: str
) -> dict[str, Any]:
    row: dict[str, Any] = {
        **dict.fromkeys(("effect", "error", "interval_low", "interval_high", "p", "effective_clusters"), np.nan),
        **dict.fromkeys(("gain", "lag_hours", "lag_correlation", "lag_p"), np.nan),
        "dispersion": np.nan,
        "season_r2": design.season_r2.get(term, np.nan),
        "others_r2": design.others_r2.get(term, np.nan),
        "live_hours": float(np.exp(design.offset).sum()),
        "reason": design.left_out.get(term, reason),
    }
    if found is None or term not in design.terms:
        return row | {"reason": row["reason"] or "no series has values in the live hours"}
    of = found.effect(design.terms[term])
    row |= {
        "effect": of.value,
        "error": of.error,
        "interval_low": of.low,
        "interval_high": of.high,
        "p": of.p,
        "effective_clusters": of.effective,
        "dispersion": found.fit.dispersion,
    }
    limit = settings.most_explained
    if row["season_r2"] > limit:
        row["reason"] = f"the calendar explains {row['season_r2']:.1%} of the series: it cannot be told from the season"
    elif row["others_r2"] > limit:
        row["reason"] = f"all else explains {row['others_r2']:.1%} of the series: it cannot be told apart"
    elif of.effective < settings.least_clusters:
        row["reason"] = f"{of.effective:.1f} effective clusters; {settings.least_clusters:g} are needed"
    return row


def _beside(term: str, found: ClassFit, inputs: LinkInputs, settings: LinksSettings, with_gain: bool) -> dict[str, Any]:
    """Return the cross-validated gain and the lagged correlation of a term."""
    design, fit = found.design, found.fit
    columns, row = design.terms[term], {}
    if with_gain:
        fold = folds_of(design.hour, settings.folds, settings.fold_days)
        row["gain"] = gain(fit, design.matrix, found.counts, design.offset, columns, fold)
    # Residuals without the term, the other coefficients being as they are: what the term could explain.
    mean = fit.mean * np.exp(-design.matrix[:, columns] @ fit.beta[columns])
    mean *= found.counts.sum() / max(float(mean.sum()), 1e-12)
    rest = np.full(len(inputs.live), np.nan)
    rest[design.hour] = (found.counts - mean) / np.sqrt(fit.variance)
    lagged = lagged_correlation(rest, inputs.terms[term], round(settings.longest_lag), round(24 * settings.guard_days))
    if lagged is not NO_LAG:
        row |= {"lag_hours": float(lagged.lag), "lag_correlation": lagged.correlation, "lag_p": lagged.p}
    return row


def _phase_row(inputs: LinkInputs, name: str, constituent: str, settings: LinksSettings) -> dict[str, Any]:
    found = phase_test(inputs.times.get(name, np.zeros(0, np.int64)), inputs.intervals, constituent)
    row = dict(vars(found))
    if found.events < settings.least_events and constituent in TESTED and not found.reason:
        few = f"{found.events} events; {settings.least_events} are needed"
        row |= {"p": np.nan, "declustered": np.nan, "reason": few}
    return row


def _lag_rows(found: ClassFit | None, settings: LinksSettings) -> list[dict[str, Any]]:
    """Return the effects of the bins of distributed lags, all terms in one regression, and their sum."""
    bins = [(0, 1), *pairwise(settings.lag_hours)]
    rows = []
    for term, columns in found.design.terms.items() if found is not None else ():
        if found is None or len(columns) < 2:
            continue
        parts = [(*bin_, np.array([column])) for bin_, column in zip(bins, columns, strict=True)]
        for first, last, own in [*parts, (0, settings.lag_hours[-1], columns)]:
            of = found.effect(own)
            said = {"effect": of.value, "interval_low": of.low, "interval_high": of.high}
            rows.append({"series": term, "from_hours": first, "to_hours": last, **said})
    return rows
