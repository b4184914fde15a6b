"""The jobs of a retraining: what Dagster's record says of each, and in one sentence of all.

A retraining is a run of `train_class_model` with a tag; the sensor `after_review` of the platform asks for the jobs
that follow, with the same tag.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ris_explorer.reviewing.dagster_server import DagsterServer

# As `ris_dagster` names them.
TAG, SENSOR, ASSET = "ris/retraining", "after_review", "class_model"
FIRST = "train_class_model"
STEPS = {
    FIRST: "train the class model on all reviews",
    "choose_champion": "make it champion",
    "label": "label all events again",
    "update_catalogue": "bring the catalogue up to date",
    "map_events": "draw the map of events",
    "suggest_reviews": "choose what to review next",
}
"""The jobs in their order, and what each does."""
_MUST = (FIRST, "choose_champion")
_DAEMONS = {"SENSOR": "sensors", "QUEUED_RUN_COORDINATOR": "the queue of runs"}
_AT_WORK = {"QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"}
_FAILED = {"FAILURE", "CANCELED"}
_LOOKED_AT, _MOST_RUNS = 10, 2000


def newest_retraining(server: DagsterServer) -> tuple[str, defaultdict[str, list[dict[str, Any]]]]:
    """Return the name of the newest retraining, empty if there is none, and its runs by job, newest first."""
    begun = server.runs(_LOOKED_AT, job=FIRST)
    name = next((str(run["tags"][TAG]) for run in begun if run["tags"].get(TAG)), "")
    runs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in server.runs(_MOST_RUNS, tags={TAG: name}) if name else []:
        runs[run["jobName"]].append(run)
    return name, runs


def step_of(job: str, runs: Sequence[Mapping[str, Any]], why: Callable[[str], str]) -> dict[str, Any]:
    """Return what the record says of one job.

    Parameters
    ----------
    job
        Its name.
    runs
        Its runs in one retraining, newest first.
    why
        Gives the reason of a failed run.

    Returns
    -------
    dict
        `job`, `about`, `state` (waiting, queued, running, failed, done), number of `runs` and how many are `done`,
        `error` if it failed, and `run`: the one to look at.
    """
    at_work = [run for run in runs if _may_go_on(run)]
    # Started again by hand, the newest run counts; label tables are made by several runs.
    failed = [run for run in (runs if job == "label" else runs[:1]) if run["status"] in _FAILED]
    if at_work:
        state = "queued" if all(run["status"] == "QUEUED" for run in at_work) else "running"
    else:
        state = "waiting" if not runs else "failed" if failed else "done"
    shown = (at_work or failed or list(runs))[:1]
    return {
        "job": job,
        "about": STEPS[job],
        "state": state,
        "runs": len(runs),
        "done": sum(run["status"] == "SUCCESS" for run in runs),
        "error": why(failed[0]["runId"]) if state == "failed" else "",
        "run": shown[0]["runId"] if shown else "",
    }


def _may_go_on(run: Mapping[str, Any]) -> bool:
    again = run["status"] == "FAILURE" and run["tags"].get("dagster/will_retry") == "true"
    return again or run["status"] in _AT_WORK


def unhealthy(daemons: Mapping[str, Mapping[str, Any]]) -> str:
    """Return which of the daemons that are needed does not work, in words; empty if all do."""
    for kind, what in _DAEMONS.items():
        daemon = daemons.get(kind)
        # Without a queue runs are started at once.
        if daemon is None or not daemon["required"]:
            if kind == "SENSOR":
                return "this Dagster has no daemon for sensors"
            continue
        if not daemon["healthy"]:
            last = daemon["lastHeartbeatTime"]
            since = (
                f"last heard of {datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M:%S} UTC" if last else "never heard of"
            )
            return f"Dagster's daemon for {what} does not run ({since}; `ris ui` starts it and needs half a minute)"
    return ""


def last_words_of(sensor: Mapping[str, Any] | None) -> str:
    """Return what a sensor said last: its error, or why it asked for nothing."""
    ticks = [] if sensor is None else sensor["ticks"]
    if not ticks:
        return ""
    error = ticks[0].get("error")
    return str(error["message"]).strip() if error else str(ticks[0].get("skipReason") or "")


def summed_up(name: str, steps: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the state of a retraining (none, queued, running, failed, done) and a sentence about it."""
    if not name:
        return "none", "no retraining has been asked for yet"
    failed = [step for step in steps if step["state"] == "failed"]
    ended = steps[-1]["state"] in ("done", "failed") or any(step["job"] in _MUST for step in failed)
    if ended and failed:
        return "failed", "; ".join(f"{step['job']} failed: {step['error']}" for step in failed)
    if ended:
        return "done", "the class model was trained again; labels, catalogue and map follow it"
    return _under_way([step for step in steps if step["state"] != "waiting"][-1])


def _under_way(step: Mapping[str, Any]) -> tuple[str, str]:
    if step["state"] == "queued":
        return "queued" if step["job"] == FIRST else "running", f"{step['job']} waits in the queue"
    count = f" ({step['done']} of {step['runs']} runs)" if step["runs"] > 1 else ""
    if step["state"] == "running":
        return "running", f"{step['job']} is running: {step['about']}{count}"
    return "running", f"{step['job']} has ended; the next job is asked for within half a minute"
