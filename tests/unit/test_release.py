"""A release: complete, valid by the schemas of those who read it, and every changed byte is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import Opened, own_environment, ris
from cffconvert import Citation
from datacite import schema45

from ris_core.access import read_catalogue
from ris_core.config import CreatorSettings, load_settings
from ris_core.exports.checksums import NoChecksumsError, compare_checksums
from ris_core.exports.release_run import NotEmptyError, release
from ris_core.exports.release_words import IncompleteReleaseError, ReleaseWords, citation_cff, creator_of
from ris_core.serving.package import Package
from ris_core.storage.spectrogram_file import read_spectrograms

ADA = CreatorSettings(family_name="Müller", given_name='Ada "<&> |', orcid="0000-0002-1825-0097", affiliation="Ice: 1")
TEAM = CreatorSettings(organisation="Team & Söhne")


def words_of(network: Opened, **more: object) -> ReleaseWords:
    return ReleaseWords.of(
        network.settings, "cc-by-4.0", (ADA, TEAM), "Zenodo", doi="10.5281/zenodo.1", released=date(2026, 1, 2)
    )


@pytest.fixture(scope="module")
def released(network: Opened, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("release") / "folder"
    release(network.days, folder, words_of(network), "The whole text.\n")
    yield folder


def test_everything_is_there_and_as_listed(network: Opened, released: Path) -> None:
    names = {path.name for path in released.iterdir()}
    assert names == {
        "CITATION.cff", "LICENSE.txt", "README.md", "SHA256SUMS", "data", "datacite.json", "model", "provenance.json",
        "report.html", "settings.yaml",
    }  # fmt: skip
    assert compare_checksums(released).is_whole
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert (released / "LICENSE.txt").read_text() == "The whole text.\n"
    assert "MIT License" in (released / "model" / "code" / "LICENSE").read_text()
    catalogue = read_catalogue(network.days)
    pd.testing.assert_frame_equal(pd.read_parquet(released / "data" / "events.parquet"), catalogue)
    card = (released / "README.md").read_text(encoding="utf-8")
    for number, own in catalogue.groupby("label"):
        assert f"| {number} | {own['class_name'].iloc[0]} | {len(own):,} |" in card
    assert "The waveforms are synthetic" in card and "CC-BY-4.0" in card
    said = json.loads((released / "provenance.json").read_text(encoding="utf-8"))
    assert {"catalogue/year=2015/month=01.parquet"} <= {row["table"] for row in said["tables"]}
    root = str(network.store.root)
    assert not [path for path in released.rglob("*") if path.is_file() and root.encode() in path.read_bytes()]


def test_the_citation_is_valid_and_says_who(released: Path) -> None:
    text = (released / "CITATION.cff").read_text(encoding="utf-8")
    found = Citation(text)
    found.validate()
    first, second = found.cffobj["authors"]
    assert (first["family-names"], first["given-names"]) == (ADA.family_name, ADA.given_name)
    assert second["name"] == TEAM.organisation
    assert (found.cffobj["license"], found.cffobj["type"]) == ("CC-BY-4.0", "dataset")


def test_the_metadata_are_valid_by_datacite(network: Opened, released: Path) -> None:
    said = json.loads((released / "datacite.json").read_text(encoding="utf-8"))
    assert schema45.validate(said)
    assert said["creators"][0]["name"] == f"{ADA.family_name}, {ADA.given_name}"
    points = [place["geoLocationPoint"] for place in said["geoLocations"]]
    assert points[0] == dict(
        zip(("pointLatitude", "pointLongitude"), network.settings.stations[0].position, strict=True)
    )
    assert "synthetic" in said["descriptions"][0]["description"]


def test_the_settings_of_a_release_are_settings(network: Opened, released: Path) -> None:
    found = load_settings(released / "settings.yaml")
    assert found.digest() == network.settings.digest()


def test_the_model_of_a_release_answers_without_this_project(network: Opened, released: Path) -> None:
    events = read_spectrograms(network.days.layout.training_set, slice(0, 3))
    package = Package.open(released / "model" / "package")
    assert package.takes == "spectrograms"
    wanted = package.answer(events.spectrogram)
    np.save(released.parent / "x.npy", events.spectrogram)
    code = (
        "import sys; sys.path.insert(0, 'model/code')\n"
        "from pathlib import Path\nimport numpy as np\nimport ris_core\nfrom ris_core.serving.package import Package\n"
        "assert Path(ris_core.__path__[0]).resolve() == Path('model/code/ris_core').resolve()\n"
        "print(Package.open(Path('model/package')).answer(np.load('../x.npy'))['label'].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=released, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == wanted["label"].tolist()


def test_every_changed_missing_or_added_file_is_found(released: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(released, folder)
    assert ris("release", folder, "--verify").exit_code == 0
    data = bytearray((folder / "data" / "events.csv").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "data" / "events.csv").write_bytes(data)
    (folder / "settings.yaml").unlink()
    (folder / "data" / "mine").write_text("")
    found = compare_checksums(folder)
    assert (found.changed, found.missing, found.unknown) == (("data/events.csv",), ("settings.yaml",), ("data/mine",))
    done = ris("release", folder, "--verify")
    assert done.exit_code == 1 and "changed: data/events.csv" in done.output and "missing: settings.yaml" in done.output
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../outside\n")
    with pytest.raises(NoChecksumsError, match="line 1"):
        compare_checksums(folder)
    assert ris("release", tmp_path, "--verify").exit_code == 2


def test_a_folder_with_files_and_an_incomplete_release_are_refused(
    network: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("")
    with pytest.raises(NotEmptyError, match="not empty"):
        release(network.days, tmp_path / "there", words_of(network))
    with pytest.raises(IncompleteReleaseError, match=r"licence.*never assumed.*--creator.*--publisher"):
        ReleaseWords.of(network.settings, "")
    for wrong in ("CC BY", "mine", "MIT OR Apache-2.0", "LicenseRef-x"):
        with pytest.raises(IncompleteReleaseError, match="SPDX"):
            ReleaseWords.of(network.settings, wrong, (ADA,), "Zenodo")
    own_environment(monkeypatch, network.store.root.parent)
    done = ris("release", tmp_path / "new", "-c", network.config, "--creator", "Ada", "--publisher", "Zenodo")
    assert done.exit_code == 2 and "--licence" in done.output
    orcid = ris("release", tmp_path / "new", "-c", network.config, "--licence", "MIT", "--creator", "A, B; 12")
    assert orcid.exit_code == 2 and "--creator" in orcid.output
    assert not (tmp_path / "new").exists()


def test_creators_are_read_from_one_line() -> None:
    assert creator_of("Jenkins, William; 0000-0002-1825-0097; Scripps") == CreatorSettings(
        family_name="Jenkins", given_name="William", orcid="0000-0002-1825-0097", affiliation="Scripps"
    )
    assert creator_of("Scripps Institution") == CreatorSettings(organisation="Scripps Institution")


def test_a_citation_without_doi_is_valid(network: Opened) -> None:
    words = ReleaseWords.of(network.settings, "CC0-1.0", (TEAM,), "Zenodo")
    Citation(citation_cff(words, "What it is.")).validate()
