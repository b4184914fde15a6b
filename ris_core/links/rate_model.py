"""The regressions of one station's classes: of counts as labelled, or unmixed from a known confusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ris_core.config.links import TIDAL_KINDS, LinksSettings
from ris_core.links.clustered_errors import Effect, clustered_errors, effect
from ris_core.links.link_design import Calendar, LinkDesign, link_design
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.link_terms import lags_of, shifted
from ris_core.links.negative_binomial import Fit, NotFittedError, fit_negative_binomial
from ris_core.links.unmixed_regression import confusion_covariance, fit_unmixed, labelled_variances, unmixings
from ris_core.rates.confusion import Confusion

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassFit:
    """The regression of one class with its errors.

    Attributes
    ----------
    design
        The columns.
    counts : array of shape (N,)
        Counts, unmixed if a confusion is known.
    fit
        The regression.
    covariance : array of shape (P, P)
        Of its coefficients, with what the confusion adds.
    effective : array of shape (P,)
        Effective numbers of clusters.
    """

    design: LinkDesign
    counts: Floats
    fit: Fit
    covariance: Floats
    effective: Floats

    def effect(self, columns: Ints) -> Effect:
        """Return the sum of the coefficients of some columns."""
        variance = float(self.covariance[np.ix_(columns, columns)].sum())
        return effect(float(self.fit.beta[columns].sum()), variance, float(self.effective[columns].min()))


class RateModel:
    """The regressions of all classes of a station with one set of columns."""

    def __init__(
        self, inputs: LinkInputs, design: LinkDesign, inverses: Floats | None = None, like: RateModel | None = None
    ):
        """Take the counts of the hours of a design.

        Parameters
        ----------
        inputs, design
            The station's events, and the columns.
        inverses
            Unmixes the counts (`unmixings`).
        like
            A model of nearly the same hours, which already knows the variances of labelled counts.
        """
        self.design = design
        self.labelled = inputs.counts[design.hour].astype(np.float64)
        self.counts = self.labelled
        self._inverses = inverses
        if inverses is not None:
            self.counts = self.labelled @ inverses[0]
            if like is None:
                variances, self.starts = labelled_variances(design, self.labelled)
                self.variances = variances @ inverses[0] ** 2
            else:
                nearest = np.searchsorted(like.design.hour, design.hour).clip(0, len(like.design.hour) - 1)
                self.variances, self.starts = like.variances[nearest], like.starts

    def fit(self, place: int, start: Fit | None = None) -> ClassFit:
        """Return the regression of a class by its number.

        Raises
        ------
        NotFittedError
            It has no events, or did not come to an end.
        """
        design, own, between = self.design, self.counts[:, place], np.zeros(1)
        try:
            if self._inverses is None:
                fit = fit_negative_binomial(design.matrix, own, design.offset, design.penalised, start)
            else:
                first = start or self.starts[place]
                if first is None or len(first.beta) != design.matrix.shape[1]:
                    labelled = self.labelled[:, place]
                    first = fit_negative_binomial(design.matrix, labelled, design.offset, design.penalised)
                fit = fit_unmixed(design, own, self.variances[:, place], first)
                between = confusion_covariance(fit, design.matrix, self.labelled, self._inverses, place)
            errors = clustered_errors(fit, design.matrix, design.cluster)
        except np.linalg.LinAlgError as error:
            raise NotFittedError(str(error)) from error
        return ClassFit(design, own, fit, errors.covariance + between, errors.effective)


@dataclass(frozen=True, eq=False)
class StationModels:
    """The regressions of a station.

    Attributes
    ----------
    main
        Decides.
    moved
        With the tidal series earlier and later, by `tide_timing`.
    lagged
        With distributed lags; none if they are not wanted.
    """

    main: RateModel
    moved: tuple[RateModel, ...]
    lagged: RateModel | None


def station_models(
    inputs: LinkInputs, settings: LinksSettings, confusion: Confusion | None, lags: bool = True
) -> StationModels:
    """Return the regressions of a station; nothing is fitted yet but the labelled counts that are to be unmixed.

    Parameters
    ----------
    inputs
        Events, live time and series.
    settings
        Section `links`.
    confusion
        How often one class is taken for another; none: counts are used as labelled.
    lags
        Whether there are distributed lags.
    """
    shape = Calendar(settings.annual_harmonics, settings.solar_harmonics, settings.cluster_days)
    inverses = None if confusion is None else unmixings(confusion, settings.draws, settings.seed)
    tidal = {term.name for term in settings.terms if term.kind in TIDAL_KINDS}.intersection(inputs.terms)

    def model(change: Callable[[str, Floats], Floats], like: RateModel | None = None) -> RateModel:
        terms = {name: change(name, values) for name, values in inputs.terms.items()}
        design = link_design(inputs.edges, inputs.live, inputs.noise, terms, shape, with_r2=like is None)
        return RateModel(inputs, design, inverses, like)

    main = model(lambda name, values: values)
    moved = tuple(
        model(partial(_moved, tidal, hours), main)
        for hours in ((-settings.tide_timing, settings.tide_timing) if tidal and settings.tide_timing else ())
    )
    unseasonal = {name for name, r2 in main.design.season_r2.items() if r2 <= settings.most_explained}
    edges = {term: settings.lag_hours if term.name in unseasonal else () for term in settings.terms}
    of_name = {term.name: term for term in settings.terms}
    lagged = None
    if lags and main.design.terms:
        lagged = model(lambda name, values: lags_of(values, of_name[name], edges[of_name[name]]), main)
    return StationModels(main, moved, lagged)


def _moved(tidal: set[str], hours: float, name: str, values: Floats) -> Floats:
    return shifted(values, hours) if name in tidal else values
