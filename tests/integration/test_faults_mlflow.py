"""An MLflow server that is not there, goes away in the middle of a training, and comes back."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from builders import DAYS, failure_of, opened, products, sds_values, write_archive, write_yaml
from faults import check_whole, clean_environment, kill_all, until
from mlflow import MlflowClient
from servers import answers
from training_builders import load_set

from bench.ports import free_ports
from ris_core.models.model_file import read_description
from ris_core.models.weights import weights_digest
from ris_core.training.checkpoint import FILE
from ris_core.training.trials import train_trial
from ris_dagster import jobs

TRIAL, EPOCHS = "bs8_lr2e-3", 30

pytestmark = pytest.mark.usefixtures("blank_pictures")


@contextmanager
def server(folder: Path, port: int) -> Iterator[psutil.Popen]:
    """Run an MLflow server over a folder; it is killed at the end of the block, as a lost machine would be."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder)]
    folder.mkdir(exist_ok=True)
    log = folder / "server.log"
    environment = clean_environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    with log.open("ab") as file:
        process = psutil.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)

    def serves() -> bool:
        assert process.poll() is None, log.read_text()
        return answers(f"http://127.0.0.1:{port}/health")

    try:
        until(serves, log.read_text)
        yield process
    finally:
        kill_all(process)


def test_a_training_outlives_its_mlflow_server_and_nothing_begins_without_one(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    uri = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    # By default a call is repeated for four minutes, which a server that is started again does not take.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:2])
    values = sds_values(archive, stations=["AA"], days=DAYS[:2])
    values["aec"] |= {"max_epochs": EPOCHS, "patience": EPOCHS}
    with opened(write_yaml(tmp_path / "small.yaml", values)) as network:
        store, folder = network.store, network.store.aec(TRIAL)
        assert network.run_block("acquire").success
        assert network.run_block("process").success
        before = products(store)
        absent = failure_of(network.run(jobs.DRAW))
        assert f"the MLflow server at {uri} does not answer" in absent and "start it, or set" in absent
        assert products(store) == before

        with server(tmp_path / "mlflow", port) as process:
            assert network.run(jobs.DRAW).success
            data = load_set(store)

            def kill_when_it_trains() -> None:
                until((folder / FILE).exists)
                kill_all(process)

            with ThreadPoolExecutor(1) as pool:
                watching = pool.submit(kill_when_it_trains)
                lost = network.run(jobs.TRIALS, TRIAL)
                watching.result()
            assert "Materialize the asset again: the training continues from its checkpoint" in failure_of(lost)
        assert (folder / FILE).exists()
        with server(tmp_path / "mlflow", port):
            again = network.run(jobs.TRIALS, TRIAL)
            assert again.success, failure_of(again)
            client, experiment = MlflowClient(uri), network.tracking.prepare()
            (run,) = client.search_runs([experiment], "tags.`ris.asset` = 'aec_trials'")
            assert (run.info.status, run.data.tags["ris.attempts"]) == ("FINISHED", "2")
            steps = [point.step for point in client.get_metric_history(run.info.run_id, "val_mse")]
            assert steps == sorted(set(steps)) and len(steps) > 10
            assert client.search_runs([experiment], "attributes.status = 'RUNNING'") == []
        alone = train_trial(data, TRIAL, *network.settings.aec.grid.trials()[TRIAL], network.settings.aec)
        assert read_description(folder).digest == weights_digest(alone.result.model)
        assert not (folder / FILE).exists()
        check_whole(store.root)
