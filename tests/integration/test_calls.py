"""A training on a Dask worker: its steps arrive as they happen, and it ends with the run that started it."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import DAYS, sds_values, write_archive, write_yaml
from distributed import Client
from faults import until
from on_workers import count_to, die_once, fail_after, go_on, started
from store import Store
from training_builders import draw_set

from ris_core.config import load_settings
from ris_core.models.weights import weights_digest
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.storage.layout import open_layout
from ris_core.training.trial_task import run_trial, trial_task
from ris_dagster.dask_adapter.schedulers import address_of
from ris_dagster.resources.calls import call_on
from ris_dagster.resources.compute import Compute, local_cluster

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with local_cluster(1) as client:
        yield client


def test_steps_come_back_in_order_and_end_with_who_asked(client: Client, tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, Any]]] = []

    arrived = tmp_path / "arrived"

    def tell(step: int, row: dict[str, Any]) -> None:
        told.append((step, row))
        arrived.touch()

    assert call_on(client, count_to, 50, tell) == 50
    assert told == [(step, {"loss": 1 / (step + 1)}) for step in range(50)]

    with pytest.raises(ArithmeticError, match="the loss is not finite"):
        call_on(client, fail_after, 3, lambda step, row: None)

    told.clear()
    arrived.unlink()
    assert call_on(client, die_once, str(arrived), tell) == "done"
    assert [step for step, _ in told] == [0, 1]

    progress = tmp_path / "progress"

    def interrupt(step: int, row: dict[str, Any]) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_on(client, go_on, str(progress), interrupt)
    _stands_still(progress)

    # The same for one that ends without a message.
    other = Client(address_of(client), set_as_default=False)
    asked = other.submit(started, str(progress), pure=False)
    _is_written(progress)
    other.close()
    assert asked.cancelled()
    _stands_still(progress)


def test_a_trial_trained_on_a_worker_is_the_one_trained_here(client: Client, data_root: Path, tmp_path: Path) -> None:
    values = sds_values(write_archive(tmp_path / "archive", days=DAYS[:1]), days=DAYS[:1])
    values["aec"]["max_epochs"] = 3
    settings = load_settings(write_yaml(tmp_path / "small.yaml", values))
    store = Store(settings, tmp_path / "there")
    for stage in ("acquire", "process"):
        for key in store.station_days():
            assert run_station_day(StageTask(stage, settings.model_dump_json(), str(store.root)), key).made
    data_digest = draw_set(store).digest
    shutil.copytree(store.root, tmp_path / "here")
    (name,) = settings.aec.grid.trials()
    found = {}
    there = Compute(kind="dask", address=address_of(client), trainings=True)
    for place, compute in (("here", Compute()), ("there", there)):
        root = tmp_path / place
        layout = open_layout(settings, root)
        task = trial_task(layout, settings, name, data_digest)
        told: list[tuple[int, dict[str, Any]]] = []
        trial = compute.call(root, run_trial, task, lambda epoch, row, told=told: told.append((epoch, row)))
        losses = [(epoch, row["val_mse"]) for epoch, row in told]
        found[place] = (weights_digest(trial.result.model), losses, trial.acceptance)
    assert found["here"] == found["there"]
    assert [epoch for epoch, _ in found["there"][1]] == [1, 2, 3]


def _is_written(path: Path) -> None:
    before = path.read_text(encoding="utf-8")
    until(lambda: path.read_text(encoding="utf-8") not in ("", before))


def _stands_still(path: Path) -> None:
    for _ in range(100):
        before = path.read_text(encoding="utf-8")
        time.sleep(0.3)
        if path.read_text(encoding="utf-8") == before != "":
            return
    raise AssertionError("it still runs")
