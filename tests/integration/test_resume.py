"""A killed training continues where it was: in its MLflow run, and to the same weights."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import DAYS, Opened, failure_of, opened, own_environment, sds_values, write_archive, write_yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from training_builders import load_set

from ris_core.models.model_file import read_description
from ris_core.models.weights import weights_digest
from ris_core.training.checkpoint import FILE
from ris_dagster import jobs
from ris_dagster.method_runs import run_jobs

TRIAL, K = "bs8_lr2e-3", 3
EPOCHS = 40
WAIT_S = 180
MATERIALIZE = """
import sys
from pathlib import Path
from builders import opened
with opened(Path(sys.argv[1])) as network:
    network.run(sys.argv[2], sys.argv[3])
"""

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network with a training set."""
    root = tmp_path_factory.mktemp("resume")
    archive = write_archive(root / "archive", ["AA"], DAYS[:2])
    values = sds_values(archive, stations=["AA"], days=DAYS[:2])
    values["aec"] |= {"max_epochs": EPOCHS, "patience": EPOCHS}
    # Labels never change less than that, so all epochs are gone through.
    values["dec"] |= {"k": [K], "max_epochs": EPOCHS, "tolerance": 0.0, "batch_size": 8}
    values["cluster_count"] |= {"references": 2, "repeats": 2}
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values)) as found:
            before = ["acquire", "process", jobs.DRAW]
            assert run_jobs(found.definitions, found.instance, found.store.days, before) == []
            yield found


def runs_of(network: Opened, asset: str) -> list[Run]:
    query = f"tags.`ris.asset` = '{asset}'"
    return list(MlflowClient(network.tracking.uri).search_runs([network.tracking.prepare()], query))


def steps(network: Opened, run: Run, metric: str) -> list[int]:
    return [point.step for point in MlflowClient(network.tracking.uri).get_metric_history(run.info.run_id, metric)]


def killed(network: Opened, job: str, partition: str, asset: str, metric: str) -> Run:
    """Materialize in another process, kill it after some steps of a metric, and return the MLflow run it leaves."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", MATERIALIZE, str(network.config), job, partition]
    log = network.config.with_name(f"{job}.log")
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + WAIT_S
        while not [r for r in runs_of(network, asset) if len(steps(network, r, metric)) > 3]:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    (run,) = runs_of(network, asset)
    assert run.info.status == "RUNNING"
    return run


def check_that_it_went_on(network: Opened, before: Run, asset: str, metric: str, folder: Path) -> None:
    (run,) = runs_of(network, asset)
    assert (run.info.run_id, run.info.status) == (before.info.run_id, "FINISHED")
    assert run.data.tags["ris.attempts"] == "2"
    assert len(steps(network, run, metric)) > 10
    for name in run.data.metrics:
        logged = steps(network, run, name)
        assert logged == sorted(set(logged)), name
    assert run.data.params == before.data.params
    assert len(run.inputs.dataset_inputs) == 1
    assert read_description(folder).metadata["mlflow_run_id"] == before.info.run_id
    assert not (folder / FILE).exists()
    client = MlflowClient(network.tracking.uri)
    query = "attributes.status = 'RUNNING'"
    assert client.search_runs([network.tracking.prepare()], query) == []


def test_a_killed_trial_goes_on_in_its_run_and_ends_with_the_same_weights(network: Opened) -> None:
    from ris_core.training.trials import train_trial

    folder = network.store.aec(TRIAL)
    left = killed(network, jobs.TRIALS, TRIAL, "aec_trials", "val_mse")
    assert (folder / FILE).exists()
    done = max(steps(network, left, "val_mse"))
    assert 3 <= done < EPOCHS
    again = network.run(jobs.TRIALS, TRIAL)
    assert again.success, failure_of(again)
    check_that_it_went_on(network, left, "aec_trials", "val_mse", folder)
    data = load_set(network.store)
    alone = train_trial(data, TRIAL, *network.settings.aec.grid.trials()[TRIAL], network.settings.aec)
    assert read_description(folder).digest == weights_digest(alone.result.model)
    assert read_description(folder).metadata["metrics"]["val_mse"] == alone.metrics["val_mse"]


def test_a_killed_dec_goes_on_in_its_run_and_ends_with_the_same_weights(network: Opened) -> None:
    from ris_core.clustering.trained_dec import read_start, train_k

    store, settings = network.store, network.settings
    before = [jobs.TRIALS, jobs.ENCODE, jobs.CLUSTERS]
    assert run_jobs(network.definitions, network.instance, store.days, before) == []
    left = killed(network, jobs.DEC, str(K), "dec_models", "label_change")
    again = network.run(jobs.DEC, str(K))
    assert again.success, failure_of(again)
    check_that_it_went_on(network, left, "dec_models", "label_change", store.dec(K))
    data = load_set(store)
    start = read_start(store, K, settings.normalisation)
    alone = train_k(data, start, settings.dec, settings.cluster_count.sample)
    assert read_description(store.dec(K)).digest == weights_digest(alone.result.model)
    assert read_description(store.dec(K)).metadata["sizes"] == list(alone.result.sizes)
