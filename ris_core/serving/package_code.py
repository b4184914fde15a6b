"""What a packaged model needs to run: a part of ris_core, which is stored with the model, and libraries."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ris_core.plugins import Plugin

_ROOT = Path(__file__).parents[2]
_PROJECT = "ris_core"
ENTRY = f"{_PROJECT}.serving.packaged"
"""The module that MLflow runs to load a package."""
REQUIREMENTS = (
    "croniter",
    "joblib",
    "numpy",
    "pydantic",
    "pyyaml",
    "safetensors",
    "scipy",
    "scikit-learn",
    "threadpoolctl",
    "torch",
)
"""Distributions of the libraries that the code imports. MLflow adds itself."""
_SETTINGS_ONLY = f"{_PROJECT}.detectors"
"""A room that settings import, but whose functions do not run in a package; its libraries are not needed."""


@dataclass(frozen=True)
class PackageCode:
    """What the module `ENTRY` and the members of a model import, directly or through others, also inside functions.

    Attributes
    ----------
    files
        The modules of ris_core: paths relative to the folder that ris_core is in.
    libraries
        Names of the other modules that are imported, without those of Python itself.
    """

    files: frozenset[Path]
    libraries: frozenset[str]

    def copy(self, folder: Path) -> tuple[Path, Path]:
        """Copy the modules into a folder, and return the copy of ris_core and that of the module `ENTRY`."""
        for file in self.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_ROOT / file, folder / file)
        return folder / _PROJECT, folder.joinpath(*ENTRY.split(".")).with_suffix(".py")


def package_code(members: Iterable[str] = ()) -> PackageCode:
    """Return the code that a packaged model needs, read from the import statements of this version.

    Imports for type checkers only are not followed.

    Parameters
    ----------
    members
        Modules of the representation and the clusterer of the model, which a registry imports by their names. Those of
        plug-ins are no part of this code: their distributions are required (`pinned_requirements`).
    """
    files: set[Path] = set()
    libraries: set[str] = set()
    waiting = [ENTRY, *(name for name in members if name.partition(".")[0] == _PROJECT)]
    while waiting:
        name = waiting.pop()
        top, _, _ = name.partition(".")
        if top != _PROJECT:
            libraries.add(top)
            continue
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # the folder of a module, or the module of a name
        if (file := _file(name)) is not None and file not in files:
            files.add(file)
            found = list(_imported(ast.parse((_ROOT / file).read_text(encoding="utf-8"))))
            of_settings = name.startswith(_SETTINGS_ONLY)
            waiting += [one for one in found if not of_settings or one.partition(".")[0] == _PROJECT]
    return PackageCode(frozenset(files), frozenset(libraries - sys.stdlib_module_names))


def pinned_requirements(plugins: Iterable[Plugin] = ()) -> list[str]:
    """Return the requirements of a package, and of plug-ins, with the versions that are installed here."""
    # A package index does not know the label that a build adds to its version ("+cpu").
    pinned = [f"{name}=={metadata.version(name).split('+')[0]}" for name in REQUIREMENTS]
    return pinned + sorted({f"{plugin.distribution}=={plugin.version}" for plugin in plugins})


def _file(name: str) -> Path | None:
    """Return the file of a module of ris_core, as in `PackageCode.files`; none if there is no such module."""
    place = Path(*name.split("."))
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if (_ROOT / file).is_file()), None)


def _imported(tree: ast.AST) -> Iterator[str]:
    """Return the names that the statements of a module import; those of ``from a import b`` as ``a.b``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imported(node)
