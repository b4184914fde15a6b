"""The wheel, built from a copy of the checkout and installed in a new environment, in an empty folder. No downloads."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass, replace
from email import message_from_string
from pathlib import Path

import psutil
import pytest
import requests
from builders import DAYS, ENVIRONMENT, write_archive
from servers import Ui, served

from ris_core.config import PROJECT_ROOT

BUILT_FROM = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "workspace.yaml")
PACKAGES = ("ris_core", "ris_dagster", "ris_explorer")
SHIPPED = ("config", "deploy", "docs")
UNDERVOLC = PROJECT_ROOT.parent / "shared" / "data" / "undervolc" / "waveforms"


@dataclass(frozen=True)
class Installed:
    """A wheel, its `ris` in an environment that has our dependencies but not our checkout, and an empty folder."""

    wheel: Path
    ris: Path
    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Return what `ris` prints in the folder."""
        command = [self.ris, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=outside(), capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


def outside() -> dict[str, str]:
    """Return the environment of a user who knows no checkout."""
    ours = (*ENVIRONMENT, "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"COLUMNS": "200"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    source, wheels, environment, empty = (folder / name for name in ("source", "wheels", "environment", "empty"))
    source.mkdir()
    empty.mkdir()
    for name in BUILT_FROM:
        shutil.copyfile(PROJECT_ROOT / name, source / name)
    for name in (*PACKAGES, *SHIPPED):
        shutil.copytree(PROJECT_ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", wheels, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    venv.create(environment, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    # The folder that a .pth file names is searched, but its own .pth files are not read: the editable install is out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    into = ["--python", environment, "install", "--no-deps", "--no-index", "--no-compile", wheel]
    subprocess.run([*pip, *into], check=True, capture_output=True)
    return Installed(wheel, environment / "bin" / "ris", empty)


def test_the_wheel_has_every_file_of_its_packages_and_copies_of_what_they_need(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        there = {name: wheel.read(name) for name in wheel.namelist()}
    wanted = {
        file.relative_to(PROJECT_ROOT).as_posix(): file
        for package in PACKAGES
        for file in (PROJECT_ROOT / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    wanted |= {
        "ris_core/shipped/" + file.relative_to(PROJECT_ROOT).as_posix(): file
        for pattern in ("config/*", "deploy/**/*", "docs/**/*.md", "workspace.yaml")
        for file in PROJECT_ROOT.glob(pattern)
        if file.is_file()
    }
    assert {name for name in there if ".dist-info/" not in name} == set(wanted)
    assert all(there[name] == file.read_bytes() for name, file in wanted.items())


def test_the_metadata_name_authors_licences_python_and_extras(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
        (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(name).decode())
    assert metadata["Author"] == "The RIS Dagster authors"
    assert metadata["License-Expression"] == "MIT"
    assert {f"licenses/{name}" for name in metadata.get_all("License-File", [])} == {
        name.split(".dist-info/")[1] for name in names if ".dist-info/licenses/" in name
    }
    assert sum("/vendor/" in name for name in metadata.get_all("License-File", [])) >= 4
    assert "Programming Language :: Python :: 3.11" in metadata.get_all("Classifier", [])
    assert {"postgres", "slurm", "kubernetes", "environment", "release", "umap"} <= set(
        metadata.get_all("Provides-Extra", [])
    )


def test_a_stranger_goes_from_an_archive_to_the_servers_in_an_empty_folder(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, environment = installed.folder, installed.ris.parents[1]
    write_archive(folder / "archive", ("AA",), DAYS[:1])
    # Where the files are that messages name, like docs/method.md: beside the code, with the first tutorial.
    shipped = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    shipped /= "ris_core/shipped"
    assert str(shipped) in installed("--help").replace("\n", "")
    assert (shipped / "docs/first_network.md").is_file() and (shipped / "config/first_network.yaml").is_file()
    assert "mine.yaml is written" in installed("init", "mine", "--archive", "archive", "--preset", "volcano")
    assert "mine.yaml: good" in installed("check-config", "--config", "mine.yaml")
    ran = installed("run", "--config", "mine.yaml", "--only", "acquire", "--only", "process")
    assert re.search(r"events\D+[1-9]", ran)
    data = folder / "data"
    assert list(data.glob("mine/acquisition/station=AA/*.json")) and list(data.glob("mine/spectrograms/**/*.h5"))
    local = PROJECT_ROOT / "deploy" / "local" / "dagster.yaml"
    assert (data / "mine" / "dagster" / "dagster.yaml").read_bytes() == local.read_bytes()
    told = installed("env", "--config", "mine.yaml")
    assert f"export RIS_DATA={data}" in told
    assert f"export RIS_CONFIG={folder / 'mine.yaml'}" in told
    for name in (*ENVIRONMENT, "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    with served(folder / "mine.yaml", ris=installed.ris) as ui:
        _servers_show_the_network(ui)
        script = requests.get(ui.explorer + "/page/main.js", timeout=30)
        assert script.content == (PROJECT_ROOT / "ris_explorer" / "page" / "main.js").read_bytes()
        children = ui.process.children(recursive=True)
        assert len(children) >= 5  # webserver, daemon, code server, MLflow, explorer
        ui.process.send_signal(signal.SIGINT)
        assert ui.process.wait(60) == 0
        _, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []


def _servers_show_the_network(ui: Ui) -> None:
    query = "{repositoriesOrError {... on RepositoryConnection {nodes {location {name} assetNodes {id}}}}}"
    answer = requests.post(f"{ui.dagster}/graphql", json={"query": query}, timeout=60).json()
    (repository,) = answer["data"]["repositoriesOrError"]["nodes"]
    assert repository["location"]["name"] == "ris" and len(repository["assetNodes"]) > 15
    # Links in records name no port: each server leads to where the other one is now.
    for link, found_at in (
        (f"{ui.dagster}/mlflow/experiments/1/runs/abc", f"{ui.mlflow}/#/experiments/1/runs/abc"),
        (f"{ui.mlflow}/dagster/runs/abc", f"{ui.dagster}/runs/abc"),
    ):
        led = requests.get(link, timeout=60, allow_redirects=False)
        assert (led.status_code, led.headers["location"]) == (307, found_at)
    foreign = requests.get(f"{ui.mlflow}/dagster/runs/abc", headers={"Host": "evil.example"}, timeout=60)
    assert foreign.status_code == 403
    search = f"{ui.mlflow}/api/2.0/mlflow/experiments/search"
    found = requests.post(search, json={"max_results": 10}, timeout=60).json()["experiments"]
    assert "mine" in {experiment["name"] for experiment in found}
    # Without a catalogue the explorer's page is there, and its requests say how a catalogue is made.
    page = requests.get(ui.explorer, timeout=60).text
    assert page.startswith("<!doctype html>") and "main.js" in page
    lacking = requests.get(f"{ui.explorer}/api/network", timeout=60)
    assert lacking.status_code == 409 and "ris run --only update_catalogue" in lacking.json()["error"]
    assert f"Explorer: {ui.explorer}" in ui.output()


@pytest.mark.skipif(not UNDERVOLC.is_dir(), reason=f"{UNDERVOLC.relative_to(PROJECT_ROOT.parent)} is absent")
def test_real_data_become_settings_that_can_be_used(installed: Installed, tmp_path: Path) -> None:
    here = replace(installed, folder=tmp_path)
    assert "volcano.yaml is written" in here("init", "volcano", "--archive", str(UNDERVOLC), "--preset", "volcano")
    said = here("check-config", "--config", "volcano.yaml")
    assert "volcano.yaml: good" in said and "network YA, 2 stations, channel HHZ" in said


def test_example_settings_are_found_in_any_folder_unless_it_has_its_own(installed: Installed, tmp_path: Path) -> None:
    assert "21 station-days" in installed("check-config", "--config", "config/demo.yaml")
    own = tmp_path / "config" / "demo.yaml"
    own.parent.mkdir()
    own.write_text((PROJECT_ROOT / "config" / "demo.yaml").read_text("utf-8").replace("code: SY", "code: OWN"), "utf-8")
    here = replace(installed, folder=tmp_path)
    assert "network OWN" in here("check-config", "--config", "config/demo.yaml")
