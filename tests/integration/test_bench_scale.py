"""The bench of an archive's size, on a network of a few days."""

from pathlib import Path

from benches import run_bench, start_bench

MEASURED = ("dry_run", "catch_up_tick", "following_tick", "following_new_day_tick", "training_set")


def test_the_bench_measures_a_whole_archive_and_finds_it_again(tmp_path: Path) -> None:
    # `ris status` is measured as `ris backfill --dry-run` is.
    size = ("--stations", 7, "--days", 3, "--root", tmp_path)
    parts = ("dry_run", "catch_up", "following", "training_set", "read_labels")
    found, _ = start_bench("scale", *size, "--parts", *parts)
    assert found["station_days"] == 21
    for name in (*MEASURED, "drawn_from", "read_labels"):
        assert found[f"{name}_s"] > 0
        assert found[f"{name}_first_s"] > 0
    products = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}
    assert len(products) == 3 * 21  # detections, live intervals and labels
    again, _ = run_bench("scale", *size, "--parts", "following")
    assert again["following_tick_s"] > 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")} == products
