"""The libraries of the explorer's page are the files of their releases, each with its licence."""

import hashlib
import json

from ris_explorer.app import PAGE

VENDOR = PAGE / "vendor"
VENDORED = json.loads((VENDOR / "VENDORED.json").read_text(encoding="utf-8"))


def test_vendored_files_are_those_of_the_releases() -> None:
    said = {f"{name}/{file}": digest for name, each in VENDORED.items() for file, digest in each["sha256"].items()}
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/**/*")
        if path.is_file()
    }
    assert found == said


def test_every_library_says_version_source_and_licence() -> None:
    for name, each in VENDORED.items():
        assert each["version"] in each["source"]
        assert each["licence"] == "MIT"
        assert "permission notice shall be included" in (VENDOR / name / "LICENSE").read_text(encoding="utf-8").lower()


def test_page_names_no_other_host() -> None:
    own = [path for path in PAGE.rglob("*") if path.suffix in {".js", ".css", ".html"} and VENDOR not in path.parents]
    assert len(own) > 10
    for path in own:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
