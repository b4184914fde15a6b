import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import mlflow
import pytest
from builders import QUIET, failure_of, sds_values
from mlflow import MlflowClient
from mlflow.entities import Run

from bench.ports import free_ports
from ris_core.config import Settings
from ris_core.config import data_root as root_of
from ris_dagster.processes import this_process
from ris_dagster.resources.tracked_run import TrackedRun, as_text
from ris_dagster.resources.tracking import Tracking
from ris_dagster.resources.unfinished_runs import SILENT_S, heartbeat

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


Body = Callable[[TrackedRun], object]


def log_some(run: TrackedRun) -> None:
    run.metrics({"loss": 1.5, "bad": float("nan")}, step=1)


def job_of(
    tracking: Tracking, body: Body = log_some, configuration: str = "digest", parent: str | None = None
) -> dg.JobDefinition:
    """Return a job that materializes an asset whose body is one tracked run."""

    @dg.asset(partitions_def=PARTITIONS)
    def some_models(context: dg.AssetExecutionContext, tracking: Tracking) -> None:
        with tracking.run(context, f"some k={context.partition_key}", configuration, parent) as run:
            run.parameters({"k": int(context.partition_key), "rate": 1e-3})
            body(run)

    job = dg.define_asset_job("train", [some_models])
    return dg.Definitions([some_models], jobs=[job], resources={"tracking": tracking}).resolve_job_def("train")


def train(
    tracking: Tracking,
    body: Body = log_some,
    partition: str = "2",
    configuration: str = "digest",
    instance: dg.DagsterInstance | None = None,
    parent: str | None = None,
) -> dg.ExecuteInProcessResult:
    return job_of(tracking, body, configuration, parent).execute_in_process(
        QUIET, partition_key=partition, raise_on_error=False, instance=instance
    )


def raising(error: BaseException, body: Body = log_some) -> Body:
    def both(run: TrackedRun) -> None:
        body(run)
        raise error

    return both


def epochs(first: int, last: int) -> Body:
    def log(run: TrackedRun) -> None:
        for epoch in range(first, last + 1):
            run.metrics({"loss": 1 / epoch}, step=epoch)

    return log


def steps(tracking: Tracking, run: Run, name: str = "loss") -> list[int]:
    return [point.step for point in MlflowClient(tracking.uri).get_metric_history(run.info.run_id, name)]


def left_running(tracking: Tracking, asset: str = "some_models", partition: str = "2", **tags: str) -> str:
    """Leave a run as a process that was killed leaves it."""
    own = {"ris.asset": asset, "ris.partition": partition, "ris.configuration": "digest"} | tags
    named = {name.replace("__", "."): value for name, value in own.items()}
    return str(MlflowClient(tracking.uri).create_run(tracking.prepare(), tags=named).info.run_id)


def runs(tracking: Tracking) -> list[Run]:
    found = MlflowClient(tracking.uri).search_runs([tracking.prepare()], order_by=["attributes.start_time ASC"])
    return list(found)


def test_a_run_that_goes_well_is_finished_and_carries_its_origin(tracking: Tracking) -> None:
    result = train(tracking)
    assert result.success
    (run,) = runs(tracking)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"k": "2", "rate": "0.001"}
    assert run.data.metrics["loss"] == 1.5
    assert "bad" not in run.data.metrics  # not finite
    tags = {name: run.data.tags[name] for name in ("ris.asset", "ris.partition", "ris.configuration", "dagster.run_id")}
    assert tags == {
        "ris.asset": "some_models",
        "ris.partition": "2",
        "ris.configuration": "digest",
        "dagster.run_id": result.run_id,
    }
    link = f"[Dagster run {result.run_id}](/dagster/runs/{result.run_id})"
    assert run.data.tags["mlflow.note.content"] == link


def test_an_error_ends_the_run_as_failed(tracking: Tracking) -> None:
    assert not train(tracking, raising(ValueError("no"))).success
    assert [r.info.status for r in runs(tracking)] == ["FAILED"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), dg.DagsterExecutionInterruptedError()])
def test_an_interrupt_ends_the_run_as_killed(tracking: Tracking, error: BaseException) -> None:
    assert not train(tracking, raising(error)).success
    assert [r.info.status for r in runs(tracking)] == ["KILLED"]


def test_a_training_that_failed_goes_on_in_its_run_and_logs_nothing_twice(tracking: Tracking) -> None:
    assert not train(tracking, raising(ValueError("no"), epochs(1, 3))).success
    (failed,) = runs(tracking)
    note = "mlflow.note.content"
    MlflowClient(tracking.uri).set_tag(failed.info.run_id, note, f"Why?\n\n{failed.data.tags[note]}")
    again = train(tracking, epochs(1, 5))
    assert again.success
    (run,) = runs(tracking)
    assert run.info.run_id == failed.info.run_id
    assert run.info.status == "FINISHED"
    assert steps(tracking, run) == [1, 2, 3, 4, 5]
    assert run.data.params == {"k": "2", "rate": "0.001"}
    assert run.data.tags["dagster.run_id"] == again.run_id
    assert run.data.tags["ris.attempts"] == "2"
    # What a person has written stays, with a link to each Dagster run.
    assert run.data.tags[note].startswith("Why?") and run.data.tags[note].count("](/dagster/runs/") == 2


