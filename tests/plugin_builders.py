"""Distributions with plug-ins, as an installer leaves them: in a folder that is put on PYTHONPATH."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def install_plugin(folder: Path, distribution: str, version: str, entry: str, modules: Mapping[str, str]) -> Path:
    """Write a distribution with one entry point of the group, and return the folder for PYTHONPATH.

    Parameters
    ----------
    folder
        Where distributions are; may hold others.
    distribution, version
        Name and version of the distribution.
    entry
        The entry point, like ``bells = bells:register``.
    modules
        Source of its modules by name.
    """
    # As wheels have it: two names with the same beginning before a hyphen would count as one distribution.
    about = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(f"[ris_core.plugins]\n{entry}\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def with_plugins(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python with a folder of distributions in a process of its own, which loads their plug-ins."""
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
