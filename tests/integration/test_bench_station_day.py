"""The bench of a station-day, on ten minutes of an archive."""

from pathlib import Path

from benches import run_bench
from builders import DAYS, write_archive


def test_the_bench_compares_both_routes_and_prints_its_figures_last(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:2])
    options = ["--archive", archive, "--days", 2, "--least-bytes", 1000, "--turns", 1]
    found, _ = run_bench("station_day", *options)
    assert found["same_onsets"] is True
    assert found["station_days"] == 2
    assert found["events"] > 10
    assert found["cpu_ratio"] > 0
    assert found["peak_rss_mb"] > 0
