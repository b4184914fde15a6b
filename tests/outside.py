"""Packaged models in a process that has nothing of this project but what the package brings."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from builders import ENVIRONMENT

# What a user of the model does not have: all that its requirements do not name and MLflow does not bring.
ABSENT = ("dagster", "distributed", "h5py", "hdf5plugin", "httpx", "obspy", "ris_dagster", "tenacity", "tqdm", "xxhash")
FRESH_PROCESS = """
import importlib.abc, json, sys
import numpy as np

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import mlflow
model = mlflow.pyfunc.load_model({folder!r})
values = dict(np.load({values!r}))
answer = model.predict(values.get("", values))
import ris_core
print(json.dumps({{"code": ris_core.__file__}} | {{name: np.asarray(v).tolist() for name, v in answer.items()}}))
"""


def outside(folder: Path, plugins: Path | None = None) -> dict[str, Any]:
    """Return arguments of a subprocess that finds nothing of this project, but plug-ins in a folder if it is given."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", *ENVIRONMENT)}
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment |= {} if plugins is None else {"PYTHONPATH": str(plugins)}
    return {"cwd": folder, "env": environment | {"PATH": path, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'x.db'}"}}


def answer_outside(
    model: Path, values: np.ndarray | Mapping[str, np.ndarray], folder: Path, plugins: Path | None = None
) -> dict[str, Any]:
    """Return what the package in a folder answers there, loaded with its own code; `folder` is for files."""
    kept = folder / "values.npz"
    np.savez(kept, **(values if isinstance(values, Mapping) else {"": values}))
    code = FRESH_PROCESS.format(absent=set(ABSENT), folder=str(model), values=str(kept))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, **outside(folder, plugins)
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert Path(answer.pop("code")).is_relative_to(model)
    return answer
