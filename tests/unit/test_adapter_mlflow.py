"""What `ris_dagster/mlflow_adapter` relies on: fails when another version of MLflow changes it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import mlflow
import numpy as np
import pytest
from contracts import relied_upon
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ris_core.config import PROJECT_ROOT
from ris_core.relied_upon import UnsupportedVersionError, relying_on, supported_versions
from ris_dagster.mlflow_adapter import first_page, mlflow_tags, places, server, system_metrics
from ris_dagster.mlflow_adapter.answers import says_that_it_is_absent
from ris_dagster.mlflow_adapter.data_sets import training_input
from ris_dagster.mlflow_adapter.global_store import use_store

ADAPTER = "ris_dagster/mlflow_adapter"
VARIABLE = "MLFLOW_TRACKING_URI"
LONGEST_S = 300


def mlflow_keeps(what: str, module: str) -> AbstractContextManager[None]:
    return relied_upon("mlflow", what, f"{ADAPTER}/{module}.py")


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def client(uri: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.delenv(VARIABLE, raising=False)
    use_store(uri)
    return MlflowClient(uri)


@pytest.fixture
def run_id(client: MlflowClient, tmp_path: Path) -> str:
    experiment = client.create_experiment(tmp_path.as_uri(), artifact_location=tmp_path.as_uri())
    return str(client.create_run(experiment).info.run_id)


@pytest.mark.parametrize("named", [None, "http://mlflow.example"])
def test_the_global_store_is_set_and_the_environment_stays(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if named is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, named)
    with mlflow_keeps("set_tracking_uri() wins over MLFLOW_TRACKING_URI in the environment", "global_store"):
        for uri in ("sqlite:////tmp/one.db", "sqlite:////tmp/other.db"):
            use_store(uri)
            assert mlflow.get_tracking_uri() == uri
            assert os.environ.get(VARIABLE) == named


def test_an_absent_run_is_told_from_other_errors(client: MlflowClient) -> None:
    with mlflow_keeps("the error of an absent run has the error_code RESOURCE_DOES_NOT_EXIST", "answers"):
        with pytest.raises(MlflowException) as absent:
            client.get_run("0" * 32)
        with pytest.raises(MlflowException) as wrong:
            client.search_runs(["0"], "no = filter")
        assert says_that_it_is_absent(absent.value)
        assert not says_that_it_is_absent(wrong.value)


def test_tags_are_those_that_the_web_page_reads() -> None:
    with mlflow_keeps("the names of its system tags", "mlflow_tags"):
        from mlflow.utils import mlflow_tags as theirs

        assert mlflow_tags.NOTE == theirs.MLFLOW_RUN_NOTE
        assert mlflow_tags.of_parent("a") == {theirs.MLFLOW_PARENT_RUN_ID: "a"}
        assert mlflow_tags.of_source("b", True) == {
            theirs.MLFLOW_GIT_COMMIT: "b",
            theirs.MLFLOW_GIT_DIRTY: "true",
        }


def test_views_and_description_are_those_that_the_web_page_reads() -> None:
    tags = first_page.tags_of_experiment("small", "7")
    assert (
        tags["mlflow.note.content"].count("(#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=") == 2
    )
    views = [json.loads(value) for name, value in tags.items() if name.startswith("mlflow.sharedViewState.")]
    assert [view["name"] for view in views] == ["Clusters of every model", "Autoencoders"]
    states = [json.loads(view["state"]) for view in views]
    folder = Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js"
    page = "".join(file.read_text(encoding="utf-8", errors="replace") for file in folder.glob("*.js"))
    with mlflow_keeps("names and parameters of saved views, descriptions and kinds of experiments", "first_page"):
        for name in ("mlflow.experimentKind", "mlflow.note.content", "mlflow.sharedViewState."):
            assert f'"{name}"' in page
        for name in ("viewStateShareKey", "workflowType", "machine_learning", "custom_model_development"):
            assert f'"{name}"' in page
        assert "Invalid saved-view envelope: expected an object with a string `name`, number `createdAt`" in page
        for name in first_page._SEEN:
            assert f'"{name}"' in page
        assert re.search(r'key:"mlflow.workflowType",version:1', page) and "`${e}_v${t}`" in page
        assert {name for state in states for name in state} <= set(re.findall(r"\w+", page))


def test_the_filters_and_orders_of_views_can_be_searched(client: MlflowClient, run_id: str) -> None:
    experiment = client.get_run(run_id).info.experiment_id
    client.set_tag(run_id, "ris.candidate", "aec/dec")
    found = {}
    for name, value in first_page.tags_of_experiment("small", experiment).items():
        client.set_experiment_tag(experiment, name, value)
        if name.startswith("mlflow.sharedViewState."):
            state = json.loads(json.loads(value)["state"])
            runs = client.search_runs([experiment], state["searchFilter"], order_by=[f"{state['orderByKey']} ASC"])
            found[name.rpartition("-")[2]] = [run.info.run_id for run in runs]
    assert found == {"clusters": [run_id], "autoencoders": []}


def test_a_parent_shows_the_better_of_two_runs() -> None:
    trial = {"best_val_mse": 0.2, "val_mse": 0.3, "pca9_mse": 0.1, "mean_spectrogram_mse": 0.4}
    shown = first_page.better(trial, {})
    assert shown == {"best_val_mse": 0.2, "pca9_mse": 0.1, "mean_spectrogram_mse": 0.4}
    assert first_page.better(trial | {"best_val_mse": 0.25}, shown) == {}
    assert first_page.better(trial | {"best_val_mse": 0.1}, shown)["best_val_mse"] == 0.1
    clusters = {"silhouette": 0.3, "smallest_cluster": 0.05, "size_0": 4.0}
    assert first_page.better(clusters, {"silhouette": 0.4}) == {}
    assert first_page.better(clusters, {"silhouette": 0.1}) == {"silhouette": 0.3, "smallest_cluster": 0.05}
    assert first_page.better({"seconds": 1.0}, {}) == {}


def test_a_data_set_is_recorded_as_if_it_had_been_read(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    path = tmp_path / "training_set.h5"
    path.write_bytes(b"spectrograms")
    with mlflow_keeps("schema, source and context of a logged data set", "data_sets"):
        from mlflow.utils import mlflow_tags as theirs

        client.log_inputs(run_id, [training_input("drawn", "abc", path, (100, 87, 100), train=80, validation=20)])
        (logged,) = client.get_run(run_id).inputs.dataset_inputs
        read = mlflow.data.from_numpy(np.zeros((2, 87, 100), dtype=np.float32))
        assert re.sub(r"\s", "", logged.dataset.schema) == re.sub(r"\s", "", read.to_dict()["schema"])
        assert Path(mlflow.data.get_source(logged).load()) == path
        assert {tag.key: tag.value for tag in logged.tags} == {theirs.MLFLOW_DATASET_CONTEXT: "training"}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_system_metrics_are_sampled_at_growing_intervals(
    client: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mlflow_keeps("SystemMetricsMonitor samples in collect_metrics(), every sampling_interval s", "system_metrics"):
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        intervals: list[float] = []
        collect = SystemMetricsMonitor.collect_metrics

        def noting(monitor: SystemMetricsMonitor) -> object:
            intervals.append(monitor.sampling_interval)
            return collect(monitor)

        monkeypatch.setattr(SystemMetricsMonitor, "collect_metrics", noting)
        monkeypatch.setattr(system_metrics, "_FIRST_SAMPLE_S", 0.01)
        monkeypatch.setattr(system_metrics, "_LAST_SAMPLE_S", 0.02)
        name = "system/cpu_utilization_percentage"
        with system_metrics.system_metrics(run_id):
            until(lambda: len(client.get_metric_history(run_id, name)) >= 4)
        assert intervals[:4] == pytest.approx([0.01, 0.013, 0.0169, 0.02])
        before = [point.step for point in client.get_metric_history(run_id, name)]
        assert before == list(range(len(before)))
        # A continued run does not count from zero again.
        with system_metrics.system_metrics(run_id):
            until(lambda: len(client.get_metric_history(run_id, name)) >= len(before) + 2)
        steps = [point.step for point in client.get_metric_history(run_id, name)]
        assert steps == list(range(len(steps)))


def test_the_variables_of_a_server_are_known_to_it() -> None:
    with mlflow_keeps("the names of its environment variables", "server"):
        import mlflow.environment_variables as variables
        from mlflow.cli import server as command

        of_commands = {option.envvar for option in command.params}
        for name in server.environment_of_server("sqlite:///x", ["localhost"]):
            assert hasattr(variables, name) or name in of_commands, name


def test_a_server_answers_under_the_given_hosts_on_any_port_and_under_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_SERVER_ALLOWED_HOSTS", raising=False)
    given = server.environment_of_server("sqlite:///x", ["localhost", "::1", "10.0.0.7"])
    with mlflow_keeps("MLFLOW_SERVER_ALLOWED_HOSTS are patterns of fnmatch, separated by commas", "server"):
        from mlflow.server.security_utils import get_allowed_hosts_from_env, is_allowed_host_header

        monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", given["MLFLOW_SERVER_ALLOWED_HOSTS"])
        allowed = partial(is_allowed_host_header, get_allowed_hosts_from_env())
        for host in ("localhost", "localhost:5000", "[::1]", "[::1]:5000", "10.0.0.7:80"):
            assert allowed(host), host
        for host in ("evil.example", "localhost.evil.example", "[::2]:5000", "10.0.0.70", ":"):
            assert not allowed(host), host


def test_its_server_is_an_application_that_takes_a_further_route(tmp_path: Path) -> None:
    """In a process of its own: MLflow reads its environment when its server is imported."""
    (tmp_path / "artifacts").mkdir()
    program = f"""
