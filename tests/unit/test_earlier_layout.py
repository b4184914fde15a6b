"""A data root of an earlier version: its models are moved to their places when it is opened."""

import logging
import os
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from builders import sds_values, write_yaml

from ris_core.config import Settings, load_settings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName
from ris_core.storage import earlier_layout
from ris_core.storage.earlier_layout import move_folders
from ris_core.storage.layout import Layout, open_layout

COUNTS = range(5, 11)


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    earlier_layout._say.cache_clear()


@pytest.fixture
def settings(data_root: Path, tmp_path: Path) -> Settings:
    (tmp_path / "archive").mkdir()
    return load_settings(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive")))


def write(folder: Path, text: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(text or folder.name)
    return folder


def earlier(layout: Layout) -> Path:
    """Make the folders of models as earlier versions did."""
    models = layout.root / "models"
    write(models / "aec" / "bs64_lr1e-3")
    for k in COUNTS:
        write(models / "dec" / f"k={k}", f"dec {k}")
        write(models / "gmm" / f"k={k}", f"gmm {k}")
    return models


def all_moved(layout: Layout) -> bool:
    models = layout.root / "models"
    return (
        not (models / "dec").exists()
        and not (models / "gmm").exists()
        and all((layout.dec(k) / "model.json").read_text() == f"dec {k}" for k in COUNTS)
        and all((layout.initial_clusters(k) / "model.json").read_text() == f"gmm {k}" for k in COUNTS)
    )


def test_models_are_where_their_candidate_says(settings: Settings) -> None:
    layout = open_layout(settings)
    assert layout.relative(layout.candidate(CandidateName.of("spectra/gmm"), 6)) == "models/spectra/gmm/k=6"
    assert layout.dec(8) == layout.candidate(AEC_DEC, 8)
    assert layout.relative(layout.dec(8)) == "models/aec/dec/k=8"
    assert layout.relative(layout.initial_clusters(8)) == "models/aec/initial/k=8"


def test_models_of_an_earlier_version_are_moved_once(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    layout = open_layout(settings)
    earlier(layout)
    open_layout(settings)
    assert all_moved(layout)
    assert (layout.aec("bs64_lr1e-3") / "model.json").exists()
    open_layout(settings)
    assert all_moved(layout)
    assert not caplog.records


def _open_at_once(settings_json: str, root: Path, barrier: Barrier) -> None:
    settings = Settings.model_validate_json(settings_json)
    barrier.wait()
    assert all_moved(open_layout(settings, root))


def test_two_processes_may_open_it_at_the_same_time(settings: Settings) -> None:
    layout = open_layout(settings)
    earlier(layout)
    context = get_context("spawn")
    barrier = context.Barrier(2)
    both = [
        context.Process(target=_open_at_once, args=(settings.model_dump_json(), layout.root, barrier)) for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert all_moved(layout)


def test_what_a_killed_process_has_not_moved_is_moved_later(settings: Settings) -> None:
    layout = open_layout(settings)
    models = earlier(layout)
    (models / "aec" / "dec").mkdir()
    for k in (5, 6):
        (models / "dec" / f"k={k}").rename(models / "aec" / "dec" / f"k={k}")
    open_layout(settings)
    assert all_moved(layout)


def test_a_model_that_is_in_the_new_place_is_not_replaced(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    layout = open_layout(settings)
    models = earlier(layout)
    write(layout.dec(6), "new")
    open_layout(settings)
    open_layout(settings)
    assert (layout.dec(6) / "model.json").read_text() == "new"
    assert (layout.dec(7) / "model.json").read_text() == "dec 7"
    assert [path.name for path in (models / "dec").iterdir()] == ["k=6"]
    (said,) = caplog.messages
    assert str(models / "dec") in said
    assert "k=6" in said
    assert "remove" in said


def test_a_root_that_may_not_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old = write(tmp_path / "dec" / "k=5").parent

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))  # the tests may run as a user who may write everywhere

    monkeypatch.setattr(Path, "mkdir", refused)
    with caplog.at_level(logging.WARNING):
        move_folders({old: tmp_path / "aec" / "dec"})
    (said,) = caplog.messages
    assert f"{old}: models of an earlier version are here" in said
    assert "Permission denied" in said
    assert f"mv {old}/* {tmp_path / 'aec' / 'dec'}/" in said


@pytest.mark.parametrize(
    "text",
    [
        "gmm",
        "spectra/gmm/k=6",
        "../gmm",
        "spectra/..",
        "Spectra/gmm",
        "a b/gmm",
        "a__b/gmm",
        "1a/gmm",
        "a/",
        "",
        "é/gmm",
    ],
)
def test_what_is_no_candidate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (candidate|name of a)"):
        CandidateName.of(text)


@pytest.mark.parametrize(
    "text", ["champions/gmm", "imported/gmm", "dec/gmm", "gmm/gmm", "aec/initial", "a/fitted", "aec/bs64_lr1e0"]
)
def test_names_of_other_folders_are_reserved(text: str) -> None:
    with pytest.raises(ValueError, match="is reserved"):
        CandidateName.of(text)


def test_a_name_that_was_not_checked_gives_no_path(settings: Settings) -> None:
    with pytest.raises(ValueError, match="no name of a clusterer"):
        open_layout(settings).candidate(CandidateName("spectra", "../../x"), 3)
