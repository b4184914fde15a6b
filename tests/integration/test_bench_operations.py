"""The bench of operations: its record of many station-days, what it asks of Dagster, and its arithmetic."""

import pytest
from benches import run_bench
from dagster_internals import graphql_schema
from graphql import parse, validate

from bench.operations_memory import PAGE
from bench.operations_parts import LAUNCH, orchestration


def test_memory_is_measured_over_the_station_days_that_the_servers_show() -> None:
    figures, _ = run_bench("operations", "--parts", "memory", "--partitions", 60)
    found = figures["memory"]
    assert (found["partitions"], found["events"]) == (68, 3 * 68)
    for when in ("started_rss_mb", "page_loaded_rss_mb"):
        assert {"webserver", "daemon"} < found[when].keys()
        assert min(found[when].values()) > 50
        assert found[when]["all of ris ui"] > found[when]["webserver"] + found[when]["daemon"]


def test_dagster_knows_what_the_bench_asks() -> None:
    schema = graphql_schema()
    for query in (LAUNCH, PAGE):
        assert validate(schema, parse(query)) == []


def test_orchestration_is_what_the_stages_do_not_account_for() -> None:
    assert orchestration(wall_s=30.0, work_s=20.0, lanes=2, station_days=10) == pytest.approx(2.0)
