"""The bench of an archive's size, on a network of a few days."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ris_core.config import PROJECT_ROOT

MEASURED = ("dry_run", "catch_up_tick", "following_tick", "following_new_day_tick", "training_set")


def scale(root: Path, *parts: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.scale", "--stations", "7", "--days", "3", "--root", str(root)]
    done = subprocess.run(
        [*command, *(("--parts", *parts) if parts else ())],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))
    return found


def test_the_bench_measures_a_whole_archive_and_finds_it_again(tmp_path: Path) -> None:
    # `ris status` is measured as `ris backfill --dry-run` is.
    found = scale(tmp_path, "dry_run", "catch_up", "following", "training_set", "read_labels")
    assert found["station_days"] == 21
    for name in (*MEASURED, "drawn_from", "read_labels"):
        assert found[f"{name}_s"] > 0
        assert found[f"{name}_first_s"] > 0
    products = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}
    assert len(products) == 3 * 21  # detections, live intervals and labels
    again = scale(tmp_path, "following")
    assert again["following_tick_s"] > 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")} == products
