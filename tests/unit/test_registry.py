"""Registries: kinds with their settings and their code; what is wrong is said by name."""

from typing import Literal

import pytest
from members import added

from ris_core.config import CLUSTERERS, REPRESENTATIONS, KMeansSettings, SpectraSettings
from ris_core.registry import Registry, UnknownKindError
from ris_core.representations.representation import Representation
from ris_core.section import Section


class Tiny(Section):
    """A member of a test."""

    kind: Literal["tiny"] = "tiny"
    size: int = 3


class WithoutKind(Section):
    """No member: it does not say its kind."""


def test_a_member_is_found_by_its_kind_and_its_settings_are_parsed() -> None:
    registry: Registry[Section] = Registry("thing")
    registry.add(Tiny, "test_registry:Tiny")
    registry.add(Tiny, "test_registry:Tiny")  # the same again
    assert registry.kinds == ("tiny",)
    assert registry.parse({"kind": "tiny", "size": 4}) == Tiny(size=4)
    assert registry.load("tiny", Section) is Tiny
    assert registry.kind_of(Tiny()) == "tiny"


def test_a_kind_that_is_not_known_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownKindError, match=r"representation 'vicreg' is not known; there are aec, spectra"):
        REPRESENTATIONS.parse({"kind": "vicreg"})
    with pytest.raises(ValueError, match="a clusterer needs its `kind`: one of kmeans, gmm"):
        CLUSTERERS.parse({"n_init": 3})


def test_two_members_of_one_kind_and_one_without_a_kind_are_refused() -> None:
    registry: Registry[Section] = Registry("thing")
    registry.add(Tiny, "test_registry:Tiny")
    with pytest.raises(ValueError, match="is test_registry:Tiny already"):
        registry.add(Tiny, "elsewhere:Tiny")
    with pytest.raises(ValueError, match="has a field `kind`"):
        registry.add(WithoutKind, "test_registry:WithoutKind")


def test_the_same_member_of_a_module_that_was_imported_again_takes_the_place_of_the_first() -> None:
    registry: Registry[Section] = Registry("thing")
    again = type("Tiny", (Tiny,), {"__module__": Tiny.__module__, "__qualname__": Tiny.__qualname__})
    registry.add(Tiny)
    registry.add(again)
    assert registry.load("tiny", Section) is again


def test_a_mapping_without_a_kind_is_of_the_default() -> None:
    registry: Registry[Section] = Registry("thing", default="tiny")
    registry.add(Tiny)
    assert registry.parse({"size": 5}) == Tiny(size=5)
    with pytest.raises(UnknownKindError, match="thing None is not known"):
        registry.parse({"kind": None})


def test_a_member_is_taken_out_again() -> None:
    registry: Registry[Section] = Registry("thing")
    with added(registry, Tiny):
        assert registry.sections == (Tiny,)
    assert registry.kinds == ()
    with pytest.raises(UnknownKindError, match="thing 'tiny' is not known"):
        registry.remove("tiny")


def test_a_class_of_another_family_is_refused() -> None:
    registry: Registry[Section] = Registry("thing")
    registry.add(Tiny, "test_registry:Tiny")
    with pytest.raises(TypeError, match="not a Representation"):
        registry.load("tiny", Representation)  # type: ignore[type-abstract]


def test_the_members_of_the_product_can_be_loaded() -> None:
    from ris_core.clustering.clusterer import clusterer_class
    from ris_core.representations.representation import representation_class

    assert [representation_class(kind).kind for kind in REPRESENTATIONS.kinds] == list(REPRESENTATIONS.kinds)
    assert [clusterer_class(kind).kind for kind in CLUSTERERS.kinds] == list(CLUSTERERS.kinds)
    assert SpectraSettings().kind in REPRESENTATIONS.kinds and KMeansSettings().kind in CLUSTERERS.kinds
