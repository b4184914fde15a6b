"""What a model that was trained on reviews has beside its clusters: names, and the reviews themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReviewedClasses:
    """The classes of a class model, and the reviews that it was trained on.

    Attributes
    ----------
    names
        Name of the class of each of the K clusters, in their order; each name once.
    reviewed
        Class name by the reviewers of each event that was reviewed, by event id: the final word. Classes of too few
        events to be a cluster are in it as well.
    renames
        For each name that a class had earlier the name that it has now, from renames and merges of the review log.
    simulated
        Whether any of the reviews was made by the simulated reviewer of synthetic networks.
    """

    names: tuple[str, ...]
    reviewed: Mapping[str, str] = field(repr=False)
    renames: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of the clusters, then those of reviewed classes without a cluster in alphabetical order."""
        return (*self.names, *sorted(set(self.reviewed.values()).difference(self.names)))
