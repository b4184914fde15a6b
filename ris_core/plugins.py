"""Loads the plug-ins: entry points of the group `ris_core.plugins` in installed distributions, once in each process."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from types import ModuleType

GROUP = "ris_core.plugins"
"""Group of the entry points. Each leads to a module that registers members when it is imported, or to a function that
registers them when it is called without arguments."""


class PluginError(RuntimeError):
    """A plug-in cannot be loaded; the message names it, its distribution, and the remedy."""


@dataclass(frozen=True, order=True)
class Plugin:
    """A plug-in.

    Attributes
    ----------
    distribution, version
        The installed distribution that it belongs to.
    name
        Name of its entry point.
    """

    distribution: str
    version: str
    name: str

    @property
    def called(self) -> str:
        """What it is called in all its versions."""
        return f"{self.name} of {self.distribution}"

    def __str__(self) -> str:
        return f"{self.called} {self.version}"


class _Plugins:
    """The plug-ins of this process."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._loaded: tuple[Plugin, ...] | None = None
        self._error: PluginError | None = None
        self.being_loaded: Plugin | None = None

    def load(self) -> tuple[Plugin, ...]:
        with self._lock:
            if self._error is not None:
                raise self._error  # what it had registered before it failed is there: a second attempt says less
            if self._loaded is None:
                self._loaded = ()  # a plug-in that reads settings while it is loaded must not load it again
                try:
                    self._loaded = tuple(self._load(found) for found in _in_order())
                except PluginError as error:
                    self._error = error
                    raise
            return self._loaded

    def _load(self, found: EntryPoint) -> Plugin:
        plugin = self.being_loaded = _described(found)
        try:
            what = found.load()
            if not isinstance(what, ModuleType):
                what()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"the plug-in {plugin} ({found.value}) cannot be loaded: {type(error).__name__}: {error}; install a "
                f"version of {plugin.distribution} that fits, or remove it (pip uninstall {plugin.distribution})"
            ) from error
        finally:
            self.being_loaded = None
        return plugin


def _described(found: EntryPoint) -> Plugin:
    if found.dist is None:
        return Plugin("an unknown distribution", "", found.name)
    return Plugin(found.dist.name, found.dist.version, found.name)


def _in_order() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda found: (_described(found), found.value))


_PLUGINS = _Plugins()


def load_plugins() -> tuple[Plugin, ...]:
    """Load all plug-ins unless this process has done so, and return them.

    `ris_core.config.Settings` calls this before it reads values, so that the kinds of plug-ins are known wherever
    settings are read: in commands, in Dagster's processes and on workers, which get settings as JSON.

    Raises
    ------
    PluginError
        One cannot be loaded.
    """
    return _PLUGINS.load()


def plugin_being_loaded() -> Plugin | None:
    """Return the plug-in that is being loaded; none if the code that runs is not that of a plug-in's registration."""
    return _PLUGINS.being_loaded
