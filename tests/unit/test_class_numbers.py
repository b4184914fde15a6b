"""Class numbers of class models: by name, by former name, by the settings, and by the events that classes share."""

from dataclasses import replace

import numpy as np
import pytest

from ris_core.clustering.champion import Champion, Companion, class_names, class_titles
from ris_core.clustering.matching import match_named
from ris_core.config import ChampionSettings
from ris_core.contracts.reviewed_classes import Renamed, ReviewedClasses
from ris_core.labels.class_numbers import number_classes
from ris_core.labels.companion import Beside

SETTINGS = ChampionSettings()
FORMER = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
"""The cluster of ten events by a model of three clusters."""


def champion(classes: tuple[int, ...], names: dict[int, str] | None = None, next_class: int = 0) -> Champion:
    return Champion(
        k=len(classes),
        model_version="before",
        origin="here",
        classes=classes,
        next_class=max(next_class, max(classes) + 1),
        classes_of={"before": classes},
        normalisation={},
        novelty="",
        reviewed=bool(names),
        names=names or {},
    )


def classes(*names: str, also: str = "", **renames: str) -> ReviewedClasses:
    events = {f"event {n}": name for n, name in enumerate([*names, *([also] if also else [])])}
    return ReviewedClasses(names, events, tuple(Renamed(old, (old,), new) for old, new in renames.items()))


def test_the_first_class_model_keeps_the_numbers_of_clusters_with_the_same_events() -> None:
    # Its classes are in another order; the events of cluster 1 are of two classes now.
    clusters = np.array([1, 1, 1, 0, 2, 2, 3, 3, 3, 3])
    found, names = number_classes(SETTINGS, champion((4, 7, 9)), FORMER, None, clusters, classes("a", "b", "c", "d"))
    assert found.classes == (10, 4, 7, 9)
    assert found.states == ("new", "kept", "kept", "kept")
    assert names == {10: "a", 4: "b", 7: "c", 9: "d"}
    assert found.next_class == 11
    assert found.lost == ()


def test_a_class_keeps_its_number_by_its_name_whatever_its_events_are() -> None:
    before = champion((4, 7, 9), {4: "whale", 7: "rift", 9: "noise"})
    # The events of `rift` are called `whale` now and the other way round: numbers follow names.
    clusters = np.array([1, 1, 1, 0, 0, 0, 2, 2, 2, 2])
    found, names = number_classes(SETTINGS, before, FORMER, None, clusters, classes("whale", "rift", "noise"))
    assert found.classes == (4, 7, 9)
    assert found.states == ("kept", "kept", "kept")
    assert found.overlap == (0.0, 0.0, 1.0)
    assert names == before.names


def test_a_new_name_never_takes_the_number_of_another_name() -> None:
    before = champion((4, 7), {4: "whale", 7: "rift"})
    clusters = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    found, names = number_classes(SETTINGS, before, np.minimum(FORMER, 1), None, clusters, classes("orca", "rift"))
    assert found.classes == (8, 7)
    assert found.lost == (4,)
    assert names == {4: "whale", 7: "rift", 8: "orca"}


def test_a_renamed_class_keeps_its_number_and_a_merged_one_gives_it_up() -> None:
    before = champion((4, 7, 9), {4: "whale", 7: "rift", 9: "noise"})
    renamed = classes("orca", "rift", whale="orca", noise="rift")
    found, names = number_classes(SETTINGS, before, FORMER, None, np.minimum(FORMER, 1), renamed)
    assert found.classes == (4, 7)
    assert found.lost == (9,)
    assert names[4] == "orca" and names[7] == "rift"
    # Classes that were merged into a new name keep the smallest of their numbers.
    merged = classes("tremor", "noise", whale="tremor", rift="tremor")
    found, names = number_classes(SETTINGS, before, FORMER, None, np.minimum(FORMER, 1), merged)
    assert found.classes == (4, 9)


SWAP = (Renamed("1", ("whale",), "x"), Renamed("2", ("rift",), "whale"), Renamed("3", ("x",), "rift"))
"""`whale` and `rift` swap their names."""


