import multiprocessing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from builders import QUIET, sds_values
from mlflow import MlflowClient
from mlflow.entities import Run

from ris_core.config import Settings
from ris_core.config import data_root as root_of
from ris_dagster.resources.tracking import Tracking

PARTITIONS = dg.StaticPartitionsDefinition(["2", "3"])


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that the tests share, each with an experiment of its own: making one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def tracking(uri: str, tmp_path: Path, data_root: Path) -> Tracking:
    return Tracking(uri=uri, artifacts=(tmp_path / "artifacts").as_uri(), experiment=tmp_path.name)


def tracking_of(name: str) -> Tracking:
    settings = Settings.model_validate(sds_values(Path("archive"), name))
    return Tracking.of(settings, root_of(settings))


def train(tracking: Tracking, error: BaseException | None = None, partition: str = "2") -> dg.ExecuteInProcessResult:
    """Materialize an asset whose body is one tracked run."""

    @dg.asset(partitions_def=PARTITIONS)
    def some_models(context: dg.AssetExecutionContext, tracking: Tracking) -> None:
        with tracking.run(context, "some", "digest", {"k": int(context.partition_key)}) as run:
            run.metrics({"loss": 1.5, "bad": float("nan")}, step=1)
            if error is not None:
                raise error

    job = dg.Definitions(
        [some_models], jobs=[dg.define_asset_job("train", [some_models])], resources={"tracking": tracking}
    )
    return job.resolve_job_def("train").execute_in_process(QUIET, partition_key=partition, raise_on_error=False)


def runs(tracking: Tracking) -> list[Run]:
    found = MlflowClient(tracking.uri).search_runs([tracking.prepare()], order_by=["attributes.start_time ASC"])
    return list(found)


def test_a_run_that_goes_well_is_finished_and_carries_its_origin(tracking: Tracking) -> None:
    result = train(tracking)
    assert result.success
    (run,) = runs(tracking)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"k": "2"}
    assert run.data.metrics["loss"] == 1.5
    assert "bad" not in run.data.metrics  # not finite
    tags = {name: run.data.tags[name] for name in ("ris.asset", "ris.partition", "ris.configuration", "dagster.run_id")}
    assert tags == {
        "ris.asset": "some_models",
        "ris.partition": "2",
        "ris.configuration": "digest",
        "dagster.run_id": result.run_id,
    }


def test_an_error_ends_the_run_as_failed(tracking: Tracking) -> None:
    assert not train(tracking, ValueError("no")).success
    assert [r.info.status for r in runs(tracking)] == ["FAILED"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), dg.DagsterExecutionInterruptedError()])
def test_an_interrupt_ends_the_run_as_killed(tracking: Tracking, error: BaseException) -> None:
    assert not train(tracking, error).success
    assert [r.info.status for r in runs(tracking)] == ["KILLED"]
    assert train(tracking).success  # nothing is left open that the next run would trip over


def test_what_a_lost_process_left_running_is_ended_at_the_next_attempt(tracking: Tracking) -> None:
    client, experiment = MlflowClient(tracking.uri), tracking.prepare()

    def orphan(asset: str, partition: str) -> str:
        tags = {"ris.asset": asset, "ris.partition": partition}
        return str(client.create_run(experiment, tags=tags).info.run_id)

    same, other, foreign = orphan("some_models", "2"), orphan("some_models", "3"), orphan("others", "2")
    assert train(tracking).success
    status = {r.info.run_id: r.info.status for r in runs(tracking)}
    assert [status[i] for i in (same, other, foreign)] == ["KILLED", "RUNNING", "RUNNING"]
    assert sorted(status.values()) == ["FINISHED", "KILLED", "RUNNING", "RUNNING"]


def test_the_parent_of_a_grid_is_made_once(tracking: Tracking) -> None:
    first = tracking.parent("aec_trials", "abc")
    assert tracking.parent("aec_trials", "abc") == first
    assert tracking.parent("aec_trials", "def") != first
    assert tracking.parent("dec_models", "abc") != first
    assert {r.info.status for r in runs(tracking)} == {"FINISHED"}
    assert len(runs(tracking)) == 3


def test_two_networks_in_one_process_keep_their_own_stores(data_root: Path) -> None:
    first = tracking_of("first")
    assert train(first).success
    second = tracking_of("second")
    assert second.uri != first.uri
    assert train(second).success
    assert len(runs(first)) == len(runs(second)) == 1


def test_a_server_named_by_the_environment_is_used_and_linked_to(
    data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    found = tracking_of("small")
    assert found.uri == "http://mlflow.example:5000"
    assert found.url("1", "abc") == "http://mlflow.example:5000/#/experiments/1/runs/abc"
    monkeypatch.setenv("RIS_MLFLOW_UI", "https://public.example")
    assert tracking_of("small").url("1", "abc") == "https://public.example/#/experiments/1/runs/abc"


def prepare(values: dict[str, Any], start: Any, answers: Any) -> None:
    start.wait()
    answers.put(Tracking(**values).prepare())


def test_several_processes_may_open_a_fresh_store_at_once(data_root: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "ris_dagster.resources.tracking"])
    start, answers = context.Barrier(4), context.Queue()
    values = tracking_of("small").model_dump()
    processes = [context.Process(target=prepare, args=(values, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(60)
    assert [p.exitcode for p in processes] == [0] * 4
    assert len(set(found)) == 1