def test_what_has_finished_is_a_new_run_when_asked_for_again(tracking: Tracking) -> None:
    assert not train(tracking, raising(ValueError("no"))).success
    assert train(tracking).success
    assert train(tracking).success
    assert [r.info.status for r in runs(tracking)] == ["FINISHED"] * 2


def test_another_configuration_is_another_run(tracking: Tracking) -> None:
    assert not train(tracking, raising(ValueError("no"))).success
    assert train(tracking, configuration="other").success
    assert sorted(r.info.status for r in runs(tracking)) == ["FAILED", "FINISHED"]


def test_what_a_lost_process_left_running_goes_on_or_is_ended(tracking: Tracking) -> None:
    ended = multiprocessing.get_context("forkserver").Process()
    ended.start()
    ended.join()
    host, _, rest = this_process().split(" ", 2)
    process = {"ris__process": f"{host} {ended.pid} {rest}", "dagster__run_id": "unknown"}
    same, stale = left_running(tracking, **process), left_running(tracking, ris__configuration="old", **process)
    other, foreign = left_running(tracking, partition="3", **process), left_running(tracking, "others", **process)
    nobodys = left_running(tracking, ris__configuration="older")  # without a tag of its maker
    assert train(tracking).success
    status = {r.info.run_id: r.info.status for r in runs(tracking)}
    assert status == {same: "FINISHED", stale: "KILLED", nobodys: "KILLED", other: "RUNNING", foreign: "RUNNING"}


def test_a_run_that_a_living_process_writes_to_is_left_alone(tracking: Tracking) -> None:
    here = left_running(tracking, ris__process=this_process(), dagster__run_id="in progress")
    other = {"ris__process": "otherhost 12 1700000000.00", "dagster__run_id": "in progress"}
    elsewhere = left_running(tracking, ris__alive=f"{time.time() - SILENT_S / 2:.0f}", **other)
    assert train(tracking).success
    status = {r.info.run_id: r.info.status for r in runs(tracking)}
    assert (status.pop(here), status.pop(elsewhere)) == ("RUNNING", "RUNNING")
    assert list(status.values()) == ["FINISHED"]


def test_a_run_of_another_host_that_has_been_silent_for_long_goes_on(tracking: Tracking) -> None:
    other = {"ris__process": "otherhost 12 1700000000.00", "dagster__run_id": "in progress"}
    silent = left_running(tracking, ris__alive=f"{time.time() - SILENT_S - 60:.0f}", **other)
    assert train(tracking).success
    assert {r.info.run_id: r.info.status for r in runs(tracking)} == {silent: "FINISHED"}


def test_the_heartbeat_of_a_run_goes_on_while_it_works(tracking: Tracking) -> None:
    silent = left_running(tracking, ris__alive="0")
    client = MlflowClient(tracking.uri)
    with heartbeat(client, silent, every_s=0.05):
        deadline = time.monotonic() + 300
        while client.get_run(silent).data.tags["ris.alive"] == "0" and time.monotonic() < deadline:
            time.sleep(0.05)
    assert time.time() - float(client.get_run(silent).data.tags["ris.alive"]) < SILENT_S


def test_a_run_of_a_dagster_run_that_is_over_goes_on_even_if_its_process_lives(tracking: Tracking) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        over = train(tracking, partition="3", instance=instance).run_id
        orphan = left_running(tracking, ris__process=this_process(), dagster__run_id=over)
        assert train(tracking, instance=instance).success
    status = {r.info.run_id: r.info.status for r in runs(tracking)}
    assert status[orphan] == "FINISHED"
    assert len(status) == 2


def sleep_in_a_run(values: dict[str, Any]) -> None:
    def wait(run: TrackedRun) -> None:
        run.metrics({"loss": 1.0}, step=1)
        time.sleep(600)

    train(Tracking(**values), wait)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, "KILLED"), (signal.SIGKILL, "RUNNING")])
def test_a_signal_ends_the_run_or_leaves_it_to_the_next_attempt(
    tracking: Tracking, number: signal.Signals, status: str
) -> None:
    tracking.prepare()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "ris_dagster.resources.tracking"])
    process = context.Process(target=sleep_in_a_run, args=(tracking.model_dump(),))
    process.start()
    deadline = time.monotonic() + 300
    while not [r for r in runs(tracking) if "loss" in r.data.metrics]:
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(60)
    (run,) = runs(tracking)
    assert run.info.status == status
    assert train(tracking, epochs(1, 2)).success
    (again,) = runs(tracking)
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert steps(tracking, again) == [1, 2]