@pytest.mark.parametrize("earlier", [(), (Renamed("0", ("crack",), "rift"),)])
def test_classes_that_swap_their_names_keep_their_numbers(earlier: tuple[Renamed, ...]) -> None:
    before = replace(champion((4, 7), {4: "whale", 7: "rift"}), renames=earlier)
    shared = clusters = np.minimum(FORMER, 1)
    swapped = replace(classes("whale", "rift"), renames=(*earlier, *SWAP))
    found, names = number_classes(SETTINGS, before, shared, None, 1 - clusters, swapped)
    assert found.classes == (7, 4) and names == {4: "rift", 7: "whale"}
    assert found.overlap == (1.0, 1.0) and found.states == ("kept", "kept")
    # They stay with another model of the same reviews, and swap back where the renames are withdrawn.
    after = replace(champion((7, 4), names), renames=swapped.renames)
    assert number_classes(SETTINGS, after, shared, None, clusters, swapped)[0].classes == (7, 4)
    found, names = number_classes(SETTINGS, after, shared, None, clusters, replace(swapped, renames=earlier))
    assert found.classes == (4, 7) and names == before.names


def test_a_name_of_a_class_that_was_merged_can_be_given_to_another() -> None:
    renames = (Renamed("1", ("rift", "whale"), "rift"), Renamed("2", ("noise",), "whale"))
    before = replace(champion((4, 7, 9), {4: "whale", 7: "rift", 9: "noise"}), renames=())
    found, names = number_classes(
        SETTINGS, before, FORMER, None, np.minimum(FORMER, 1), replace(classes("rift", "whale"), renames=renames)
    )
    assert found.classes == (7, 9) and names == {7: "rift", 9: "whale"}


def test_a_name_comes_back_with_its_number_after_champions_without_it() -> None:
    before = champion((4, 7), {4: "whale", 7: "rift", 2: "noise"}, next_class=12)
    found, _ = number_classes(SETTINGS, before, np.minimum(FORMER, 1), None, FORMER, classes("whale", "rift", "noise"))
    assert found.classes == (4, 7, 2)
    assert found.states == ("kept", "kept", "back")


def test_names_of_the_settings_lead_to_their_numbers() -> None:
    settings = ChampionSettings(names={7: "whale", 99: "rift"})
    found, _ = number_classes(
        settings, champion((4, 7)), np.minimum(FORMER, 1), None, FORMER, classes("whale", "rift", "x")
    )
    # 7 by the settings; 99 is of no class so far.
    assert found.classes[0] == 7
    assert 99 not in found.classes


def test_without_a_champion_the_model_beside_gives_the_first_numbers() -> None:
    beside = Beside(Companion("attributes/consensus", 3, "beside", (0, 1, 2)), None, FORMER)  # type: ignore[arg-type]
    clusters = np.array([1, 1, 1, 0, 0, 0, 2, 3, 3, 3])
    found, _ = number_classes(SETTINGS, None, None, beside, clusters, classes("a", "b", "c", "d"))
    assert found.classes == (1, 0, 3, 2)
    alone, _ = number_classes(SETTINGS, None, None, None, clusters, classes("a", "b", "c", "d"))
    assert alone.classes == (0, 1, 2, 3)


def test_classes_without_a_cluster_have_numbers_as_well() -> None:
    before = champion((4, 7), {4: "whale", 7: "rift", 5: "quarry"})
    found, names = number_classes(
        SETTINGS, before, np.minimum(FORMER, 1), None, np.minimum(FORMER, 1), classes("whale", "rift", also="thunder")
    )
    assert names[8] == "thunder" and found.next_class == 9
    _, names = number_classes(
        SETTINGS, before, np.minimum(FORMER, 1), None, np.minimum(FORMER, 1), classes("whale", "rift", also="quarry")
    )
    assert names == before.names


def test_names_of_the_settings_are_shown_above_those_of_the_reviews() -> None:
    before, settings = champion((4, 7, 9), {4: "whale", 7: "rift"}), ChampionSettings(names={7: "rift icequake"})
    assert class_names(settings, [4, 7, 9], before) == {4: "whale", 7: "rift icequake", 9: "9"}
    assert class_titles(settings, [4, 7, 9], before) == {4: "4 whale", 7: "7 rift icequake", 9: "9"}
    assert class_names(settings, [4, 7]) == {4: "4", 7: "rift icequake"}


@pytest.mark.parametrize("known", [{"a": 1, "b": 1}, {"a": 5}, {"a": -1}])
def test_impossible_numbers_are_refused(known: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a number of its own below 3"):
        match_named(FORMER, np.minimum(FORMER, 1), (0, 1, 2), ("a", "b"), known, (), 3, 0.3)
