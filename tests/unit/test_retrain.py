"""Enough that is unseen asks for the whole training, job by job, once, and a failure stops it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from builders import DAYS, STATIONS, Opened, opened, own_environment, sds_values, write_archive, write_yaml
from champion_builders import appoint_untrained
from sensor_builders import tick
from stage_steps import label_one

from ris_core.contracts.station_day import StationDay
from ris_core.training.unseen import unseen_since_draw
from ris_dagster import jobs
from ris_dagster.adapter.run_tags import of_partition
from ris_dagster.partitions import range_tags
from ris_dagster.sensors.retrain import CHAIN_TAG

OPERATIONS = {"retrain_unseen": 0.4, "retrain_unassigned": 0.9, "retrain_least_events": 10}


def process(network: Opened, *days: Any) -> None:
    for job in ("acquire", "process"):
        assert network.run(job, **range_tags(STATIONS, days[0], days[-1])).success


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose network has processed all days, with a training set and a champion of the first day alone."""
    root = tmp_path_factory.mktemp("retrain")
    values = sds_values(write_archive(root / "archive")) | {"operations": OPERATIONS}
    config = write_yaml(root / "small.yaml", values)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(config) as network:
            process(network, DAYS[0])
            assert network.run(jobs.DRAW).success
            appoint_untrained(network.store)
    return root


@pytest.fixture
def drawn(prepared: Path, data_root: Path) -> Iterator[Opened]:
    shutil.copytree(prepared / "data", data_root)
    with opened(prepared / "small.yaml") as network:
        yield network


class Ticks:
    """The sensor with its cursor."""

    def __init__(self, network: Opened) -> None:
        self.network, self.cursor = network, ""
        self.reason = ""

    def tick(self) -> list[dg.RunRequest]:
        done = tick(self.network.definitions, self.network.instance, "retrain", self.cursor or None)
        self.cursor, self.reason = done.cursor or "", done.skip_message or ""
        return list(done.run_requests or [])

    def look_again(self) -> None:
        """Let the hour pass between two looks at the shares."""
        self.cursor = json.dumps(json.loads(self.cursor) | {"looked": 0.0})

    def record(self, requests: list[dg.RunRequest], status: dg.DagsterRunStatus) -> None:
        """Let Dagster know of runs as if they had been executed."""
        for asked in requests:
            job = self.network.definitions.resolve_job_def(str(asked.job_name))
            partition = of_partition(asked.partition_key) if asked.partition_key else {}
            self.network.instance.create_run_for_job(job, tags=dict(asked.tags) | partition, status=status)


def test_training_is_asked_for_once_when_enough_is_unseen_job_by_job_to_the_champion(drawn: Opened) -> None:
    ticks = Ticks(drawn)
    assert ticks.tick() == [] and "too little" in ticks.reason
    process(drawn, *DAYS[1:])
    assert ticks.tick() == [] and "once an hour" in ticks.reason
    ticks.look_again()
    requests = ticks.tick()
    assert [(r.job_name, r.partition_key) for r in requests] == [(jobs.DRAW, None)]
    assert drawn.run(jobs.DRAW, **dict(requests[0].tags)).success
    asked: list[tuple[str, str | None]] = [(jobs.DRAW, None)]
    while requests := ticks.tick():
        asked += [(str(r.job_name), r.partition_key) for r in requests]
        assert len({r.tags[CHAIN_TAG] for r in requests}) == 1
        # Of several trials and numbers of clusters one may fail.
        ticks.record(requests[:1], dg.DagsterRunStatus.SUCCESS)
        ticks.record(requests[1:], dg.DagsterRunStatus.FAILURE)
    assert "is through" in ticks.reason
    assert list(dict.fromkeys(job for job, _ in asked)) == list(jobs.training_jobs(drawn.settings))
    assert sorted(key for job, key in asked if job == jobs.DEC and key) == ["2", "3"]
    assert len(asked) == len(set(asked))
    ticks.look_again()
    assert ticks.tick() == [] and "too little" in ticks.reason


def test_a_job_that_failed_stops_the_training_until_someone_draws_anew(drawn: Opened) -> None:
    process(drawn, *DAYS[1:])
    ticks = Ticks(drawn)
    ticks.record(ticks.tick(), dg.DagsterRunStatus.SUCCESS)
    trials = ticks.tick()
    assert [r.job_name for r in trials] == [jobs.TRIALS]
    ticks.record(trials, dg.DagsterRunStatus.FAILURE)
    assert ticks.tick() == [] and "train_autoencoders failed" in ticks.reason
    ticks.look_again()
    assert ticks.tick() == [] and ticks.reason.startswith("stopped: ")
    assert drawn.run(jobs.DRAW).success
    assert ticks.tick() == [] and "too little" in ticks.reason  # what was unseen has been drawn from by now


def test_a_candidate_that_is_not_to_be_champion_may_fail_as_a_whole(drawn: Opened, tmp_path: Path) -> None:
    process(drawn, *DAYS[1:])
    values = yaml.safe_load(drawn.config.read_text())
    with opened(write_yaml(tmp_path / "more.yaml", values | {"candidates": ["aec/dec", "spectra/gmm"]})) as network:
        ticks = Ticks(network)
        ended: dict[str, dg.DagsterRunStatus] = {}
        while requests := ticks.tick():
            job = str(requests[0].job_name)
            fails = job in ("fit_spectra", "train_spectra__gmm")
            ended[job] = dg.DagsterRunStatus.FAILURE if fails else dg.DagsterRunStatus.SUCCESS
            ticks.record(requests, ended[job])
        assert "is through" in ticks.reason
        assert list(ended) == list(jobs.training_jobs(network.settings))


def test_nothing_is_asked_for_while_a_job_of_the_training_is_at_work(drawn: Opened) -> None:
    process(drawn, *DAYS[1:])
    ticks = Ticks(drawn)
    ticks.record(ticks.tick(), dg.DagsterRunStatus.STARTED)
    assert ticks.tick() == [] and jobs.DRAW in ticks.reason


def test_unassigned_events_ask_for_training_as_well(drawn: Opened) -> None:
    values = json.loads(drawn.settings.model_dump_json())
    values["operations"] |= {"retrain_unseen": 1.0, "retrain_unassigned": 0.5}
    values["novelty"] |= {"false_alarms": 0.2}
    process(drawn, DAYS[1])
    settings = type(drawn.settings).model_validate(values)
    keys = [StationDay(code, DAYS[1]) for code in STATIONS]
    found = unseen_since_draw(drawn.store, drawn.store.settings.training_set, keys)
    assert found.unseen > 10 and found.labelled == 0 and found.reason(settings.operations) == ""
    for key in keys:
        label_one(drawn.store, key)
    labelled = unseen_since_draw(drawn.store, drawn.store.settings.training_set, keys)
    assert labelled.labelled == labelled.unseen == found.unseen
    worse = type(labelled)(labelled.seen, labelled.unseen, labelled.labelled, labelled.labelled)
    assert "not assigned" in worse.reason(settings.operations)
    # What the training set was drawn from is not new, however often it is recorded.
    first = [StationDay(code, DAYS[0]) for code in STATIONS]
    assert unseen_since_draw(drawn.store, drawn.store.settings.training_set, first).unseen == 0
    shutil.rmtree(drawn.store.root / "spectrograms")
    assert unseen_since_draw(drawn.store, drawn.store.settings.training_set, keys).unseen == 0
