"""One run of the benchmark of links: a seed at a rate, with right, wrong and unmixed labels."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from bench.analysis_worlds import confused, world
from bench.runs import Row, Task
from ris_core.config.links import LinksSettings
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.link_verdict import verdicts, with_q
from ris_core.links.station_links import Wanted, station_links
from ris_core.rates.confusion import Confusion

RIGHT, WRONG, UNMIXED = "right", "wrong", "unmixed"


def run(task: Task, _cache: str) -> list[Row]:
    """Return one row per labels, class and series, and one per class and tidal constituent."""
    links = LinksSettings.model_validate(task["links"])
    inputs = world(task["seed"], task["events_per_day"], links, task["late_hours"])
    rows = _rows(task, RIGHT, inputs, links, None)
    if task["wrong"]:
        labelled, confusion = confused(inputs, task["seed"], task["wrong"], task["tested"])
        rows += _rows(task, WRONG, labelled, links, None)
        rows += _rows(task, UNMIXED, labelled, links, confusion)
    return rows


def _rows(
    task: Task, labels: str, inputs: list[LinkInputs], links: LinksSettings, confusion: Confusion | None
) -> list[Row]:
    start = time.process_time()
    wanted = Wanted(beside=False, phases=("O1", "M2") if labels == RIGHT else ())
    found = [station_links(station, links, confusion, wanted) for station in inputs]
    effects = with_q(pd.concat([one.effects for one in found], ignore_index=True))
    decided = verdicts(effects, links.false_discovery, links.share, links.least_stations)
    said: dict[str, Any] = {"seed": task["seed"], "events_per_day": task["events_per_day"], "labels": labels}
    single = (
        effects[effects["reason"] == ""]
        .groupby(["class_name", "series"])
        .agg(
            single_05=("p", lambda p: int((p < 0.05).sum())),
            single_tests=("p", "size"),
            clusters=("effective_clusters", "min"),
            events=("events", "sum"),
        )
        .reset_index()
    )
    decided = decided.merge(single, how="left", on=["class_name", "series"])
    columns = [
        "class_name",
        "series",
        "verdict",
        "sign",
        "effect",
        "stations",
        "single_05",
        "single_tests",
        "clusters",
        "events",
    ]
    rows = [{**said, "test": "rate", **row} for row in decided[columns].to_dict("records")]
    if wanted.phases:
        rows += _phases(said, pd.concat([one.phases for one in found], ignore_index=True), links)
    seconds = time.process_time() - start
    return [{**row, "cpu_s": seconds} for row in rows]


def _phases(said: dict[str, Any], phases: pd.DataFrame, links: LinksSettings) -> list[Row]:
    rows = []
    for name, own in phases.groupby("constituent"):
        tested = with_q(own.rename(columns={"excess": "effect"}).reset_index(drop=True))
        decided = verdicts(tested, links.false_discovery, links.share, links.least_stations, ("class_name",))
        single = (
            tested[tested["reason"] == ""]
            .groupby("class_name")["p"]
            .agg(single_01=lambda p: int((p < 0.01).sum()), single_tests="size")
        )
        decided = decided.merge(single, how="left", left_on="class_name", right_index=True)
        columns = ["class_name", "verdict", "sign", "effect", "stations", "single_01", "single_tests"]
        rows += [{**said, "test": name, "series": name, **row} for row in decided[columns].to_dict("records")]
    return rows
