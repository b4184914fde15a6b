"""The numbers of classes: by the events that clusters share, and by the names that reviewers give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ris_core import config
from ris_core.clustering.champion import Champion
from ris_core.clustering.matching import Matching, first_classes, known_classes, match_clusters, match_named
from ris_core.contracts.reviewed_classes import ReviewedClasses, present_names
from ris_core.labels.companion import Beside


def number_clusters(
    settings: config.ChampionSettings,
    before: Champion | None,
    shared: NDArray[np.int32] | None,
    version: str,
    clusters: NDArray[np.int32],
    k: int,
) -> Matching:
    """Return the class numbers of a model without names.

    Parameters
    ----------
    settings
        Section `champion`: `least_overlap`.
    before, shared
        The previous champion, and its cluster of each event (N,) of the training set; none for a first champion.
    version, clusters, k
        Version of the model, its cluster of each of the events (N,), and their number.
    """
    if before is None or shared is None:
        return first_classes(clusters, k)
    own = before.classes_of.get(version)
    if own is not None:
        return known_classes(shared, clusters, before.classes, own, before.next_class)
    return match_clusters(shared, clusters, before.classes, k, before.next_class, settings.least_overlap)


def number_classes(
    settings: config.ChampionSettings,
    before: Champion | None,
    shared: NDArray[np.int32] | None,
    beside: Beside | None,
    clusters: NDArray[np.int32],
    classes: ReviewedClasses,
) -> tuple[Matching, dict[int, str]]:
    """Return the class numbers of a class model, and the names of all classes that class models have had so far.

    A class keeps its number by its name, which is followed through the renames of the review log, so that classes may
    swap their names; otherwise it gets the number that `champion.names` gives to this name. Classes of other names are
    matched by their events with classes that have no name by reviews: those of the previous champion, or of the model
    beside a first champion. Classes that were reviewed but are no cluster of the model get numbers as well.

    Parameters
    ----------
    settings
        Section `champion`: `least_overlap`, `names`.
    before, shared
        As for `number_clusters`.
    beside
        The model that stands beside it.
    clusters, classes
        The cluster of each event (N,), and the names.
    """
    if before is not None:
        former, next_class = before.classes, before.next_class
    elif beside is not None:
        former, shared = beside.companion.classes, beside.clusters
        next_class = max(former) + 1
    else:
        former, next_class = (), 0
    names = {} if before is None else _followed(before, classes)
    if beside is not None:
        next_class = max(next_class, max(beside.companion.classes) + 1)
    known = _known(names, classes, settings.names, next_class)
    matching = match_named(
        np.zeros_like(clusters) if shared is None else shared,
        clusters,
        former,
        classes.names,
        known,
        names.keys(),
        next_class,
        settings.least_overlap,
    )
    names |= dict(zip(matching.classes, classes.names, strict=True))
    next_class = matching.next_class
    for name in classes.all_names[len(classes.names) :]:
        number = known.get(name, next_class)
        next_class = max(next_class, number + 1)
        names[number] = name
    return matching.until(next_class), names


def _followed(before: Champion, classes: ReviewedClasses) -> dict[int, str]:
    """Return the present names of the classes that class models have had so far, by number.

    Of classes that became one, the class of the remaining name has it, else that of the smallest number. The others
    keep their former names, in case the merge is withdrawn, unless another class has such a name now.
    """
    present = present_names(before.names.values(), before.renames, classes.renames, classes.all_names)
    found: dict[str, int] = {}
    for number, name in sorted(before.names.items(), key=lambda one: (present[one[1]] != one[1], one[0])):
        found.setdefault(present[name], number)
    kept = {number: name for name, number in found.items()}
    rest = {n: name for n, name in before.names.items() if n not in kept and name not in found}
    return dict(sorted((kept | rest).items()))


def _known(
    names: Mapping[int, str], classes: ReviewedClasses, of_settings: Mapping[int, str], next_class: int
) -> dict[str, int]:
    """Return the number of each name that has one: by former champions, by the settings."""
    wanted = set(classes.all_names)
    known = {name: number for number, name in sorted(names.items(), reverse=True) if name in wanted}
    for number, name in sorted(of_settings.items()):
        if name in wanted and number not in names and 0 <= number < next_class:
            known.setdefault(name, number)
    return known
