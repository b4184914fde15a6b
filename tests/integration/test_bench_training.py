"""The benches of training, on a handful of events."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import start_bench

from bench import training, training_memory
from bench.training_events import multiplied
from bench.training_routes import Job, Part, Route, Trial, run
from ris_core.station_days.station_days import StationDays

EVENTS = 60
SHORT = Trial(batch_size=16, max_epochs=2, patience=2)


@pytest.fixture(scope="module")
def few() -> Any:
    random = np.random.default_rng(0)
    centre = random.integers(10, 70, EVENTS)[:, None, None]
    burst = np.exp(-np.square((np.arange(87)[:, None] - centre) / 9)) * np.exp(-np.arange(100) / 30)
    return (burst + 0.01 * random.exponential(size=burst.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(few: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events in both forms, an autoencoder and a DEC."""
    folder = tmp_path_factory.mktemp("bench")
    assert training.write_events(folder, few) == (60, 48)
    run(job(folder, "prepare", "ours"))
    return folder


def job(folder: Path, part: Part, route: Route) -> Job:
    return Job(part=part, route=route, folder=folder, training=48, trial=SHORT, epochs=2, passes=2, k=3)


@pytest.mark.parametrize("part", ["aec", "dec", "labels_and_error"])
def test_both_routes_do_the_same_work(folder: Path, part: Part) -> None:
    plain, ours = (run(job(folder, part, route)) for route in training.ROUTES)
    for found in (plain, ours):
        assert len(found["passes"]) == 2
        assert all(p["seconds"] > 0 and p["cpu"] > 0 for p in found["passes"])
        assert found["peak_rss_mb"] > 0
    assert [p["events"] for p in plain["passes"]] == [p["events"] for p in ours["passes"]]
    assert sum(p["reading"] for p in plain["passes"]) > 0
    if "labels" in plain:
        assert np.mean(np.array(plain["labels"]) == np.array(ours["labels"])) > 0.95


def test_seconds_to_an_mse_count_to_the_first_epoch_that_is_as_good() -> None:
    epochs = [{"mse": m, "since_start": 2.0 * i, "cpu_since_start": 3.0 * i} for i, m in enumerate((5, 3, 4, 3), 1)]
    assert training.first_as_good(epochs, 3) == {"epoch": 2, "seconds": 4.0, "cpu": 6.0}
    assert np.isnan(training.first_as_good(epochs, 2.9)["seconds"])


def test_the_bench_prints_its_figures_last(tmp_path: Path) -> None:
    sizes = ["--quick", "--events", 40, "--turns", 1, "--epochs", 2, "--threads", 1, "--generators", 0]
    found, _ = start_bench("training", *sizes, "--parts", "aec", "--cache", tmp_path)
    assert found["events"] == 40
    assert found["aec"]["ratio"] > 0


def test_all_stages_run_on_events_that_are_streamed(few: Any, tmp_path: Path) -> None:
    settings = training_memory.write_events(tmp_path, few, 48)
    values = settings.model_dump(mode="json")
    values["training_set"]["in_memory"] = 0.0
    days = StationDays.open(type(settings).model_validate(values), tmp_path / "root")
    assert {name: stage(days) for name, stage in training_memory.STAGES.items()} == dict.fromkeys(
        training_memory.STAGES, 48
    )


def test_events_made_of_others_differ_from_them_and_from_one_another(few: Any) -> None:
    x = multiplied(few, 0, 100)
    assert x.shape == (100, 87, 100)
    assert (x > 0).all()
    assert len(np.unique(x.reshape(100, -1).sum(axis=1))) == 100
