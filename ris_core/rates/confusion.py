"""How often a model takes one class for another, and what counts would be without that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.clustering.reviewed.class_model_reading import CLASS_MODEL_AGAIN
from ris_core.config import ChampionSettings, RatesSettings
from ris_core.models.model_file import read_description
from ris_core.storage.damage import damage_named
from ris_core.storage.layout import Layout

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Events by their class and by the class that a model gave them.

    Attributes
    ----------
    classes
        Names of the K classes.
    counts
        (K, K) tested events: rows are true classes, columns those by the model.
    source
        Where the counts come from, in words.
    numbers
        Class numbers of the K classes, as in label tables; empty if unknown.
    """

    classes: tuple[str, ...]
    counts: FloatArray = field(repr=False)
    source: str
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        k = len(self.classes)
        if self.counts.shape != (k, k) or not np.isfinite(self.counts).all() or (self.counts < 0).any():
            raise ValueError(f"counts must be {k} x {k} numbers of 0 or more, got shape {self.counts.shape}")
        if self.numbers and len(self.numbers) != k:
            raise ValueError(f"{len(self.numbers)} numbers for {k} classes")

    @property
    def tested(self) -> FloatArray:
        """Number of tested events of each true class, (K,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def prior(self) -> FloatArray:
        """Parameters (K, K) of the rows' Dirichlet distributions after the tested events.

        Before them each row has 1/K for each class (Perks 1947), which weighs as much as one event.
        """
        return self.counts + 1.0 / len(self.classes)

    @property
    def shares(self) -> FloatArray:
        """Expected probability (K, K) that an event of a class (row) is given each class (column)."""
        rows: FloatArray = self.prior / self.prior.sum(axis=1, keepdims=True)
        return rows

    def drawn(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """Return probabilities (draws, K, K) as they may be, each row drawn from its Dirichlet distribution."""
        gamma = rng.standard_gamma(np.broadcast_to(self.prior, (draws, *self.prior.shape)))
        found: FloatArray = gamma / gamma.sum(axis=-1, keepdims=True)
        return found

    def doubts(self, least_tested: int, most_condition: float) -> tuple[str, ...]:
        """Return in words why counts cannot be unmixed; empty if they can.

        Parameters
        ----------
        least_tested
            Tested events that each class needs.
        most_condition
            Greatest condition number of `shares`: two classes that are given the same names cannot be told apart.
        """
        said = [
            f"{name}: {int(n)} tested events, {least_tested} are needed; review more of this class"
            for name, n in zip(self.classes, self.tested, strict=True)
            if n < least_tested
        ]
        condition = float(np.linalg.cond(self.shares))
        if not said and condition > most_condition:
            said.append(
                f"the model confuses classes too much to tell them apart (condition number {condition:.3g}, at most "
                f"{most_condition:g}); merge classes, or review more events of those that are confused"
            )
        return tuple(said)


def unmix(counts: NDArray[Any], confusion: Confusion) -> FloatArray:
    """Return counts as they would be on average if the model did not confuse classes: n M⁻¹, with rows n.

    Means and sums stay unbiased, for known probabilities M, because small counts may become negative; a table that is
    shown clips them at 0.

    Parameters
    ----------
    counts
        (…, K) events by the class that the model gave them, the classes in the order of `confusion`.
    confusion
        Its `shares` are M.

    Returns
    -------
    ndarray
        (…, K), with the same sum over the classes.

    Raises
    ------
    numpy.linalg.LinAlgError
        Two classes cannot be told apart at all; `Confusion.doubts` says so beforehand.
    """
    values: FloatArray = np.asarray(counts, float) @ np.linalg.inv(confusion.shares)
    return values


@dataclass(frozen=True, eq=False)
class Unmixed:
    """Counts without confusion, and their interval.

    Attributes
    ----------
    value, low, high
        (…, K), 0 or more.
    """

    value: FloatArray = field(repr=False)
    low: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)


def unmix_with_interval(
    counts: NDArray[Any],
    confusion: Confusion,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    certain: NDArray[Any] | None = None,
) -> Unmixed:
    """Return counts without confusion, with an interval that carries their own and the confusion's uncertainty.

    Each draw takes rows of the confusion from their Dirichlet distributions, and means of the Poisson counts n from
    gamma distributions: n for the lower end, n + 1 for the upper one. If nothing is ever confused, the interval is thus
    that of Garwood (1936, doi 10.2307/2333958).

    Parameters
    ----------
    counts
        (…, K) events by the class that the model gave them.
    confusion
        The classes, in the same order.
    level
        Probability of the interval.
    draws, seed
        Number of draws, and their seed.
    certain
        (…, K) further events whose class is known, for example from reviewers; they are added.
    """
    given = np.asarray(counts)
    k = given.shape[-1]
    sure = np.zeros_like(given) if certain is None else np.asarray(certain)
    both = np.concatenate([given.reshape(-1, k), sure.reshape(-1, k)], axis=1)
    distinct, which = np.unique(both, axis=0, return_inverse=True)
    distinct, sure = distinct[:, :k], distinct[:, k:]
    rng = np.random.default_rng(seed)
    inverse = np.linalg.inv(confusion.drawn(rng, draws))
    low, high = np.empty(distinct.shape), np.empty(distinct.shape)
    tails = (1 - level) / 2, (1 + level) / 2
    at_once = max(1, 4_000_000 // (draws * max(distinct.shape[1], 1)))
    positive, negative = np.maximum(inverse, 0), np.minimum(inverse, 0)
    for start in range(0, len(distinct), at_once):
        rows = slice(start, start + at_once)
        n = np.broadcast_to(distinct[rows].astype(float), (draws, *distinct[rows].shape))
        lower = rng.standard_gamma(n)
        upper = lower + rng.standard_exponential(n.shape)
        # What other classes lend is greatest where theirs is, so the ends take opposite ends of theirs.
        known = rng.standard_gamma(np.broadcast_to(sure[rows].astype(float), n.shape))
        low[rows] = np.quantile(lower @ positive + upper @ negative + known, tails[0], axis=0)
        high[rows] = np.quantile(upper @ positive + lower @ negative + known, tails[1], axis=0)
    value = np.maximum(unmix(distinct, confusion), 0.0) + sure
    parts = [np.maximum(part, 0.0)[which.reshape(-1)].reshape(given.shape) for part in (value, low, high)]
    return Unmixed(parts[0], np.minimum(parts[1], parts[0]), np.maximum(parts[2], parts[0]))


def known_confusion(
    layout: Layout, names: ChampionSettings | None = None, rates: RatesSettings | None = None
) -> Confusion | None:
    """Return how often the champion takes one class for another; none unless it is a class model that was tested.

    Audits are drawn at random from all events. Where every class has `rates.least_audits` of them, they alone are used;
    else all cross-validated reviews, among which those that are hard to tell are too frequent.

    Parameters
    ----------
    layout
        The data root.
    names
        Section `champion`: what classes are called; by default as in the reviews.
    rates
        Section `rates`: `least_audits`.

    Raises
    ------
    DamagedFileError
        The champion's record or its copy of the model is damaged.
    """
    champion = champion_or_none(layout)
    if champion is None or not champion.reviewed:
        return None
    folder = layout.champion_model(champion.model_version)
    metadata = read_description(folder, CLASS_MODEL_AGAIN).metadata
    with damage_named(folder, CLASS_MODEL_AGAIN):
        found = metadata.get("assessment", {})
        tables = [np.array(found.get(name, []), float) for name in ("audit_confusion", "confusion")]
        of_audits, of_all = tables
        if of_all.size == 0 or not of_all.sum():
            return None
        numbers = tuple(int(number) for number in champion.classes)
        called = class_names(names or ChampionSettings(), numbers, champion)
        least = (rates or RatesSettings()).least_audits
        audited = bool((of_audits.sum(axis=1) >= least).all())
        source = (
            f"{int(of_audits.sum())} audits, drawn at random from all events"
            if audited
            else f"cross-validation of {int(of_all.sum())} reviewed events; some class has fewer than {least} "
            "audits, and reviews prefer events that are hard to tell, so confusion may be overstated"
        )
        if metadata.get("simulated"):
            source += "; the reviewer was simulated"
        classes = tuple(called[number] for number in numbers)
        return Confusion(classes, of_audits if audited else of_all, f"{champion.model_version}: {source}", numbers)
