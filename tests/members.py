"""Members of registries for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ris_core.registry import Registry
from ris_core.section import Section


@contextmanager
def added(registry: Registry[Any], settings: type[Section], implementation: str = "") -> Iterator[None]:
    """Add a member as `Registry.add` does, and take it out again at the end."""
    registry.add(settings, implementation)
    try:
        yield
    finally:
        registry.remove(settings.model_fields[registry.key].default)
