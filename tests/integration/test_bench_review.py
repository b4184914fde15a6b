"""The bench of reviews, on one network of one station-day."""

from pathlib import Path
from typing import Any

import pytest
from benches import run_bench

from bench.arguments import numbers

SMALL = ["--generators", "1", "--seeds", 1, "--stations", 1, "--days", 1, "--events", 120, "--workers", 1]
COUNTS = ["--reviews", 12, 24, "--errors", 0, 0.5, "--class-model", '{"trees": 20, "fewest_reviews": 10}']


def bench(folder: Path) -> tuple[dict[str, Any], str]:
    return run_bench("review", "--cache", folder, *SMALL, *COUNTS, "--review", '{"first": 8}')


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("bench")
    return bench(folder)[0], folder


def test_each_order_is_scored_by_the_number_of_reviews(first: tuple[dict[str, Any], Path]) -> None:
    found, _ = first
    assert found["ari"].keys() == found["ari_random"].keys() == {"0", "12", "24"}
    assert found["orders"].keys() == {"none", "queue", "queue, 50% wrong", "random"}
    scores = found["orders"]["queue"]["24"]
    for name in ("accuracy", "macro_f1", "coverage", "calibration_error"):
        assert 0 <= scores[name]["mean"] <= 1
    assert scores["set_size"]["mean"] >= 1
    # Events of the blocks and sources that were shown are not scored.
    assert 0 < scores["scored"]["mean"] < 120 - 24


def test_a_reviewer_who_is_wrong_half_of_the_time_costs_much(first: tuple[dict[str, Any], Path]) -> None:
    orders = first[0]["orders"]
    assert orders["queue, 50% wrong"]["24"]["accuracy"]["mean"] < orders["queue"]["24"]["accuracy"]["mean"]


def test_finished_runs_are_not_run_again(first: tuple[dict[str, Any], Path]) -> None:
    found, folder = first
    before = (folder / "review.jsonl").read_bytes()
    again, _ = bench(folder)
    assert (folder / "review.jsonl").read_bytes() == before
    assert again["orders"] == found["orders"]


def test_ranges_of_generators_are_read() -> None:
    assert numbers("3-5,9") == [3, 4, 5, 9]
