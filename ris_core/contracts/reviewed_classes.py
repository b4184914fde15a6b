"""What a model that was trained on reviews has beside its clusters: names, and the reviews themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Renamed:
    """Classes that got another name: a rename or a merge of the review log.

    Attributes
    ----------
    decision
        Identifier of the decision; empty in models of earlier versions.
    former
        The names before; of a merge into a class that was there already, this one as well.
    called
        The name since.
    """

    decision: str
    former: tuple[str, ...]
    called: str


def renames_of(values: object) -> tuple[Renamed, ...]:
    """Return renames from plain values: a list of records, or former and present names by earlier versions."""
    if isinstance(values, Mapping):
        return tuple(Renamed("", (str(old),), str(new)) for old, new in values.items())
    if not isinstance(values, Sequence) or not all(isinstance(one, Mapping) for one in values):
        raise TypeError(f"not a list of renames: {values!r}")
    return tuple(Renamed(str(o["decision"]), tuple(map(str, o["former"])), str(o["called"])) for o in values)


def present_names(
    names: Iterable[str], before: Sequence[Renamed] | None, now: Sequence[Renamed], there: Collection[str]
) -> dict[str, str]:
    """Return what classes that were called `names` are called now.

    Names follow what came after: renames that were withdrawn since are undone, then those that are new happen. So two
    classes may swap their names.

    Parameters
    ----------
    names
        Names at an earlier time.
    before, now
        All renames up to that time, and up to now, in the order of the log. Where those before are not known (none, or
        without identifiers), a name that is `there` stays as it is.
    there
        Names of the classes that there are now.
    """
    if before is None or not all(one.decision for one in (*before, *now)):
        return {name: name if name in there else _renamed(name, now) for name in names}
    same = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    return {name: _renamed(_undone(name, before[same:]), now[same:]) for name in names}


def _renamed(name: str, renames: Sequence[Renamed]) -> str:
    for one in renames:
        name = one.called if name in one.former else name
    return name


def _undone(name: str, renames: Sequence[Renamed]) -> str:
    """Return the name before renames; of merged classes nobody can say which one a class was."""
    for one in reversed(renames):
        name = one.former[0] if name == one.called and len(one.former) == 1 else name
    return name


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
        Renames and merges of the review log before the training, in its order.
    simulated
        Whether any of the reviews was made by the simulated reviewer of synthetic networks.
    """

    names: tuple[str, ...]
    reviewed: Mapping[str, str] = field(repr=False)
    renames: tuple[Renamed, ...] = ()
    simulated: bool = False

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of the clusters, then those of reviewed classes without a cluster in alphabetical order."""
        return (*self.names, *sorted(set(self.reviewed.values()).difference(self.names)))
