"""A damaged database of Dagster or MLflow: one line with file and remedy, and the remedy works."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import DAYS, Opened, opened, own_environment, products, ris, sds_values, write_archive, write_yaml
from faults import check_record, clean_environment, ris_command

from ris_dagster import jobs

ONE = DAYS[:1]

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network of two station-days, processed; it is copied, not changed."""
    folder = tmp_path_factory.mktemp("processed")
    archive = write_archive(folder / "archive", days=ONE)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, folder / "data")
        config = write_yaml(folder / "small.yaml", sds_values(archive, days=ONE))
        with opened(config) as network:
            assert network.run_block("acquire").success
            assert network.run_block("process").success
            network.tracking.prepare()
            yield network


@pytest.fixture
def config(processed: Opened, data_root: Path) -> Path:
    """The settings file of a copy that a test may spoil."""
    shutil.copytree(processed.store.root, data_root / "small")
    return Path(shutil.copy(processed.config, data_root.parent))


@pytest.mark.parametrize("name", ["dagster/history/runs.db", "dagster/history/event_log.db", "mlflow/mlflow.db"])
def test_a_damaged_database_is_one_line_and_moved_away_it_is_made_again(
    config: Path, data_root: Path, name: str
) -> None:
    path = data_root / "small" / name
    with opened(config) as network:
        good = products(network.store)
    path.write_bytes(b"this is no database " * 999)
    of_mlflow = name.startswith("mlflow")
    using = ["run", "--only", jobs.DRAW if of_mlflow else "acquire"]
    commands = [using, ["ui"]] + ([] if of_mlflow else [["backfill", "--dry-run"]])
    for words in commands:
        refused = ris(*words, "-c", config)
        assert refused.exit_code == 1, words
        (line,) = [line for line in refused.stdout.splitlines() if "damaged" in line]
        # SQLite words it in more than one way, by what it has seen of the file before.
        assert line.startswith(f"{path}: damaged (") and "); end what uses it, move it away" in line, words
        assert "products and models are kept" in line
        assert "Traceback" not in refused.output
    # Commands that do not read this database still work.
    if of_mlflow:
        assert ris("run", "--only", "acquire", "-c", config).exit_code == 0
    assert ris("status", "-c", config).exit_code == 0
    assert ris("env", "-c", config).exit_code == 0

    path.rename(path.with_suffix(".away"))
    assert ris("run", "--only", "acquire", "-c", config).exit_code == 0
    assert ris("backfill", "--yes", "--inline", "-c", config).exit_code == 0
    with opened(config) as network:
        assert products(network.store) == good
        if of_mlflow:
            _made_again_by_a_process(network)
        check_record(network, "acquire", "process")
    assert "Everything is current" in ris("backfill", "--yes", "--inline", "-c", config).output


def _made_again_by_a_process(network: Opened) -> None:
    """Let a process make MLflow's tables: MLflow makes them in a store that is new to the process."""
    words, environment = ris_command("run", "--only", jobs.DRAW), clean_environment(RIS_DATA=network.store.root.parent)
    done = subprocess.run([*words, "-c", network.config], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert network.store.training_set.exists()
