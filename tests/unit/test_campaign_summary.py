"""The result and the tables of `bench.campaign` from the steps that it keeps."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.campaign_archive import Size, settings_values
from bench.campaign_estimate import STATION_DAYS, TRAINING_EVENTS
from bench.campaign_run import Step, Steps
from bench.campaign_summary import Measured, summary
from bench.campaign_tables import markdown
from ris_core.config import Settings
from ris_core.station_days.station_days import StationDays
from ris_dagster.jobs import training_jobs

SIZE = Size(4, 2, 130.0)
EVENTS = {"station_days": 8, "with_data": 8, "with_gaps": 1, "events": 200, "detections": 210}
OUTSIDE_S = 5.0


def run(job: str, began: float, seconds: float, station_days: int = 0) -> dict[str, Any]:
    return {
        "job": job,
        "what": "",
        "station_days": station_days,
        "began": began,
        "seconds": seconds,
        "success": True,
    }


def step(name: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a command whose runs follow one another."""
    wall = OUTSIDE_S + sum(float(one["seconds"]) for one in runs)
    return asdict(Step(name, "ris", wall, 2 * wall, 500.0, 1, 0, 0.5, list(runs)))


def of_stage(stage: str) -> list[dict[str, Any]]:
    """Return the two commands of a stage whose runs take 2 s and 0.3 s a station-day."""
    sizes = {"first": (2, 1), "rest": (1, 4)}
    return [
        step(f"{stage}, {part}", [run(stage, 10.0 * place, 2 + 0.3 * n, n) for place, n in enumerate(of)])
        for part, of in sizes.items()
    ]


def trained(name: str, jobs: Sequence[str], seconds: float) -> dict[str, Any]:
    return step(f"training, {name}", [run(job, place * seconds, seconds) for place, job in enumerate(jobs)])


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    settings = Settings.model_validate(settings_values(SIZE, tmp_path, "recommended"))
    draw, *jobs = training_jobs(settings)
    counts = [str(k) for k in settings.dec.k]
    catalogue = [step(f"catalogue and rates, {part}", [run("update_catalogue", 0, 4.0)]) for part in ("first", "rest")]
    records = [
        {"name": "make", "station_days": 8, "seconds": 9.0},
        *(record for stage in ("acquire", "process", "label") for record in of_stage(stage)),
        *catalogue,
        step("training set, few", [run(draw, 0, 3.0)]),
        step("training set, all", [run(draw, 0, 4.0)]),
        trained("all", jobs, 10.0),
        {"name": "epochs, all", "aec": {"one": 25.0}, "dec": dict.fromkeys(counts, 30.0)},
        trained("copies", jobs, 100.0),
        {"name": "epochs, copies", "aec": {"one": 3.0}, "dec": dict.fromkeys(counts, 2.5)},
    ]
    (tmp_path / "steps.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    alone = dict.fromkeys(("read", "headers", "unpack", "digest", "arithmetic", "write", "read_events", "label"), 0.01)
    return Measured(
        size=SIZE,
        profile="recommended",
        workers=2,
        copies=TRAINING_EVENTS,
        steps=Steps(tmp_path),
        days=StationDays.open(settings, tmp_path / "data"),
        fewer=100,
        events=EVENTS,
        work={"stages": {stage: [[25.0, 0.4], [25.0, 0.4]] for stage in ("acquire", "process", "label")}},
        limits={"of_station_days": alone, "of_stages": {"acquire": 0.1}, "of_training": {"train": 0.001}},
        disk={"labels": {"size": 1000, "files": 1}},
        archive_bytes=5000,
    )


def test_the_hours_are_those_of_all_station_days_and_of_trainings_with_the_papers_events(measured: Measured) -> None:
    found = summary(measured)
    runs = -(-STATION_DAYS // measured.days.settings.operations.station_days_per_run)
    of_station_days = (OUTSIDE_S + 2 * runs + 0.3 * STATION_DAYS) / 3600
    assert found["hours_by_stage"]["acquire"] == pytest.approx(of_station_days, rel=1e-3)
    jobs = found["training_jobs"]
    # Of the size that counts, as measured; the autoencoder with 25 epochs instead of 3.
    autoencoder = jobs["train_autoencoders"]
    assert jobs["train_dec"]["slope"] * TRAINING_EVENTS * jobs["train_dec"]["epochs"] == pytest.approx(100.0, rel=1e-3)
    assert jobs["rank_candidates"]["slope"] * TRAINING_EVENTS == pytest.approx(100.0, rel=1e-3)
    assert autoencoder["slope"] * TRAINING_EVENTS * 25 == pytest.approx(100.0 * 25 / 3, rel=1e-3)
    # 1 s for 100 more events, and a fixed 2 s that grow with the station-days.
    draw = (OUTSIDE_S + 2.0 * STATION_DAYS / 8 + 0.01 * TRAINING_EVENTS) / 3600
    assert found["hours_by_stage"]["training set"] == pytest.approx(draw, rel=1e-3)
    by_stage = {stage: hours for stage, hours in found["hours_by_stage"].items() if stage != "catalogue and rates"}
    assert found["hours_34x730"] == pytest.approx(sum(by_stage.values()), rel=1e-3)
    assert found["not_trained"] == [] and found["failed_runs"] == []


def test_the_tables_say_what_was_measured_and_what_is_lacking(measured: Measured) -> None:
    found = summary(measured)
    said = markdown(measured, found)
    assert "4 stations x 2 days = 8 station-days" in said
    assert "measured on 50,000 changed copies of these events" in said
    for row in ("| training, 200 events |", "| training, 50,000 events |", "| **raw to labels** |", "| train_dec |"):
        assert row in said
    lacking = markdown(measured, found | {"not_trained": ["rank_candidates"]})
    assert "Not trained, and lacking in all hours: rank_candidates." in lacking
