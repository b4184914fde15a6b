"""Registries of things that can be added: of each kind, its settings and where its code is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

from ris_core.plugins import Plugin, plugin_being_loaded
from ris_core.section import Section

T = TypeVar("T")


class UnknownKindError(ValueError):
    """There is no member of this kind. The message names those that there are."""


class Registry:
    """The members of one family, by kind.

    A member is two things: a settings section whose field named `key` has the kind as its default and only value, and
    a class, which is imported when it is first needed, so that settings are read without loading what they describe.

    Parameters
    ----------
    family
        What the members are, in words, for errors: ``representation``.
    key
        Name of the field of a section that holds the kind.
    """

    def __init__(self, family: str, key: str = "kind") -> None:
        self.family, self.key = family, key
        self._settings: dict[str, type[Section]] = {}
        self._places: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}

    def add(self, settings: type[Section], implementation: str) -> None:
        """Add a member; the same member may be added again.

        Parameters
        ----------
        settings
            Its section; the default of the field `key` is its kind.
        implementation
            ``module:Class``.

        Raises
        ------
        ValueError
            Another member has this kind already, or the section does not say its kind.
        """
        field = settings.model_fields.get(self.key)
        kind = None if field is None else field.default
        if not isinstance(kind, str):
            raise ValueError(f"{settings.__name__}: a {self.family} has a field `{self.key}` with its name as default")
        if self._places.get(kind, implementation) != implementation:
            raise ValueError(f"{self.family} {kind!r} is {self._places[kind]} already; give {implementation} another")
        self._settings[kind], self._places[kind] = settings, implementation
        plugin = plugin_being_loaded()
        # A plug-in may be the first to import the module that adds the members of this project.
        if plugin is not None and not implementation.startswith("ris_core."):
            self._plugins[kind] = plugin

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of all members, in the order in which they were added."""
        return tuple(self._places)

    @property
    def implementations(self) -> Mapping[str, str]:
        """Where the code of each kind is, ``module:Class``."""
        return self._places

    def plugin(self, kind: str) -> Plugin | None:
        """Return the plug-in that added a kind; none if it belongs to this project, or was not added while loading."""
        self._require(kind)
        return self._plugins.get(kind)

    def settings_of(self, kind: str) -> type[Section]:
        """Return the section of a kind; raises `UnknownKindError`."""
        self._require(kind)
        return self._settings[kind]

    def load(self, kind: str, base: type[T]) -> type[T]:
        """Return the class of a kind.

        Parameters
        ----------
        kind
            Of the member.
        base
            What the class must be derived from.

        Raises
        ------
        UnknownKindError
            There is no such member.
        TypeError
            Its class is of another family.
        """
        self._require(kind)
        module, _, name = self._places[kind].partition(":")
        found = getattr(importlib.import_module(module), name)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise TypeError(f"{self._places[kind]}: not a {base.__name__}, so it cannot be a {self.family}")
        return found

    def parse(self, value: object) -> Section:
        """Return the section that a mapping with the key of the kind describes; a section is returned unchanged.

        Raises
        ------
        ValueError
            There is no such kind, the kind is missing, or a value is not allowed.
        """
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping) or not isinstance(value.get(self.key), str):
            raise ValueError(f"a {self.family} needs its `{self.key}`: one of {', '.join(self.kinds)}")
        return self.settings_of(str(value[self.key])).model_validate(dict(value))

    def kind_of(self, settings: Section) -> str:
        """Return the kind of a section."""
        return str(getattr(settings, self.key))

    def _require(self, kind: Any) -> None:
        if kind not in self._places:
            raise UnknownKindError(
                f"{self.family} {kind!r} is not known; there are {', '.join(self.kinds)} (a plug-in adds others)"
            )