def test_a_short_run_has_system_metrics_and_says_what_it_computed_with(tracking: Tracking) -> None:
    def wait(run: TrackedRun) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and len(seen(run)) < 2:
            time.sleep(0.2)

    def seen(run: TrackedRun) -> list[int]:
        return steps(tracking, MlflowClient(tracking.uri).get_run(run.run_id), "system/cpu_utilization_percentage")

    assert train(tracking, wait).success
    (run,) = runs(tracking)
    assert {"system/system_memory_usage_percentage", "system/disk_usage_percentage"} <= run.data.metrics.keys()
    assert run.data.tags["env.device"] == "cpu"
    assert {"env.python", "env.torch", "env.numpy", "env.threads"} <= run.data.tags.keys()


def test_the_data_set_of_a_run_has_digest_sizes_and_schema_and_leads_back_to_its_file(
    tracking: Tracking, tmp_path: Path
) -> None:
    path = tmp_path / "training_set.h5"
    path.write_bytes(b"spectrograms")

    def log(run: TrackedRun) -> None:
        run.dataset("training_set", "abc123", path, (100, 87, 100), train=80, validation=20)

    assert not train(tracking, raising(ValueError("no"), log)).success
    assert train(tracking, log).success
    (run,) = runs(tracking)
    (logged,) = run.inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("training_set", "abc123")
    assert Path(mlflow.data.get_source(logged).load()) == path
    assert '"validation": 20' in logged.dataset.profile
    assert "-1, 87, 100" in logged.dataset.schema


@pytest.mark.parametrize(
    ("value", "text"), [(64, "64"), (1e-3, "0.001"), (1.0, "1"), ("gmm", "gmm"), (False, "false"), (None, "none")]
)
def test_parameters_are_plain_numbers_and_words(value: object, text: str) -> None:
    assert as_text(value) == text


def test_a_server_that_does_not_answer_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    absent = Tracking(uri=f"http://127.0.0.1:{port}", artifacts=tmp_path.as_uri(), experiment="none")
    result = train(absent)
    assert not result.success
    assert f"the MLflow server at http://127.0.0.1:{port} does not answer" in failure_of(result)


def test_the_parent_of_a_grid_is_made_once(tracking: Tracking) -> None:
    first = tracking.parent("aec_trials", "abc")
    assert tracking.parent("aec_trials", "abc") == first
    assert tracking.parent("aec_trials", "def") != first
    assert tracking.parent("dec_models", "abc") != first
    assert {r.info.status for r in runs(tracking)} == {"FINISHED"}
    assert len(runs(tracking)) == 3


def test_a_parent_shows_the_metrics_of_its_best_accepted_run(tracking: Tracking) -> None:
    def scored(silhouette: float, accepted: bool = True) -> Body:
        def log(run: TrackedRun) -> None:
            run.metrics({"silhouette": silhouette, "smallest_cluster": 0.1, "size_0": 3.0})
            run.tags({"accepted": str(accepted).lower()})

        return log

    parent = tracking.parent("dec_models", "abc")
    for silhouette, partition, accepted in ((0.2, "2", True), (0.4, "3", True), (0.9, "2", False), (0.1, "2", True)):
        assert train(tracking, scored(silhouette, accepted), partition, parent=parent).success
    data = MlflowClient(tracking.uri).get_run(parent).data
    assert data.metrics == {"silhouette": 0.4, "smallest_cluster": 0.1}
    assert data.tags["ris.best"] == "some k=3"
    assert "best accepted run" in data.tags["mlflow.note.content"]


def test_what_people_write_on_the_page_of_the_experiment_stays(tracking: Tracking) -> None:
    experiment = tracking.prepare()
    client = MlflowClient(tracking.uri)
    assert f"the network {tracking.experiment}:" in client.get_experiment(experiment).tags["mlflow.note.content"]
    client.set_experiment_tag(experiment, "mlflow.note.content", "ours")
    assert tracking.prepare() == experiment
    assert client.get_experiment(experiment).tags["mlflow.note.content"] == "ours"


def test_two_networks_in_one_process_keep_their_own_stores(data_root: Path) -> None:
    first = tracking_of("first")
    assert train(first).success
    second = tracking_of("second")
    assert second.uri != first.uri
    assert train(second).success
    assert len(runs(first)) == len(runs(second)) == 1


def test_a_server_named_by_the_environment_is_used(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert tracking_of("small").uri == "http://mlflow.example:5000"


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
    for process in processes:
        process.join()  # what a failed one would have answered is not waited for
    assert [p.exitcode for p in processes] == [0] * 4
    assert len({answers.get() for _ in processes}) == 1
