"""What docs/security.md says: names lead nowhere else, nothing is unpickled, secrets are not shown."""

import ast
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import sds_path, sds_values, write_archive, write_yaml
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import XMLSyntaxError
from obspy import Trace, UTCDateTime, read_inventory
from pydantic import ValidationError
from store import Store

from ris_core.config import PROJECT_ROOT, Settings, StationSettings, load_settings
from ris_core.contracts.station_day import StationDay
from ris_core.models.model_file import WeightsError
from ris_core.models.published_weights import import_published
from ris_core.station_days.running import StageTask, run_station_day

DAY = date(2020, 3, 1)
HOSTILE = ["..", ".", "../..", "/etc", "a/b", "a\\b", "..\\..", "C:\\x", "A\0B", "AA\n", "~", "$HOME", "AA/../../BB"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("store")
    settings = Settings.model_validate(sds_values(root))
    return Store(settings, root / "data")


OF_STATION_DAYS = ("waveform", "acquisition", "detections", "spectrograms", "labels")
OF_NAMES = ("inventory", "aec", "imported", "champion_model", "analysis")
PLACES = [*OF_STATION_DAYS, *OF_NAMES, "failure"]


def path_of(store: Store, place: str, name: str) -> Path:
    """Return a path of the store that a name from outside is part of."""
    if place == "failure":
        return store.failure("process", StationDay(name, DAY))
    found: Path = getattr(store, place)(StationDay(name, DAY) if place in OF_STATION_DAYS else name)
    return found


@pytest.mark.parametrize("code", HOSTILE)
@pytest.mark.parametrize("place", ["network", "name", "station", "channel", "location"])
def test_settings_refuse_codes_that_could_be_paths(tmp_path: Path, place: str, code: str) -> None:
    values: dict[str, Any] = sds_values(tmp_path)
    if place in ("network", "name"):
        values["network"]["code" if place == "network" else "name"] = code
    elif place == "station":
        values["stations"][0]["code"] = code
    else:
        values[place] = code
    with pytest.raises(ValidationError):
        Settings.model_validate(values)


@pytest.mark.parametrize("place", PLACES)
@given(name=st.text(max_size=12) | st.sampled_from(HOSTILE))
def test_no_name_leads_out_of_the_data_folder(store: Store, place: str, name: str) -> None:
    try:
        path = path_of(store, place, name)
    except ValueError:
        return
    assert path.resolve().is_relative_to(store.root.resolve())
    assert ".." not in path.parts


@given(code=st.text(max_size=10))
def test_a_station_code_that_settings_take_is_a_name_in_every_path(store: Store, code: str) -> None:
    try:
        StationSettings(code=code)
    except ValidationError:
        return
    for place in PLACES:
        path = path_of(store, place, code)
        assert path.resolve().is_relative_to(store.root.resolve())


def test_headers_that_name_another_place_write_nothing_there(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], [DAY])
    header = {"network": "..", "station": "../..", "location": "", "channel": "HHZ", "sampling_rate": 100}
    header["starttime"] = UTCDateTime(2020, 3, 1, 6)
    trace = Trace(np.arange(6000, dtype=np.int32), header)
    trace.write(str(sds_path(archive, "AA", DAY)), format="MSEED")
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    xml = '<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1"><Source>x</Source>'
    xml += '<Created>2020-01-01T00:00:00</Created><Network code="../../.."><Station code="../AA"></Station></Network>'
    (inventory / "XX.AA.xml").write_text(xml + "</FDSNStationXML>", encoding="utf-8")
    values = sds_values(archive, stations=["AA"], days=[DAY])
    values["source"]["inventory"] = str(inventory)
    settings = load_settings(write_yaml(tmp_path / "small.yaml", values))
    Store(settings, tmp_path / "data" / "small")

    def everything() -> set[Path]:
        return {p for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "data" / "small")}

    before = everything()
    task = StageTask("acquire", settings.model_dump_json(), str(tmp_path / "data" / "small"))
    outcome = run_station_day(task, StationDay("AA", DAY))
    assert outcome.made is None or not outcome.made.result.has_data
    run_station_day(StageTask("process", task.settings_json, task.root), StationDay("AA", DAY))
    assert everything() == before


def test_station_xml_cannot_read_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("horse staple", encoding="utf-8")
    path = tmp_path / "XX.AA.xml"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
        '<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1"><Source>&e;</Source>'
        "<Created>2020-01-01T00:00:00</Created></FDSNStationXML>",
        encoding="utf-8",
    )
    with pytest.raises(XMLSyntaxError, match="Entity 'e' not defined"):
        read_inventory(str(path), format="STATIONXML")


UNPICKLING = {
    "pickle": {"UnpicklingError"},
    "joblib": {"cpu_count", "Parallel", "delayed"},
    "cloudpickle": set(),
    "dill": set(),
    "shelve": set(),
    "marshal": set(),
}
"""Modules that unpickle, and what of them is harmless."""

NEVER = {"read_pickle", "to_pickle", "full_load", "unsafe_load", "load_all", "load_learner"}


def faults(source: str) -> list[str]:
    """Return what in a source text could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in UNPICKLING:
            names = {alias.name for alias in node.names} - UNPICKLING[node.module]
            found += [f"from {node.module} import {name}" for name in names]
        if isinstance(node, ast.Attribute) and node.attr not in UNPICKLING.get(ast.unparse(node.value), {node.attr}):
            found.append(ast.unparse(node))
        if isinstance(node, ast.Call):
            found += [ast.unparse(node)] if _runs_what_it_reads(node) else []
    return found


def _runs_what_it_reads(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    options = {k.arg: ast.unparse(k.value) for k in call.keywords}
    if name == "torch.load":
        return options.get("weights_only") != "True"
    if name.startswith(("mlflow.pytorch", "mlflow.sklearn")):
        return True
    return (
        options.get("allow_pickle", "False") != "False"
        or options.get("shell", "False") != "False"
        or name in ("eval", "exec", "yaml.load", "os.system", "torch.save")
        or name.rsplit(".", maxsplit=1)[-1] in NEVER
    )


@pytest.mark.parametrize("package", ["ris_core", "ris_dagster", "bench"])
def test_nothing_is_unpickled_and_nothing_that_was_read_is_run(package: str) -> None:
    sources = sorted((PROJECT_ROOT / package).rglob("*.py"))
    assert sources
    found = {str(p): [f for f in faults(p.read_text(encoding="utf-8")) if not _is_input(p, f)] for p in sources}
    assert {path: f for path, f in found.items() if f} == {}


def _is_input(path: Path, fault: str) -> bool:
    """Whether a benchmark writes what it then spoils: weights of others are such files."""
    return path.parent.name == "bench" and fault.startswith("torch.save(")


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(file)",
        "from pickle import loads",
        "import joblib\njoblib.load(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader)",
        "pd.read_pickle(path)",
        "subprocess.run(text, shell=True)",
        "mlflow.pytorch.load_model(uri)",
        "eval(text)",
    ],
)
def test_the_search_for_unpickling_finds_it(source: str) -> None:
    assert faults(source)


class _Hostile:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_a_weight_file_with_a_program_in_it_is_refused_and_does_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "it_ran"
    weights = tmp_path / "weights.pt"
    torch.save({"encoder.weight": _Hostile(trace)}, weights)
    with pytest.raises(WeightsError, match=r"weights\.pt"):
        import_published(weights)
    assert not trace.exists()
