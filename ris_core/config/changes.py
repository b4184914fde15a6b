"""Which settings have changed since something was made, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ris_core.config.defaults import RECOMMENDED


def changed_values(before: Mapping[str, Any], now: Mapping[str, Any], profile: str) -> tuple[str, ...]:
    """Return the settings that differ, with both values; settings that one of the two does not know are left out.

    Parameters
    ----------
    before, now
        Sections as plain values, then and at present.
    profile
        Of the settings at present: what has the default of the profile `recommended` is said to have it, because this
        may have changed with the version of the platform.
    """
    defaults = RECOMMENDED if profile == "recommended" else {}
    return tuple(_changed(before, now, defaults, ""))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any], defaults: Mapping[str, Any], path: str) -> list[str]:
    found = []
    for name in sorted(before.keys() & now.keys()):
        then, present, default = before[name], now[name], defaults.get(name)
        if isinstance(then, Mapping) and isinstance(present, Mapping):
            found += _changed(then, present, default if isinstance(default, Mapping) else {}, f"{path}{name}.")
        elif then != present:
            ours = ", the default of the profile recommended" if name in defaults and default == present else ""
            found.append(f"{path}{name} was {then}, is {present}{ours}")
    return found
