"""A release: a folder that is ready for a repository, written as a whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.station_positions import positions
from ris_core.clustering.champion import champion_or_none
from ris_core.exports.checksums import write_checksums
from ris_core.exports.data_card import CardNumbers, abstract_of, data_card
from ris_core.exports.export_run import Exported, Format, export
from ris_core.exports.model_folder import write_model
from ris_core.exports.release_words import ReleaseWords, citation_cff, datacite
from ris_core.exports.selection import Selection
from ris_core.exports.station_layers import require_geopandas
from ris_core.report.cautions import cautions
from ris_core.report.provenance_part import digests_of, tables_of, versions_here
from ris_core.report.report_run import write_report
from ris_core.station_days.station_days import StationDays

_FORMATS: tuple[Format, ...] = ("quakeml", "csv", "parquet", "stations")
_MODEL = "model"


class NotEmptyError(ValueError):
    """The folder of a release has files already."""


@dataclass(frozen=True)
class Released:
    """A release that was written.

    Attributes
    ----------
    folder
        The folder.
    exported
        Its data.
    files, size
        Number of files, and their bytes.
    left_out
        What it lacks, and why.
    """

    folder: Path
    exported: Exported
    files: int
    size: int
    left_out: tuple[str, ...]


def release(network: StationDays, folder: Path, words: ReleaseWords, licence_text: str = "") -> Released:
    """Write a release of all events to a new folder.

    Parameters
    ----------
    network
        The network.
    folder
        A folder that does not exist, or is empty.
    words
        What is said of it.
    licence_text
        Text of the licence; by default the page that has it is named.

    Raises
    ------
    NotEmptyError
        The folder has files.
    MissingReleaseExtraError
        geopandas is not installed.
    NothingSelectedError, NoCatalogueError, DamagedFileError, CannotWriteError
        As `export`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotEmptyError(f"{folder}: it exists and is not empty; a release is written to a new folder")
    require_geopandas()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent) as temporary:
        place = Path(temporary) / folder.name
        found, left_out = _write(network, place, words, licence_text)
        if folder.exists():
            folder.rmdir()
        place.rename(folder)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Released(folder, found, len(sizes), sum(sizes), tuple(left_out))


def _write(network: StationDays, place: Path, words: ReleaseWords, licence_text: str) -> tuple[Exported, list[str]]:
    layout, champion = network.layout, champion_or_none(network.layout)
    found = export(network, place / "data", Selection(), _FORMATS)
    left_out = []
    if why := write_model(network, place / _MODEL):
        shutil.rmtree(place / _MODEL, ignore_errors=True)
        left_out.append(f"the model: {why}")
    parts = write_report(network, place / "report.html").parts
    left_out += [f"report.html, part {one.part.title}: {one.absent}" for one in parts if one.absent]
    numbers = CardNumbers(_stations(network, place), _period(network), cautions(network), left_out)
    abstract, made_by = abstract_of(network, words, found.total, numbers), f"ris-dagster {version('ris-dagster')}"
    known = positions(network.settings, layout)
    _text(place / "README.md", data_card(network, words, found, champion, numbers))
    _text(place / "CITATION.cff", citation_cff(words, abstract))
    _json(place / "datacite.json", datacite(words, abstract, numbers.period, known, made_by))
    _text(place / "LICENSE.txt", licence_text or f"{words.licence}\n{words.licence_url}\n")
    _text(place / "settings.yaml", _settings(network))
    said = {"made_by": made_by, "versions": versions_here(), "digests": digests_of(network)}
    tables = tables_of(network).astype(object).where(lambda frame: frame.notna(), None).to_dict("records")
    _json(place / "provenance.json", {**said, "tables": tables})
    write_checksums(place)
    return found, left_out


def _stations(network: StationDays, place: Path) -> pd.DataFrame:
    import geopandas

    layer = geopandas.read_parquet(place / "data" / "stations.parquet")
    frame = pd.DataFrame(layer[["station", "latitude", "longitude", "live_hours", "events"]])
    frame["live_hours"] = frame["live_hours"].round(1)
    return frame.astype(object).where(frame.notna(), "not known")


def _period(network: StationDays) -> tuple[str, str]:
    times = load_catalogue(network.layout, columns=["time_peak"])["time_peak"]
    return f"{times.min():%Y-%m-%d}", f"{times.max():%Y-%m-%d}"


def _settings(network: StationDays) -> str:
    """Return all settings as YAML; absolute paths become variables, since they say something of this machine only."""
    variables: dict[str, str] = {}
    said = _without_paths(network.settings.model_dump(mode="json"), variables, "")
    named = "".join(f"# ${{{name}}}: {about}\n" for name, about in variables.items())
    return f"# All settings of this release, with their defaults.\n{named}" + yaml.safe_dump(
        said, sort_keys=False, allow_unicode=True
    )


def _without_paths(value: Any, variables: dict[str, str], way: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_paths(one, variables, f"{way}.{key}".strip(".")) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_paths(one, variables, f"{way}.{number}") for number, one in enumerate(value)]
    if isinstance(value, str) and (value.startswith(("/", "~")) or ("://" in value and "@" in value)):
        name = f"RIS_{way}".upper().replace(".", "_")
        variables[name] = f"{way}, a path of the machine that made this release"
        return f"${{{name}}}"
    return value


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
