"""The model that labels, as a folder that needs nothing else: package, code and requirements."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from ris_core.clustering.champion import champion_or_none
from ris_core.config import PROJECT_ROOT
from ris_core.labels.label_table import models_of
from ris_core.serving.example import example_events
from ris_core.serving.package import NoPackageError, Package, contents_of, members_of
from ris_core.serving.package_code import package_code, pinned_requirements
from ris_core.station_days.station_days import StationDays

USE = """\
import sys

sys.path.insert(0, "model/code")
from pathlib import Path
from ris_core.serving.package import Package

package = Package.open(Path("model/package"))
"""
"""How the model of a release is opened, in its folder."""


def write_model(network: StationDays, folder: Path) -> str:
    """Write the champion as ``package``, ``code`` and ``requirements.txt``; return why not, or nothing.

    The package is the first of `ris_core.serving.package.ways_of`, as it is registered in MLflow.
    """
    champion = champion_or_none(network.layout)
    if champion is None:
        return "no model labels this network"
    layout = network.layout
    try:
        model, novelty = models_of(layout, champion)
        events = example_events(layout.training_set, model)
        source = layout.champion_model(champion.model_version)
        contents = contents_of(network.settings, source, model, events, novelty, champion.classes)[0]
        contents.write(folder / "package")
        members = members_of(Package.open(folder / "package").model)
    except (NoPackageError, ValueError, OSError) as error:
        return str(error).replace(f"{layout.root}/", "")
    package_code(member.__module__ for member, _ in members).copy(folder / "code")
    if licence := _licence_of_code():
        (folder / "code" / "LICENSE").write_text(licence, encoding="utf-8")
    needed = pinned_requirements(plugin for _, plugin in members if plugin is not None)
    (folder / "requirements.txt").write_text("\n".join(needed) + "\n", encoding="utf-8")
    return ""


def _licence_of_code() -> str:
    """Return the licence of this project, under which the code in the folder stands."""
    own = distribution("ris-dagster")
    beside = PROJECT_ROOT / "LICENSE"
    found = own.read_text("licenses/LICENSE")
    return found or (beside.read_text(encoding="utf-8") if beside.is_file() else "")
