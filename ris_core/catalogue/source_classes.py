"""The classes whose events may be of one source at several stations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson

from ris_core.catalogue.coincidences import alike_pairs, chance
from ris_core.catalogue.sources import associate, compatible_pairs
from ris_core.config import CatalogueSettings

Integers = NDArray[np.int64]


def source_classes(settings: CatalogueSettings, classes: pd.DataFrame) -> tuple[int, ...] | None:
    """Return the class numbers whose events may be of one source at several stations; none if all may.

    With ``auto`` these are the classes whose coincidences are both improbable by chance and much more than it: a small
    excess over many coincidences may be due to rates that change within the hour.

    Parameters
    ----------
    settings
        Section `catalogue`.
    classes
        One row per class: `label`, `coincidences`, `expected_by_chance` (NaN if not known: then no class is chosen).
    """
    if settings.source_classes == "all":
        return None
    if settings.source_classes != "auto":
        return settings.source_classes
    found = classes["coincidences"].to_numpy(dtype=np.float64)
    expected = classes["expected_by_chance"].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        improbable = poisson.sf(found - 1, expected) <= settings.chance_p
        clear = found - expected >= settings.least_excess * found
    chosen = classes["label"].to_numpy(dtype=np.int64)[np.isfinite(expected) & improbable & clear & (found > 0)]
    return tuple(sorted(chosen.tolist()))


def classes_of_events(
    time_ns: Integers,
    station: NDArray[np.integer[Any]],
    label: Integers,
    live: Mapping[int, Integers] | None,
    longest: Integers,
    settings: CatalogueSettings,
) -> pd.DataFrame:
    """Return `label`, `coincidences` and `expected_by_chance` of the classes of N events, in the order of time.

    Parameters are those of `coincidences.chance`, with class numbers (N,); the time in question is that of the events.
    """
    numbers, kind = np.unique(label, return_inverse=True)
    start, end = (int(time_ns[0]), int(time_ns[-1]) + 1) if len(time_ns) else (0, 1)
    expected = chance(time_ns, station, kind, live, longest, start, end).classes
    pairs = alike_pairs(compatible_pairs(time_ns, station, longest), label)
    found = np.bincount(kind[pairs[:, 0]], minlength=len(numbers))
    return pd.DataFrame({"label": numbers, "coincidences": found, "expected_by_chance": expected})


def sources_of(
    time_ns: Integers,
    station: NDArray[np.integer[Any]],
    label: Integers,
    live: Mapping[int, Integers] | None,
    longest: Integers,
    settings: CatalogueSettings,
) -> Integers:
    """Return the groups (N,) of `sources.associate` among events, with the classes that the settings choose."""
    chosen = source_classes(settings, classes_of_events(time_ns, station, label, live, longest, settings))
    return associate(time_ns, station, longest, kinds_of(label, settings.same_class, chosen)).group


def kinds_of(label: Integers, same_class: bool, chosen: tuple[int, ...] | None) -> Integers | None:
    """Return `kind` of `sources.associate` for the labels (N,) of events; none if all may belong together.

    Parameters
    ----------
    label
        Class numbers, −1 without a label.
    same_class
        Whether only events of one class may belong together.
    chosen
        Classes that take part; none if all do.
    """
    if not same_class and chosen is None:
        return None
    wanted = np.ones(len(label), bool) if chosen is None else np.isin(label, chosen)
    # Events without a label may be of one source, too.
    numbers = label + 1 if same_class else np.zeros(len(label), np.int64)
    return np.where(wanted, numbers, -1)
