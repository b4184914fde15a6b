"""Outside the adapters, only what other packages document is imported from them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ris_core.config import PROJECT_ROOT

DOCUMENTED = {
    "dask": {"", "config"},
    "dask_jobqueue.slurm": {"SLURMCluster"},
    "distributed": {"CancelledError", "Client", "LocalCluster", "Security", "as_completed", "get_worker"},
    "mlflow": {"", "MlflowClient"},
    "mlflow.entities": {"Dataset", "DatasetInput", "InputTag", "Metric", "Param", "Run", "RunTag"},
    "mlflow.exceptions": {"MlflowException"},
    "mlflow.models": {"Model"},
    "mlflow.models.signature": {"ModelSignature"},
    "mlflow.pyfunc": {"PythonModel", "PythonModelContext"},
    "mlflow.types": {"Schema", "TensorSpec"},
    "obspy": {"Inventory", "Stream", "Trace", "UTCDateTime", "read_inventory"},
    "obspy.clients.fdsn.header": {"URL_MAPPINGS"},
    "obspy.clients.filesystem.sds": {"Client"},
    "obspy.core.inventory": {"Channel", "Inventory", "Network", "Site", "Station"},
    "obspy.core.inventory.response": {
        "CoefficientsTypeResponseStage",
        "FIRResponseStage",
        "InstrumentSensitivity",
        "PolesZerosResponseStage",
        "PolynomialResponseStage",
        "Response",
    },
    "obspy.geodetics": {"gps2dist_azimuth"},
    "obspy.io.mseed": {"InternalMSEEDError"},
    "obspy.signal": {"trigger"},
    "obspy.signal.interpolation": {"lanczos_interpolation"},
    "obspy.signal.trigger": {"recursive_sta_lta", "trigger_onset"},
    "pymseed": {"DataEncoding", "MS3Record", "nslc2sourceid", "sourceid2nslc"},
}
"""Names that may be imported by module; an empty one stands for the module itself."""

PACKAGES = {module.split(".")[0] for module in DOCUMENTED}
ADAPTERS = [
    PROJECT_ROOT / "ris_dagster" / "mlflow_adapter",
    PROJECT_ROOT / "ris_dagster" / "dask_adapter",
    PROJECT_ROOT / "ris_core" / "waveforms" / "libmseed.py",
]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import of the packages in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        else:
            continue
        yield from (one for one in found if one[0].split(".")[0] in PACKAGES)


@pytest.mark.parametrize("room", ["ris_core", "ris_dagster", "bench"])
def test_only_documented_names_are_imported_outside_the_adapters(room: str) -> None:
    files = [p for p in sorted((PROJECT_ROOT / room).rglob("*.py")) if not any(p.is_relative_to(a) for a in ADAPTERS)]
    assert files
    undocumented = [
        f"{path.relative_to(PROJECT_ROOT)}: {module} {name}"
        for path in files
        for module, name in imports(path)
        if name not in DOCUMENTED.get(module, ())
    ]
    assert undocumented == []