from starlette.testclient import TestClient
from ris_dagster.mlflow_adapter.web_app import web_app
app = web_app("sqlite:///{tmp_path}/mlflow.db", "file://{tmp_path}/artifacts", "{tmp_path}", "/dagster", "http://127.0.0.1:3333")
asked = TestClient(app, base_url="http://127.0.0.1:5000", follow_redirects=False)
assert asked.get("/health").text == "OK"
assert asked.get("/dagster/runs/a").headers["location"] == "http://127.0.0.1:3333/runs/a"
page = asked.get("/").text
assert page.count("mlflow.workflowType_v1") == 1 and 'id="root"' in page, page
assert page.index("mlflow.workflowType_v1") < page.index("static-files/static/js/main")
assert asked.post("/ajax-api/3.0/mlflow/assistant/message", json={{"message": "x"}}).status_code == 404
assert asked.get("/ajax-api/3.0/mlflow/assistant/config").status_code == 404
assert asked.get("/ajax-api/3.0/mlflow/server-info").status_code == 200
made = asked.post("/api/2.0/mlflow/experiments/create", json={{"name": "x"}}).json()["experiment_id"]
found = asked.get("/api/2.0/mlflow/experiments/get", params={{"experiment_id": made}}).json()["experiment"]
assert found["artifact_location"] == f"file://{tmp_path}/artifacts/{{made}}", found
assert asked.get("/dagster/runs/a", headers={{"Host": "evil.example"}}).status_code == 403
"""
    with mlflow_keeps("mlflow.server.fastapi_app.app and the variables that it reads", "web_app"):
        done = subprocess.run(
            [sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=PROJECT_ROOT
        )
        assert done.returncode == 0, done.stderr


def test_texts_with_paths_lie_in_the_columns_that_are_rewritten(client: MlflowClient, run_id: str, uri: str) -> None:
    with mlflow_keeps("the table experiments has name and artifact_location", "places"):
        name = client.get_experiment(client.get_run(run_id).info.experiment_id).name
        assert places.location_of(uri, name) == name


def test_hosts_of_the_environment_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mine:5000")
    assert server.environment_of_server("sqlite:///x", ["localhost"])["MLFLOW_SERVER_ALLOWED_HOSTS"] == "mine:5000"


@pytest.mark.parametrize("value", ["1", "true", "True", "0", "false", None])
def test_folders_are_recorded_in_where_mlflow_does_so(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    else:
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", value)
    with mlflow_keeps("MLFLOW_ALLOW_FILE_STORE lets runs be recorded in a folder", "server"):
        from mlflow.environment_variables import MLFLOW_ALLOW_FILE_STORE

        assert server.records_in_folders() == MLFLOW_ALLOW_FILE_STORE.get()


def test_a_missing_part_is_said_with_the_versions() -> None:
    words = r"mlflow \d.*no longer has what some\.module relies on.*<4,>=3"
    with pytest.raises(UnsupportedVersionError, match=words), relying_on("mlflow", "some.module"):
        raise ImportError("no such name")
    assert supported_versions("dask").endswith(">=2025.1")
