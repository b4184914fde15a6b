"""Remedies of errors: what to do, in the words of the platform."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import ris_core
from ris_core.clustering.champion import NoChampionError
from ris_dagster import remedies


def _error_classes() -> set[str]:
    """Return the names of the error classes of all modules of ris_core."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(ris_core.__path__, "ris_core.")]
    return {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }


def test_every_remedy_is_for_an_error_that_exists() -> None:
    assert set(remedies._REMEDIES) <= _error_classes()


def test_ris_core_does_not_use_the_words_of_dagster() -> None:
    files = Path(ris_core.__path__[0]).rglob("*.py")
    words = re.compile(r"materiali[sz]|\basset", re.IGNORECASE)
    assert [file.name for file in files if words.search(file.read_text(encoding="utf-8"))] == []


def test_an_error_is_told_with_its_remedy() -> None:
    error = NoChampionError("no champion has been chosen yet")
    told = "no champion has been chosen yet; materialize champion_model first"
    assert remedies.with_remedy(error) == told
    assert remedies.with_remedy(f"NoChampionError: {error}") == f"NoChampionError: {told}"


def test_an_error_without_a_remedy_is_told_as_it_is() -> None:
    assert remedies.with_remedy(ValueError("no number")) == "no number"


def test_a_remedy_is_noted_below_the_message() -> None:
    with pytest.raises(NoChampionError) as caught, remedies.remedies_noted():
        raise NoChampionError("no champion has been chosen yet")
    assert caught.value.__notes__ == ["materialize champion_model first"]
