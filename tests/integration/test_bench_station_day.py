"""The bench of a station-day, on ten minutes of an archive."""

import json
import subprocess
import sys
from pathlib import Path

from builders import DAYS, write_archive

from ris_core.config import PROJECT_ROOT


def test_the_bench_compares_both_routes_and_prints_its_figures_last(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:2])
    command = ["bench.station_day", "--archive", archive, "--days", 2, "--least-bytes", 1000, "--turns", 1]
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    name, figures = done.stdout.splitlines()[-1].split(" ", 1)
    found = json.loads(figures)
    assert name == "RESULT"
    assert found["same_onsets"] is True
    assert found["station_days"] == 2
    assert found["events"] > 10
    assert found["cpu_ratio"] > 0
    assert found["peak_rss_mb"] > 0
