"""The bench of the catalogue, on few station-days."""

from pathlib import Path

from benches import run_bench


def test_updates_of_all_kinds_are_timed(tmp_path: Path) -> None:
    found, _ = run_bench("catalogue", "--folder", tmp_path, "--stations", 2, "--days", 30, "--events", 120)
    assert found["events"] == 120
    assert {"first", "nothing_new", "one_day_labelled", "all_labelled_again", "repeaters", "read_all"} <= set(found)


def test_sources_are_scored_with_all_classes_and_with_those_above_chance() -> None:
    found, _ = run_bench("catalogue", "--sources", "--seeds", 1, "--days", 10, "--rates", 42)
    rows = found["sources"]
    assert {(row["least_velocity"], row["wrong_labels"]) for row in rows} == {(2, 0), (2, 0.2), (6, 0), (6, 0.2)}
    at = {(row["events_per_day"], row["pairs_of"]): row for row in rows if row["wrong_labels"] == 0}
    assert at[42.0, "classes above chance"]["precision"] > at[42.0, "any"]["precision"]
    assert at[42.0, "classes above chance"]["recall"] > 0.9
