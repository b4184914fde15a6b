"""Registries of things that can be added: of each kind, its settings and where its code is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ris_core.plugins import Plugin, plugin_being_loaded
from ris_core.section import Section

S = TypeVar("S", bound=Section)
T = TypeVar("T")


class UnknownKindError(ValueError):
    """There is no member of this kind. The message names those that there are."""


@dataclass(frozen=True)
class _Member(Generic[S]):
    settings: type[S]
    implementation: str
    plugin: Plugin | None

    @property
    def names(self) -> tuple[str, str]:
        """Names of settings and code; a module that is imported again makes other classes of the same names."""
        return _place(self.settings), self.implementation


class Registry(Generic[S]):
    """The members of one family, by kind.

    A member is two things: a settings section whose field named `key` has the kind as its default and only value, and
    a class with the code. The class is the section itself, or another one that is imported when it is first needed, so
    that settings are read without loading what they describe.

    Parameters
    ----------
    family
        What the members are, in words, for errors: ``representation``.
    key
        Name of the field of a section that holds the kind.
    default
        The kind of a mapping that names none; by default there is none, and a kind must be named.
    """

    def __init__(self, family: str, key: str = "kind", default: str | None = None) -> None:
        self.family, self.key, self.default = family, key, default
        self._members: dict[str, _Member[S]] = {}

    def add(self, settings: type[S], implementation: str = "") -> None:
        """Add a member; the same member may be added again.

        Parameters
        ----------
        settings
            Its section; the default of the field `key` is its kind.
        implementation
            Where its class is, ``module:Class``; by default the section is its class.

        Raises
        ------
        ValueError
            Another member has this kind already, or the section does not say its kind.
        """
        field = settings.model_fields.get(self.key)
        kind = None if field is None else field.default
        if not isinstance(kind, str):
            raise ValueError(f"{settings.__name__}: a {self.family} has a field `{self.key}` with its name as default")
        before = self._members.get(kind)
        place = implementation or _place(settings)
        # A plug-in may be the first to import the module that adds the members of this project.
        plugin = None if place.startswith("ris_core.") else plugin_being_loaded()
        member = _Member(settings, place, plugin or (None if before is None else before.plugin))
        if before is not None and before.names != member.names:
            raise ValueError(
                f"{self.family} {kind!r} is {before.implementation} already; give {place} another `{self.key}`"
            )
        self._members[kind] = member

    def remove(self, kind: str) -> None:
        """Take a member out again, as after a trial in a notebook; raises `UnknownKindError`."""
        self._member(kind)
        del self._members[kind]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of all members, in the order in which they were added."""
        return tuple(self._members)

    @property
    def sections(self) -> tuple[type[S], ...]:
        """The settings sections of all members, in the same order."""
        return tuple(member.settings for member in self._members.values())

    def plugin(self, kind: str) -> Plugin | None:
        """Return the plug-in that added a kind; none if it belongs to this project, or was not added while loading."""
        return self._member(kind).plugin

    def settings_of(self, kind: str) -> type[S]:
        """Return the section of a kind; raises `UnknownKindError`."""
        return self._member(kind).settings

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
        member = self._member(kind)
        found: Any = member.settings
        if member.implementation != _place(member.settings):
            module, _, name = member.implementation.partition(":")
            found = getattr(importlib.import_module(module), name)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise TypeError(f"{member.implementation}: not a {base.__name__}, so it cannot be a {self.family}")
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
        kind = value.get(self.key, self.default) if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or (kind is None and self.key not in value):
            raise ValueError(f"a {self.family} needs its `{self.key}`: one of {', '.join(self.kinds)}")
        return self._member(kind).settings.model_validate(dict(value))

    def kind_of(self, settings: Section) -> str:
        """Return the kind of a section."""
        return str(getattr(settings, self.key))

    def _member(self, kind: object) -> _Member[S]:
        found = self._members.get(kind) if isinstance(kind, str) else None
        if found is None:
            raise UnknownKindError(
                f"{self.family} {kind!r} is not known; there are {', '.join(self.kinds)} (a plug-in adds others)"
            )
        return found


def _place(member: type) -> str:
    return f"{member.__module__}:{member.__qualname__}"
