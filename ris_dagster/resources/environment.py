"""The environment of a run, as tags of its MLflow run."""

import os
import platform
import subprocess
import sys
from importlib import metadata

from ris_core.plugins import load_plugins
from ris_core.shipped_files import CHECKOUT
from ris_dagster.mlflow_adapter.mlflow_tags import of_source

_PACKAGES = ("ris-dagster", "torch", "numpy", "scikit-learn", "dagster", "mlflow")


def environment_tags(device: str) -> dict[str, str]:
    """Return versions, plug-ins, threads, device, machine and git commit, for training on a device of the settings."""
    import torch

    from ris_core.models.device import resolve_device
    from ris_core.threads import cores

    chosen = resolve_device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
    return {
        "env.python": platform.python_version(),
        **{f"env.{package}": metadata.version(package) for package in _PACKAGES},
        **{f"env.plugin.{found.distribution}.{found.name}": found.version for found in load_plugins()},
        "env.device": name,
        "env.threads": str(cores()),
        "env.cores": str(os.cpu_count()),
        "env.platform": f"{sys.platform} {platform.machine()}",
        **git_tags(),
    }


def git_tags() -> dict[str, str]:
    """Return the commit of the project, and whether its files differ from the commit; nothing outside a checkout."""
    if CHECKOUT is None:
        return {}  # git would find the repository around an environment, which is another project's

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        commit, changed = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return {}
    return of_source(commit, bool(changed))
