"""Training again from the explorer: what is said when Dagster answers, does not, or something failed."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from explorer_network import Explored

from ris_dagster import jobs
from ris_dagster.analysis_jobs import CATALOGUE, MAP
from ris_dagster.assets.class_model import CLASS_MODEL
from ris_dagster.sensors.after_review import AFTER_REVIEW, RETRAINING_TAG
from ris_explorer.answers import RefusedError
from ris_explorer.reviewing import retraining_steps
from ris_explorer.reviewing.dagster_server import DagsterServer
from ris_explorer.reviewing.retraining import Retraining

ADDRESS = "http://127.0.0.1:3000"


class Answers:
    """A Dagster webserver of which only the record is made."""

    def __init__(self, team: str = "explored") -> None:
        self.team = team
        self.healthy, self.sensor_status, self.skipped = True, "RUNNING", "no retraining is under way"
        self.jobs = ["train_class_model"]
        self.runs: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.launched: list[dict[str, Any]] = []
        self.refusal: dict[str, Any] | None = None

    def add(self, job: str, status: str, name: str = "one", **tags: str) -> str:
        run_id = f"run-{len(self.runs)}"
        found = {"runId": run_id, "jobName": job, "status": status, "creationTime": float(len(self.runs))}
        named = {RETRAINING_TAG: name} if name else {}
        found["tags"] = [{"key": key, "value": value} for key, value in (named | tags).items()]
        self.runs.insert(0, found | {"endTime": None})
        return run_id

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/json"
        asked = json.loads(request.content)
        operation = asked["query"].split()[1].split("(")[0]
        answer = {"Runs": self.runs_of, "Failures": self.failures_of, "Served": self.served}.get(operation)
        answer = answer or {"Sensor": self.sensor, "Launch": self.launch}[operation]
        return httpx.Response(200, json={"data": answer(asked["variables"])})

    def served(self, variables: dict[str, Any]) -> dict[str, Any]:
        assert variables["asset"]["path"] == [CLASS_MODEL.to_user_string()]
        repository = {"name": "__repository__", "location": {"name": "ris"}}
        node = {"__typename": "AssetNode", "jobNames": self.jobs, "owners": [{"team": self.team}]}
        health = {"required": True, "healthy": self.healthy, "lastHeartbeatTime": 1.6e9}
        daemons = [{"daemonType": kind, **health} for kind in ("SENSOR", "QUEUED_RUN_COORDINATOR", "BACKFILL")]
        return {
            "assetNodeOrError": node | {"repository": repository},
            "instance": {"daemonHealth": {"allDaemonStatuses": daemons}},
        }

    def sensor(self, variables: dict[str, Any]) -> dict[str, Any]:
        assert variables["sensor"] == {
            "repositoryName": "__repository__",
            "repositoryLocationName": "ris",
            "sensorName": AFTER_REVIEW,
        }
        if not self.sensor_status:
            return {"sensorOrError": {"__typename": "SensorNotFoundError"}}
        ticks = [{"status": "SKIPPED", "skipReason": self.skipped, "error": None}]
        state = {"status": self.sensor_status, "ticks": ticks}
        return {"sensorOrError": {"__typename": "Sensor", "sensorState": state}}

    def runs_of(self, variables: dict[str, Any]) -> dict[str, Any]:
        wanted = variables["filter"]
        found = [
            run
            for run in self.runs
            if wanted.get("pipelineName") in (None, run["jobName"])
            and all(tag in run["tags"] for tag in wanted["tags"])
        ]
        return {"runsOrError": {"__typename": "Runs", "results": found[: variables["limit"]]}}

    def failures_of(self, variables: dict[str, Any]) -> dict[str, Any]:
        connection = {"__typename": "EventConnection", "cursor": "end", "hasMore": False, "events": self.events}
        return {"logsForRun": connection}

    def launch(self, variables: dict[str, Any]) -> dict[str, Any]:
        params = variables["params"]
        self.launched.append(params)
        if self.refusal is not None:
            return {"launchRun": self.refusal}
        tags = {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]}
        run_id = self.add(params["selector"]["jobName"], "QUEUED", tags[RETRAINING_TAG])
        return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": run_id}}}


def retraining(explored: Explored, answers: Callable[[httpx.Request], httpx.Response] | None) -> Retraining:
    explorer = explored.explorer(dagster_here=ADDRESS)
    transport = None if answers is None else httpx.MockTransport(answers)
    return Retraining(explorer, None if transport is None else DagsterServer(ADDRESS, transport))


@pytest.fixture
def answers() -> Answers:
    return Answers()


def test_names_are_those_of_the_platform() -> None:
    wanted = [jobs.CLASS_MODEL, jobs.CHAMPION, "label", CATALOGUE, MAP, jobs.QUEUE]
    assert list(retraining_steps.STEPS) == wanted
    assert (retraining_steps.TAG, retraining_steps.SENSOR) == (RETRAINING_TAG, AFTER_REVIEW)


def test_without_an_address_the_command_is_said(explored: Explored) -> None:
    asked = retraining(explored, None)
    found = asked.state()
    assert (found["state"], found["may_begin"], found["steps"]) == ("unknown", False, [])
    assert found["words"] == "" and "no address of Dagster is known" in found["why_not"]
    command = "ris run --only train_class_model --only choose_champion --only label"
    assert found["command"].startswith(command) and command in found["why_not"]
    with pytest.raises(RefusedError, match="no address of Dagster") as refused:
        asked.begin()
    assert refused.value.status == 409


def _silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused", request=request)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_silent, f"Dagster at {ADDRESS} does not answer (Connection refused)"),
        (
            lambda request: httpx.Response(403, text="refused: Host 'x'"),
            "refuses the question (403: refused: Host 'x')",
        ),
        (lambda request: httpx.Response(200, text="<html>"), f"what answers at {ADDRESS} is not Dagster's webserver"),
        (lambda request: httpx.Response(200, json=[]), f"what answers at {ADDRESS} is not Dagster's webserver"),
        (lambda request: httpx.Response(200, json={"errors": [{"message": "no field"}]}), "cannot answer: no field"),
    ],
)
def test_a_server_that_does_not_answer_is_named(
    explored: Explored, answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    asked = retraining(explored, answer)
    found = asked.state()
    assert found["state"] == "unknown" and words in found["words"]
    assert words in found["why_not"] and "ris run" in found["why_not"]
    with pytest.raises(RefusedError, match="ris run"):
        asked.begin()


def test_a_retraining_is_begun_once_and_followed_to_its_end(explored: Explored, answers: Answers) -> None:
    answers.add("train_class_model", "SUCCESS", name="")
    asked = retraining(explored, answers)
    assert asked.state()["state"] == "none" and asked.state()["may_begin"]
    begun = asked.begin()
    (launched,) = answers.launched
    assert launched["selector"]["jobName"] == jobs.CLASS_MODEL
    assert begun["state"] == "queued" and begun["steps"][0]["link"] == f"{ADDRESS}/runs/run-1"
    with pytest.raises(RefusedError, match="under way"):
        asked.begin()
    assert len(answers.launched) == 1
    name = launched["executionMetadata"]["tags"][0]["value"]

    def state() -> tuple[str, list[str]]:
        found = retraining(explored, answers).state()
        return found["state"], [step["state"] for step in found["steps"]]

    answers.runs[0]["status"] = "STARTED"
    assert state() == ("running", ["running"] + ["waiting"] * 5)
    answers.runs[0]["status"] = "SUCCESS"
    assert state() == ("running", ["done"] + ["waiting"] * 5)
    answers.add("choose_champion", "SUCCESS", name)
    answers.add("label", "SUCCESS", name)
    answers.add("label", "QUEUED", name)
    found = retraining(explored, answers).state()
    assert found["steps"][2]["done"] == 1 and found["steps"][2]["runs"] == 2
    assert found["words"] == "label waits in the queue"
    answers.runs[0]["status"] = "SUCCESS"
    for job in (CATALOGUE, MAP, jobs.QUEUE):
        answers.add(job, "SUCCESS", name)
    assert state() == ("done", ["done"] * 6)
    assert retraining(explored, answers).state()["may_begin"]


def test_a_failure_has_its_reason_and_another_may_begin(explored: Explored, answers: Answers) -> None:
    run_id = answers.add("train_class_model", "FAILURE")
    said = {"description": "only 4 reviews of 2 classes;\n12 are wanted"}
    answers.events = [
        {"__typename": "LogMessageEvent"},
        {"__typename": "ExecutionStepFailureEvent", "failureMetadata": said, "error": {"message": "no"}},
    ]
    found = retraining(explored, answers).state()
    assert found["state"] == "failed" and found["may_begin"]
    assert found["words"] == "train_class_model failed: only 4 reviews of 2 classes; 12 are wanted"
    assert found["steps"][0]["link"] == f"{ADDRESS}/runs/{run_id}"
    answers.runs[0]["tags"].append({"key": "dagster/will_retry", "value": "true"})
    assert retraining(explored, answers).state()["state"] == "running"


def test_a_failure_without_a_step_has_the_words_of_its_end(explored: Explored, answers: Answers) -> None:
    answers.add("train_class_model", "SUCCESS")
    answers.add("choose_champion", "CANCELED")
    answers.events = [{"__typename": "RunCanceledEvent", "message": "Run was canceled by a person"}]
    assert retraining(explored, answers).state()["words"] == "choose_champion failed: Run was canceled by a person"


def test_a_later_job_that_failed_is_named_though_the_labels_are_new(explored: Explored, answers: Answers) -> None:
    for job in retraining_steps.STEPS:
        answers.add(job, "FAILURE" if job == MAP else "SUCCESS")
    found = retraining(explored, answers).state()
    assert (found["state"], found["may_begin"]) == ("failed", True)
    assert found["words"].startswith("map_events failed: no reason is known")


def test_it_is_said_who_does_not_run(explored: Explored, answers: Answers) -> None:
    answers.healthy = False
    found = retraining(explored, answers).state()
    assert not found["may_begin"] and "Dagster's daemon for sensors does not run" in found["why_not"]
    assert "2020-09-13 12:26:40 UTC" in found["why_not"] and "ris run" in found["why_not"]
    # One that is under way does not go on, and says so.
    answers.add("train_class_model", "QUEUED")
    assert "but it does not go on: Dagster's daemon" in retraining(explored, answers).state()["words"]


@pytest.mark.parametrize(("status", "words"), [("STOPPED", "has switched off the sensor"), ("", "has no sensor")])
def test_without_the_sensor_none_may_begin(explored: Explored, answers: Answers, status: str, words: str) -> None:
    answers.sensor_status = status
    found = retraining(explored, answers).state()
    assert not found["may_begin"] and f"{words} after_review" in found["why_not"]
    assert f"{ADDRESS}/locations/__repository__@ris/sensors/after_review" in found["why_not"]


def test_another_network_or_another_program_is_not_asked_to_train(explored: Explored, answers: Answers) -> None:
    answers.team = "volcano"
    asked = retraining(explored, answers)
    assert "serves the network volcano, and this is explored" in asked.state()["why_not"]
    answers.jobs = ["else"]
    with pytest.raises(RefusedError, match="does not serve the jobs of this platform"):
        asked.begin()
    assert answers.launched == []


def test_what_dagster_refuses_is_passed_on(explored: Explored, answers: Answers) -> None:
    errors = [{"message": "missing field"}, {"message": "another"}]
    answers.refusal = {"__typename": "RunConfigValidationInvalid", "errors": errors}
    with pytest.raises(RefusedError, match="does not start train_class_model: missing field; another"):
        retraining(explored, answers).begin()


def test_the_models_of_label_tables_are_counted(explored: Explored, answers: Answers) -> None:
    labels = retraining(explored, answers).state()["labels"]
    assert labels["candidate"] == "spectra/gmm" and not labels["reviewed"]
    assert labels["station_days"] == labels["by_champion"] == 11
