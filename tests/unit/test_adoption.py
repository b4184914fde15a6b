"""A data root that was moved or copied: nothing is read from or written into the original, and `ris adopt` mends it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from builders import own_environment, ris, sds_values, write_yaml
from dagster_internals import run_of_daemon
from mlflow import MlflowClient
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from ris_core.config import Settings, load_settings
from ris_core.storage.layout import Layout, open_layout
from ris_core.storage.place import place_record, recorded_place
from ris_dagster.adoption import AdoptionError, adopt
from ris_dagster.data_place import MovedRootError, require_place
from ris_dagster.instance import open_instance
from ris_dagster.mlflow_adapter.data_sets import training_input
from ris_dagster.processes import PROCESS_TAG, this_process
from ris_dagster.relocation import Relocation
from ris_dagster.resources.tracking import Tracking
from ris_dagster.resources.tracking_store import TrackingError

NAME = "small"


def settings_of(folder: Path) -> Settings:
    (folder / "archive").mkdir(exist_ok=True)
    return load_settings(write_yaml(folder / f"{NAME}.yaml", sds_values(folder / "archive")))


def client_of(tracking: Tracking) -> MlflowClient:
    # In one process MLflow asks for the place of a run once; here the original and its copy are in the same process.
    _artifact_repos_cache.clear()
    return tracking._client()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The RIS_DATA of a network with a run, its picture and data set, and a logged and registered model."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        settings = settings_of(folder)
        layout = open_layout(settings)
        require_place(settings, layout)
        tracking = Tracking.of(settings, layout.root)
        experiment = tracking.prepare()
        client = client_of(tracking)
        run_id = client.create_run(experiment, run_name="aec/dec/k=2").info.run_id
        client.log_text(run_id, "of the original", "note.txt")
        client.log_param(run_id, "archive", f"{layout.root}.old/files")
        client.log_inputs(run_id, [training_input("drawn", "abc", layout.training_set, (10, 87, 100), train=8)])
        model = client.create_logged_model(experiment, "small-dec", run_id, {})
        described = Path(model.artifact_location.removeprefix("file://")) / "MLmodel"
        described.parent.mkdir(parents=True)
        described.write_text(f"artifact_path: {model.artifact_location}\nflavors: {{}}\n")
        client.create_registered_model("small-dec")
        client.create_model_version("small-dec", model.artifact_location, run_id, model_id=model.model_id)
        yield folder


@pytest.fixture
def copied(original: Path, data_root: Path, tmp_path: Path) -> tuple[Settings, Layout]:
    shutil.copytree(original / "data", data_root)
    settings = settings_of(tmp_path)
    return settings, Layout.of(settings)


def test_a_new_root_records_where_it_is_and_is_opened_again(data_root: Path, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    layout = open_layout(settings)
    for _ in range(2):
        require_place(settings, layout)
    assert recorded_place(layout.root) == data_root / NAME


def test_a_copy_is_refused_adopted_and_then_uses_its_own_files(original: Path, copied: tuple[Settings, Layout]) -> None:
    settings, layout = copied
    config, before = layout.root.parents[1] / f"{NAME}.yaml", original / "data" / NAME
    refused = ris("status", "-c", config)
    assert refused.exit_code == 2
    assert f"{layout.root} is a copy of {before}" in refused.output.replace("\n", "")
    assert "ris adopt" in refused.output
    with pytest.raises(TrackingError, match="ris adopt"):
        Tracking.of(settings, layout.root).prepare()

    of_original = (before / "mlflow" / "mlflow.db").read_bytes()
    done = ris("adopt", "-c", config)
    assert done.exit_code == 0, done.output
    for column in ("experiments.artifact_location", "runs.artifact_uri", "logged_models.artifact_location"):
        assert f"1 rows of {column}" in done.output
    assert "1 rows of datasets.dataset_source" in done.output
    assert "1 descriptions of logged models" in done.output
    assert (before / "mlflow" / "mlflow.db").read_bytes() == of_original
    again = ris("adopt", "-c", config)
    assert again.exit_code == 0 and "nothing was rewritten" in again.output

    require_place(settings, layout)
    tracking = Tracking.of(settings, layout.root)
    experiment, client = tracking.prepare(), client_of(tracking)
    (run,) = client.search_runs([experiment])
    client.log_text(run.info.run_id, "of the copy", "note.txt")
    note = Path(run.info.run_id) / "artifacts" / "note.txt"
    assert (before / "mlflow" / "artifacts" / note).read_text() == "of the original"
    assert (layout.mlflow / "artifacts" / note).read_text() == "of the copy"
    # What only begins with the same letters is another folder.
    assert run.data.params["archive"] == f"{before}.old/files"
    (version,) = client.search_model_versions("name = 'small-dec'")
    assert client.get_model_version_download_uri("small-dec", version.version).startswith(layout.mlflow.as_uri())
    named = str(before).encode()
    naming = [path for path in layout.root.rglob("*") if path.is_file() and named in path.read_bytes()]
    # SQLite keeps what was overwritten until the space is needed.
    assert [path for path in naming if path.name != "mlflow.db"] == []


def test_a_moved_root_is_refused_and_adopted_also_without_a_record(
    copied: tuple[Settings, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, layout = copied
    adopt(settings, layout)
    for number, recorded in enumerate((True, False)):
        if not recorded:
            place_record(layout.root).unlink()  # as an earlier version leaves it
        layout.root.parent.rename(tmp_path / f"a new place {number}")
        monkeypatch.setenv("RIS_DATA", str(tmp_path / f"a new place {number}"))
        before, layout = layout.root, Layout.of(settings)
        with pytest.raises(MovedRootError, match=f"was at {before}.*ris adopt.*mount it at"):
            require_place(settings, layout)
        done = adopt(settings, layout)
        assert (done.before, done.copied) == ((before,), False)
        require_place(settings, layout)
        tracking = Tracking.of(settings, layout.root)
        (run,) = client_of(tracking).search_runs([tracking.prepare()])
        assert run.info.artifact_uri.startswith(layout.mlflow.as_uri() + "/artifacts/")
        note = client_of(tracking).download_artifacts(run.info.run_id, "note.txt", str(tmp_path))
        assert Path(note).read_text() == "of the original"


def test_links_and_other_mounts_of_the_same_folder_need_nothing(
    copied: tuple[Settings, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, layout = copied
    adopt(settings, layout)
    layout.root.parent.rename(tmp_path / "disk")
    layout.root.parent.symlink_to(tmp_path / "disk")
    monkeypatch.setenv("RIS_DATA", str(tmp_path / "disk"))
    through = Layout.of(settings)
    require_place(settings, through)
    Tracking.of(settings, through.root).prepare()


def test_a_root_in_use_is_not_adopted(copied: tuple[Settings, Layout]) -> None:
    settings, layout = copied
    log = layout.dagster_home / "dagster-server.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as file:
        server = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=file)
        try:
            with pytest.raises(AdoptionError, match=rf"{server.pid} \(.*end `ris ui`"):
                adopt(settings, layout)
        finally:
            server.communicate(b"\n")
    assert adopt(settings, layout).copied


def test_databases_that_an_original_may_use_are_left_alone(
    original: Path, copied: tuple[Settings, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, layout = copied
    shutil.copy(layout.mlflow / "mlflow.db", tmp_path / "outside.db")
    monkeypatch.setenv("RIS_MLFLOW_DATABASE", f"sqlite:///{tmp_path / 'outside.db'}")
    with pytest.raises(AdoptionError, match=r"outside\.db may be used by the original .*--own-databases"):
        adopt(settings, layout)
    assert adopt(settings, layout, own_databases=True).rows


def test_an_mlflow_server_keeps_its_places_itself(
    copied: tuple[Settings, Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, layout = copied
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    require_place(settings, layout)
    with pytest.raises(AdoptionError, match=r"http://mlflow\.example:5000, which keeps the places"):
        adopt(settings, layout)


def test_the_code_location_refuses_a_copy(copied: tuple[Settings, Layout], monkeypatch: pytest.MonkeyPatch) -> None:
    from ris_dagster.definitions import defs

    monkeypatch.setenv("RIS_CONFIG", str(copied[1].root.parents[1] / f"{NAME}.yaml"))
    with pytest.raises(MovedRootError, match="is a copy of"):
        defs()


def test_only_what_lies_in_the_root_follows_in_every_spelling() -> None:
    there = Relocation(Path("/data/röte 1"), Path("/mnt/x"))
    assert there.follow("file:///data/r%C3%B6te%201/mlflow") == "file:///mnt/x/mlflow"
    assert there.follow('{"uri": "/data/r\\u00f6te 1/a.h5"}') == '{"uri": "/mnt/x/a.h5"}'
    assert there.follow("sqlite:////data/röte 1/mlflow/mlflow.db") == "sqlite:////mnt/x/mlflow/mlflow.db"
    for other in ("/data/röte 12/a", "/data/röte 1.bak/a", "/old/data/röte 1/a", "s3://x/data/röte 1/a"):
        assert there.follow(other) == other
    below = Relocation(Path("/data"), Path("/data/new"))
    assert below.follow(below.follow("file:///data/a")) == "file:///data/new/a"


@dg.op
def nothing() -> None: ...


@dg.job
def acquire() -> None:
    nothing()


def test_runs_that_work_elsewhere_must_have_ended(
    copied: tuple[Settings, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, layout = copied
    adopt(settings, layout)
    with open_instance(layout) as instance:
        instance.create_run_for_job(acquire, status=dg.DagsterRunStatus.STARTED)
        # Of a killed command; and started again in the UI, with the tags of that run, but another process.
        host, _, rest = this_process().split(" ", 2)
        tags = {PROCESS_TAG: f"{host} 4194304 {rest}"}
        killed = run_of_daemon(instance, "acquire", "STARTED", tags)
        run_of_daemon(instance, "acquire", "STARTED", tags, again=killed.run_id)
    shutil.move(layout.root, tmp_path / "elsewhere" / NAME)
    monkeypatch.setenv("RIS_DATA", str(tmp_path / "elsewhere"))
    moved = Layout.of(settings)
    with pytest.raises(AdoptionError, match=r"2 run\(s\) are recorded as working .*--ended"):
        adopt(settings, moved)
    assert adopt(settings, moved, ended=True).unfinished == 2
