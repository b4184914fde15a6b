"""The benches of links: one seed with right labels, and a few repeats of the sizes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.analysis_worlds import TRUE_LINKS, confused, world
from ris_core.config import PROJECT_ROOT
from ris_core.config.links import LinksSettings


def bench(*command: object) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    name, figures = done.stdout.splitlines()[-1].split(" ", 1)
    assert name == "RESULT"
    return json.loads(figures), done.stdout


def test_true_links_are_found_and_a_finished_run_is_kept(tmp_path: Path) -> None:
    results = tmp_path / "analysis.jsonl"
    options = ("--seeds", 1, "--first-seed", 1, "--rates", 42, "--wrong", 0, "--workers", 1, "--results", results)
    found, text = bench("bench.analysis", *options)
    assert found["true_links_found"] >= 5 / 6
    assert (found["sign_errors"], found["swell_on_rift"], found["o1_rift"]) == (0, 0, 1)
    assert "null_seasonal_swarms" in text and "load average" in text
    kept = results.read_bytes()
    again, _ = bench("bench.analysis", *options)
    assert again == found and results.read_bytes() == kept


def test_sizes_are_printed_by_the_kind_of_errors() -> None:
    found, _ = bench("bench.analysis_size", "--repeats", 4, "--weeks", 26)
    assert found["sizes"].keys() == {"poisson 26", "swarms 26"}
    assert found["seconds"]["ours"] > 0


def test_worlds_have_gaps_and_wrong_labels_move_events_only() -> None:
    inputs = world(1, 20.0, LinksSettings())
    assert [one.station for one in inputs] == ["S01", "S02", "S03"]
    share = inputs[0].live.mean()
    assert 0.75 < share < 0.9
    assert {series for _, series in TRUE_LINKS} <= inputs[0].terms.keys()
    labelled, confusion = confused(inputs, 1, 0.2, 500)
    for before, after in zip(inputs, labelled, strict=True):
        assert (before.counts.sum(axis=1) == after.counts.sum(axis=1)).all()
    assert 0.75 < confusion.counts.trace() / confusion.counts.sum() < 0.85
