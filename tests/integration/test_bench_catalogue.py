"""The bench of the catalogue, on few station-days."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ris_core.config import PROJECT_ROOT


def bench(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.catalogue", *map(str, arguments)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    name, figures = done.stdout.splitlines()[-1].split(" ", 1)
    assert name == "RESULT"
    found: dict[str, Any] = json.loads(figures)
    return found


def test_updates_of_all_kinds_are_timed(tmp_path: Path) -> None:
    found = bench("--folder", tmp_path, "--stations", 2, "--days", 30, "--events", 120)
    assert found["events"] == 120
    assert {"first", "nothing_new", "one_day_labelled", "all_labelled_again", "repeaters", "read_all"} <= set(found)


def test_sources_are_scored_with_all_classes_and_with_those_above_chance() -> None:
    rows = bench("--sources", "--seeds", 1, "--days", 10)["sources"]
    at = {(row["events_per_day"], row["pairs_of"]): row for row in rows if row["wrong_labels"] == 0}
    assert at[42.0, "classes above chance"]["precision"] > at[42.0, "any"]["precision"]
    assert at[42.0, "classes above chance"]["recall"] > 0.9
