"""The bench of orchestration, on a block of a few station-days."""

import json
import subprocess
import sys

from ris_core.config import PROJECT_ROOT


def test_the_bench_prints_its_figures_last() -> None:
    command = [sys.executable, "-m", "bench.archive", "--storage", "sqlite", "--stations", "2", "--days", "6"]
    done = subprocess.run(
        [*command, "--keys-per-run", "4"], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    (found,) = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["storages"]
    assert found["storage"] == "sqlite"
    assert (found["station_days"], found["runs"]) == (12, 6)
    for job in ("acquire", "process"):
        assert found["jobs"][job]["seconds_per_asset"] > 0
        assert found["jobs"][job]["slope_per_1000"] is not None
    assert found["database_mb"] > 0
    assert found["whole_archive_hours"] > 0
