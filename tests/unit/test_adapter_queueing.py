"""What `adapter/queueing.py`, `launched_runs.py` and `commands.py` rely on: queue, jobs of a location, servers."""

import importlib.util
import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from contracts import relied_upon
from dagster._cli import create_dagster_cli
from dagster._daemon.cli import create_dagster_daemon_cli

from ris_dagster.adapter import queueing
from ris_dagster.adapter.commands import DAEMON_MODULE, code_server_command, daemon_command
from ris_dagster.adapter.launched_runs import runs_of_location
from ris_dagster.adapter.queueing import CodeLocationError, opened_queue, queue_is_served

QUEUEING = "ris_dagster/adapter/queueing.py"
CODE = """
import dagster as dg

@dg.op
def work(): ...

@dg.job(tags={"kept": "yes"})
def working():
    work()

defs = dg.Definitions(jobs=[working])
"""


@dg.op
def work() -> None: ...


@dg.job
def working() -> None:
    work()


JOB = dg.Definitions(jobs=[working]).resolve_job_def("working")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    settings = {"telemetry": {"enabled": False}, "concurrency": {"runs": {"max_concurrent_runs": 1}}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(CODE, encoding="utf-8")
    path = tmp_path / "workspace.yaml"
    path.write_text(yaml.safe_dump({"load_from": [{"python_file": str(tmp_path / "code.py")}]}), encoding="utf-8")
    return path


def test_a_run_needs_no_argument_that_the_queue_does_not_give() -> None:
    with relied_upon(
        "dagster", "DagsterInstance.create_run() takes the arguments of a new run of a whole job", QUEUEING
    ):
        source = inspect.getsource(queueing.JobQueue.add)
        parameters = inspect.signature(dg.DagsterInstance.create_run).parameters.keys() - {"self"}
        assert parameters == {n for n in parameters if f"{n}=" in source} | queueing._NOTHING_ELSE.keys()


def test_a_job_is_queued_with_its_tags_and_those_that_are_added(instance: dg.DagsterInstance, workspace: Path) -> None:
    with (
        relied_upon("dagster", "a job of a code location can be put into the queue", QUEUEING),
        opened_queue(instance, workspace) as queue,
    ):
        run = instance.get_run_by_id(queue.add("working", {"added": "too"}))
        assert run is not None
        assert (run.job_name, run.status) == ("working", dg.DagsterRunStatus.QUEUED)
        assert {"kept": "yes", "added": "too"}.items() <= run.tags.items()
        assert run.remote_job_origin is not None  # by it the daemon finds the code
    what = "a run that is executed in this process can belong to the code location that the servers load"
    with relied_upon("dagster", what, "ris_dagster/adapter/launched_runs.py"):
        with runs_of_location(instance, workspace):
            executed = instance.get_run_by_id(JOB.execute_in_process(instance=instance).run_id)
        assert executed is not None and executed.remote_job_origin is not None
        ours, theirs = executed.remote_job_origin, run.remote_job_origin
        assert ours.job_name == theirs.job_name
        assert ours.repository_origin.get_selector() == theirs.repository_origin.get_selector()
        alone = instance.get_run_by_id(JOB.execute_in_process(instance=instance).run_id)
        assert alone is not None and alone.remote_job_origin is None


def test_code_that_cannot_be_loaded_is_named(instance: dg.DagsterInstance, workspace: Path) -> None:
    workspace.with_name("code.py").write_text("import a_module_that_is_not_there\n", encoding="utf-8")
    with (
        pytest.raises(CodeLocationError, match=r"the code location cannot be loaded: .*a_module_that_is_not_there"),
        opened_queue(instance, workspace),
    ):
        pass


def test_the_daemon_of_the_queue_is_known_by_its_heartbeat(instance: dg.DagsterInstance) -> None:
    with relied_upon("dagster", "an instance with a queue requires the daemon of the queue", QUEUEING):
        assert not queue_is_served(instance)
        with dg.DagsterInstance.ephemeral() as without_queue:
            assert queue_is_served(without_queue)


def started(what: str) -> AbstractContextManager[None]:
    return relied_upon("dagster", what, "ris_dagster/adapter/commands.py")


def test_the_servers_take_the_options_that_they_are_started_with(tmp_path: Path) -> None:
    with started("`python -m dagster._daemon run` takes --workspace"):
        assert importlib.util.find_spec(f"{DAEMON_MODULE}.__main__") is not None
        (tmp_path / "workspace.yaml").touch()
        _, command, *options = daemon_command(tmp_path / "workspace.yaml")
        create_dagster_daemon_cli().commands[command].make_context(command, options, resilient_parsing=True)
    with started("`python -m dagster code-server start` takes a socket, a module and a name of the location"):
        _, group, command, *options = code_server_command(tmp_path / "code.sock", "ris_dagster.definitions", "ris")
        create_dagster_cli().commands[group].commands[command].make_context(command, options)
