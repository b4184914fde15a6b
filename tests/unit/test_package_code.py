"""What travels with a packaged model: all of ris_core that it imports and nothing else, and its requirements."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import grimp

from ris_core.serving.package_code import ENTRY, REQUIREMENTS, package_code, pinned_requirements


def modules(files: frozenset[Path]) -> set[str]:
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files}


def test_the_modules_are_those_that_the_graph_of_imports_has() -> None:
    graph = grimp.build_graph("ris_core", cache_dir=None, exclude_type_checking_imports=True)
    needed = graph.find_upstream_modules(ENTRY) | {ENTRY}
    folders = {name.rsplit(".", n)[0] for name in needed for n in range(1, name.count(".") + 1)}
    assert modules(package_code().files) == needed | folders


def test_the_modules_of_its_members_travel_with_a_model() -> None:
    member = "ris_core.representations.spectra"
    assert modules(package_code([member, "elsewhere.encoder"]).files) - modules(package_code().files) == {member}


def test_what_a_model_does_not_need_stays_out() -> None:
    rooms = {file.parts[1] for file in package_code().files}
    assert not rooms & {"figures", "published", "synthetic", "truth", "waveforms"}


def test_the_requirements_are_the_libraries_that_the_code_imports() -> None:
    distributions = metadata.packages_distributions()
    # MLflow adds itself, and pydantic brings its core.
    libraries = package_code().libraries - {"mlflow", "pydantic_core"}
    assert {name.lower() for library in libraries for name in distributions[library]} == set(REQUIREMENTS)
    assert [line.split("==")[0] for line in pinned_requirements()] == list(REQUIREMENTS)


def test_the_copy_can_be_imported_alone(tmp_path: Path) -> None:
    copy, entry = package_code().copy(tmp_path)
    assert entry.is_file() and entry.is_relative_to(copy)
    code = f"import {ENTRY}, ris_core; print(ris_core.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(copy)
