"""Members of registries for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ris_core.plugins import Plugin
from ris_core.registry import Registry
from ris_core.section import Section


@contextmanager
def added(
    registry: Registry[Any], settings: type[Section], implementation: str = "", plugin: Plugin | None = None
) -> Iterator[None]:
    """Add a member as `Registry.add` does, if named as the plug-in does that has it, and take it out at the end."""
    with pytest.MonkeyPatch.context() as loading:
        loading.setattr("ris_core.registry.plugin_being_loaded", lambda: plugin)
        registry.add(settings, implementation)
    try:
        yield
    finally:
        registry.remove(settings.model_fields[registry.key].default)
