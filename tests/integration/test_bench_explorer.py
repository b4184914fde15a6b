"""The bench of the explorer, on few events."""

from pathlib import Path

from benches import start_bench

from bench.explorer_network import made_network


def test_all_that_the_views_ask_for_is_timed(tmp_path: Path) -> None:
    small = ("--folder", tmp_path, "--events", 900, "--stations", 3, "--days", 12, "--rounds", 2, "--no-browser")
    found, printed = start_bench("explorer", *small)
    assert found["events"] == 900
    musts = {"first_view_s", "filter_p95_ms", "gallery_cold_ms", "neighbours_p95_ms", "server_mb"}
    assert set(found["musts"]) == musts
    assert musts - {"first_view_s"} <= set(found)
    for what in ("filter: lasso", "timeline", "gallery page, pictures cold", "neighbours", "review written", "sound"):
        assert what in printed
    there = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}
    made_network(tmp_path, 900, 3, 12)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")} == there
