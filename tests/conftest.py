import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

# Threads that wait for one another on a busy machine cost more than they bring for networks this small; read by
# OpenMP when it is first loaded, and inherited by subprocesses.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import new_databases
from builders import (
    DAYS,
    ENVIRONMENT_VALUES,
    Opened,
    opened,
    own_environment,
    sds_values,
    synthetic_values,
    write_archive,
    write_yaml,
)
from champion_builders import appoint_untrained
from explorer_network import Client, Explored, make_explored, served
from filelock import FileLock

from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs
from ris_explorer.explorer import Explorer

# The same examples on every machine and in every run. HYPOTHESIS_PROFILE=random draws others each time, and keeps
# those that fail for the next run. How long an example takes says something about the machine only.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("random", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


MAKERS = ("integration/test_catalogue_asset.py", "browser/test_explorer_page.py")
"""Files that need `network` and `explored`: begun first, each of two workers makes one, and none waits for it later."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that make what all workers share before the others."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(MAKERS))


@pytest.fixture(autouse=True)
def same_import_path() -> Iterator[None]:
    """Restore `sys.path`: MLflow puts the code of a loaded model first, and new processes would take it."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def made_once(factory: pytest.TempPathFactory, worker_id: str, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that one worker fills for all, by `make`; what a worker changes, it copies first."""
    base = factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with pytest.MonkeyPatch.context() as environment:
                own_environment(environment, folder / "data")
                make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session", autouse=True)
def databases(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """New databases in this process are copies; processes that tests start make theirs as a user's do."""

    def made(name: str, make: Callable[[Path], object]) -> Callable[[], Path]:
        return lambda: made_once(tmp_path_factory, worker_id, name, make)

    dagster, mlflow = new_databases.make_dagster, new_databases.make_mlflow
    with new_databases.copied(made("dagster_databases", dagster), made("mlflow_database", mlflow)):
        yield


@pytest.fixture(scope="module")
def blank_pictures() -> Iterator[None]:
    """Pictures are put together but stay blank: layout and drawing take up to a second each, and no test looks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def draw(canvas: FigureCanvasAgg) -> None:
        renderer = canvas.get_renderer()
        renderer.clear()
        # Where a text is measured, matplotlib puts a function in this place that takes the renderer.
        if "draw" in vars(canvas.figure):
            canvas.figure.draw(renderer)

    with patch.object(FigureCanvasAgg, "draw", draw):
        yield


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Opened]:
    """A synthetic network that went through all jobs once; shared, so add to it but do not change its products."""
    made = made_once(tmp_path_factory, worker_id, "through_all_jobs", through_all_jobs)
    root = tmp_path_factory.mktemp("network")
    shutil.copytree(made / "data", root / "data")
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(Path(shutil.copy(made / "tiny.yaml", root))) as found:
            environment.undo()
            yield found


def through_all_jobs(folder: Path) -> None:
    with opened(write_yaml(folder / "tiny.yaml", synthetic_values() | ENVIRONMENT_VALUES)) as found:
        names = all_jobs(found.settings, BINDINGS)
        failed = run_jobs(found.definitions, found.instance, found.store.days, names)
        assert not failed, failed


@pytest.fixture
def data_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment of its own: RIS_DATA in the test's folder, nothing else set."""
    root = tmp_path / "data"
    own_environment(monkeypatch, root)
    return root


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A labelled network of four station-days from an archive; it is copied, not changed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    archive = write_archive(folder / "archive", days=DAYS[:2])
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        with opened(write_yaml(folder / "small.yaml", sds_values(archive, days=DAYS[:2]))) as network:
            assert network.run_block("acquire").success
            assert network.run_block("process").success
            appoint_untrained(network.store)
            assert network.run_block("label").success
            environment.undo()
            yield network


@pytest.fixture
def copied(undisturbed: Opened, data_root: Path) -> Iterator[Opened]:
    """A copy with its records, that a test may spoil."""
    shutil.copytree(undisturbed.store.root, data_root / "small")
    config = data_root.parent / "small.yaml"
    shutil.copy(undisturbed.config, config)
    with opened(config) as network:
        yield network


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Explored:
    """A network with all that the explorer shows, shared by all tests of all workers: never change its products."""
    return Explored.at(made_once(tmp_path_factory, worker_id, "explored", make_explored))


@pytest.fixture(scope="session")
def read_client(explored: Explored) -> Client:
    """Asks an explorer of the shared network; for requests that change nothing."""
    return Client(explored.explorer())


@pytest.fixture
def explored_copy(explored: Explored, tmp_path: Path) -> Explored:
    """A copy of the network that a test may change."""
    return explored.copied_to(tmp_path)


@pytest.fixture
def explorer(explored_copy: Explored) -> Explorer:
    """An explorer of the test's own copy."""
    return explored_copy.explorer()


@pytest.fixture
def own_client(explorer: Explorer) -> Client:
    """Asks the explorer of the test's own copy."""
    return Client(explorer)


@pytest.fixture
def explorer_address(explorer: Explorer) -> Iterator[str]:
    """Address of a real server of the test's own copy, for a browser."""
    with served(explorer) as address:
        yield address
