"""The detectors that there are, by the name that `detector.method` gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from ris_core.detectors.carl import CarlTrigger
from ris_core.detectors.detector import Detector
from ris_core.detectors.sta_lta import ClassicStaLta, DelayedStaLta, RecursiveStaLta
from ris_core.detectors.z_detect import ZDetector
from ris_core.plugins import Plugin, plugin_being_loaded

DEFAULT = RecursiveStaLta


class Detectors:
    """A registry of detectors; a plug-in adds its own.

    Parameters
    ----------
    *members
        Its first members.
    """

    def __init__(self, *members: type[Detector]) -> None:
        self._members: dict[str, type[Detector]] = {}
        self._plugins: dict[str, Plugin] = {}
        for member in members:
            self.add(member)

    def add(self, member: type[Detector]) -> None:
        """Add a detector, which settings may then name; the same one may be added again.

        Raises
        ------
        ValueError
            It has no name, or that of another detector.
        """
        method = member.model_fields["method"].default
        if not isinstance(method, str):
            raise ValueError(f"{member.__name__}: a detector has a field `method` with its name as default")
        if self._members.get(method, member) is not member:
            raise ValueError(f"{member.__name__}: another detector is called {method!r}; give this one another name")
        self._members[method] = member
        plugin = plugin_being_loaded()
        # A plug-in may be the first to import this module, which adds the members of this project.
        if plugin is not None and not member.__module__.startswith("ris_core."):
            self._plugins[method] = plugin

    def plugin(self, detector: Detector) -> Plugin | None:
        """Return the plug-in that added a detector; none if it belongs to this project."""
        return self._plugins.get(detector.method)

    def __iter__(self) -> Iterator[type[Detector]]:
        return iter(self._members.values())

    def read(self, value: Any) -> Any:
        """Return the detector that a section of the settings describes; leave what is no section as it is.

        Raises
        ------
        ValueError
            No detector has this name, or its settings cannot be used.
        """
        if not isinstance(value, Mapping):
            return value
        method = value.get("method", DEFAULT.model_fields["method"].default)
        member = self._members.get(method) if isinstance(method, str) else None
        if member is None:
            raise ValueError(
                f"method ({method}) is no detector; known are {', '.join(self._members)}, and what plug-ins add"
            )
        return member.model_validate(dict(value))


DETECTORS = Detectors(RecursiveStaLta, ClassicStaLta, DelayedStaLta, ZDetector, CarlTrigger)

AnyDetector = Annotated[SerializeAsAny[Detector], BeforeValidator(DETECTORS.read)]
"""A section of the settings that is one of the registered detectors."""
