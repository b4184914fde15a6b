"""Questions and orders to a Dagster webserver by its GraphQL, and what it answers in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from ris_core.masking import masked

_WAIT_S = 10.0
_LONGEST = 2000
# What every version of Dagster's own page and command line also asks.
_SERVED = """
query Served($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    __typename
    ... on AssetNode {
      jobNames
      owners { ... on TeamAssetOwner { team } }
      repository { name location { name } }
    }
  }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
}"""
_SENSOR = """
query Sensor($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) {
    __typename
    ... on Sensor { sensorState { status ticks(limit: 1) { status skipReason error { message } } } }
  }
}"""
_RUNS = """
query Runs($filter: RunsFilter!, $limit: Int!) {
  runsOrError(filter: $filter, limit: $limit) {
    __typename
    ... on Runs { results { runId jobName status creationTime endTime tags { key value } } }
    ... on Error { message }
  }
}"""
_FAILURES = """
query Failures($run: ID!, $after: String) {
  logsForRun(runId: $run, afterCursor: $after, limit: 1000) {
    __typename
    ... on EventConnection {
      cursor
      hasMore
      events {
        __typename
        ... on ExecutionStepFailureEvent {
          failureMetadata { description }
          error { message cause { message } }
        }
        ... on RunFailureEvent { message }
        ... on RunCanceledEvent { message }
      }
    }
  }
}"""
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on Error { message }
  }
}"""
_MOST_PAGES = 50


class DagsterError(RuntimeError):
    """Dagster does not answer, or not what is needed; the message says what and where."""


class DagsterServer:
    """A Dagster webserver.

    Parameters
    ----------
    address
        Where it is, like ``http://127.0.0.1:3000``.
    transport
        For tests: what answers in its place.
    """

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None) -> None:
        self.address = address
        # A proxy of the environment is for the outside, and this is mostly the same machine.
        self._client = httpx.Client(timeout=_WAIT_S, trust_env=False, transport=transport)

    def served(self, asset: str) -> dict[str, Any]:
        """Return who serves an asset, and the health of the daemons.

        Returns
        -------
        dict
            `asset`: its `jobNames`, `owners` and `repository`, or none if it has no such asset; `daemons`: by type,
            each with `required`, `healthy` and `lastHeartbeatTime`.

        Raises
        ------
        DagsterError
            As all methods: it does not answer, or with an error.
        """
        found = self._ask(_SERVED, {"asset": {"path": [asset]}})
        node = found["assetNodeOrError"]
        daemons = found["instance"]["daemonHealth"]["allDaemonStatuses"]
        return {
            "asset": node if node["__typename"] == "AssetNode" else None,
            "daemons": {each["daemonType"]: each for each in daemons},
        }

    def sensor(self, repository: Mapping[str, Any], name: str) -> dict[str, Any] | None:
        """Return `status` and the last of the `ticks` of a sensor; none if there is no such sensor."""
        selector = {**_of(repository), "sensorName": name}
        found = self._ask(_SENSOR, {"sensor": selector})["sensorOrError"]
        return found["sensorState"] if found["__typename"] == "Sensor" else None

    def runs(self, limit: int, job: str | None = None, tags: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return runs, newest first, each with `runId`, `jobName`, `status`, times in s since 1970 and `tags`."""
        wanted: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]}
        if job is not None:
            wanted["pipelineName"] = job
        found = self._ask(_RUNS, {"filter": wanted, "limit": limit})["runsOrError"]
        if found["__typename"] != "Runs":
            raise DagsterError(f"Dagster at {self.address} gives no runs: {_short(found.get('message'))}")
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found["results"]]

    def why_failed(self, run_id: str) -> str:
        """Return why a run failed: the words of its first failed step, else of its end; empty if there are none."""
        ended, cursor = "", None
        for _ in range(_MOST_PAGES):
            page = self._ask(_FAILURES, {"run": run_id, "after": cursor})["logsForRun"]
            if page["__typename"] != "EventConnection":
                return ended
            for event in page["events"]:
                if event["__typename"] == "ExecutionStepFailureEvent":
                    return _short(_words_of(event))
                ended = event.get("message") or ended
            if not page["hasMore"]:
                break
            cursor = page["cursor"]
        return _short(ended)

    def launch(self, repository: Mapping[str, Any], job: str, tags: Mapping[str, str]) -> str:
        """Put a run of a job with its default configuration into the queue and return its identifier."""
        params = {
            "selector": {**_of(repository), "jobName": job},
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        found = self._ask(_LAUNCH, {"params": params})["launchRun"]
        if found["__typename"] != "LaunchRunSuccess":
            said = found.get("message") or "; ".join(each["message"] for each in found.get("errors", []))
            raise DagsterError(f"Dagster at {self.address} does not start {job}: {_short(said or found['__typename'])}")
        return str(found["run"]["runId"])

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.post(f"{self.address}/graphql", json={"query": query, "variables": variables})
        except httpx.HTTPError as error:
            why = masked(str(error)) or type(error).__name__
            raise DagsterError(f"Dagster at {self.address} does not answer ({why})") from error
        if answer.status_code != httpx.codes.OK:
            said = f"{answer.status_code}: {_short(answer.text)}"
            raise DagsterError(f"Dagster at {self.address} refuses the question ({said})")
        try:
            content = answer.json()
            if content.get("errors"):
                said = "; ".join(str(each.get("message")) for each in content["errors"])
                raise DagsterError(f"Dagster at {self.address} cannot answer: {_short(said)}")
            return dict(content["data"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DagsterError(f"what answers at {self.address} is not Dagster's webserver") from error


def _of(repository: Mapping[str, Any]) -> dict[str, str]:
    return {"repositoryName": repository["name"], "repositoryLocationName": repository["location"]["name"]}


def _words_of(event: Mapping[str, Any]) -> str:
    said = (event.get("failureMetadata") or {}).get("description")
    error: Mapping[str, Any] = event.get("error") or {}
    return str(said or (error.get("cause") or error).get("message") or "")


def _short(text: Any) -> str:
    lines: Sequence[str] = str(text or "").strip().splitlines()
    return masked(" ".join(line.strip() for line in lines))[:_LONGEST]
