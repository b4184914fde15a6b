"""What the figures were made with: versions, settings and digests of the tables."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from ris_core.clustering.champion import champion_or_none
from ris_core.report.html_elements import Html, heading, note, pairs, table
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError

_PACKAGES = (
    "ris-dagster",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "obspy",
    "pymseed",
    "scikit-learn",
    "torch",
    "statsmodels",
    "matplotlib",
)
_TITLES = {"content": "digest of the rows", "settings": "digest of the settings", "made": "step version"}


def provenance(days: StationDays) -> Sequence[Html]:
    """Return versions, digests of the settings, and the tables that the report was made from."""
    return [
        heading("Versions"),
        pairs(versions_here()),
        heading("Settings and model"),
        pairs(digests_of(days)),
        note("Of a stage: its step version, and the digest of the settings that influence it."),
        heading("Tables"),
        table(tables_of(days), _TITLES),
        note("Digests tell contents apart. Each file has them in its metadata; `ris verify` compares them."),
    ]


def versions_here() -> dict[str, object]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"Python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def digests_of(days: StationDays) -> dict[str, object]:
    """Return step versions and digests of the settings and of the model that labels."""
    settings, champion = days.settings, champion_or_none(days.layout)
    digests: dict[str, object] = {stage: each.code_version for stage, each in days.stages.items()}
    if champion is not None:
        digests |= {"model": champion.model_version, "digest of the model": champion.digest}
        if champion.mlflow_run_id:
            digests["run of the model"] = champion.mlflow_run_id
    digests["all settings"] = settings.digest()
    return digests


def analysis_files(days: StationDays) -> list[Path]:
    """Return the tables of the analysis on disk, in the order of their names."""
    root = days.layout.analysis("x").parent
    places = (root.glob("*.parquet"), days.layout.catalogue(1970, 1).parent.parent.rglob("*.parquet"),
              days.layout.environment("x").parent.glob("*.parquet"))  # fmt: skip
    return sorted(path for place in places for path in place)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def tables_of(days: StationDays) -> pd.DataFrame:
    """Return the tables of the analysis with rows, digests and step versions; of a damaged one why."""
    rows = []
    for path in analysis_files(days):
        row: dict[str, object] = {
            "table": days.layout.relative(path),
            "rows": None,
            "content": "",
            "settings": "",
            "made": "",
        }
        try:
            stamp, content, count = tables.read_stamp(path)
            row |= {"rows": count, "content": content or "none"}
            row |= {} if stamp is None else {"settings": stamp.settings, "made": stamp.version}
        except (DamagedFileError, FileNotFoundError) as error:
            row["content"] = error.why if isinstance(error, DamagedFileError) else "gone"
        rows.append(row)
    return pd.DataFrame(rows, columns=["table", "rows", "content", "settings", "made"])
