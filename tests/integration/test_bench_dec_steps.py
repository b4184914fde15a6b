"""The bench of DEC's steps, on one network of one station-day with hardly any training."""

from pathlib import Path

import pytest
from benches import run_bench

from bench import dec_steps


def test_each_arm_has_its_batches_updates_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dec_steps, "ARMS", ((4, 2), (6, 3)))
    size = ("--generators", 1, "--stations", 1, "--days", 1, "--events", 60, "--aec-epochs", 1)
    kept = ("--cache", tmp_path, "--results", tmp_path / "results.jsonl", "--workers", 1)
    found, printed = run_bench("dec_steps", *size, *kept)
    initial, *arms = found["arms"]
    assert (initial["steps"], [(arm["steps"], arm["interval"]) for arm in arms]) == (0, [(4, 2), (6, 3)])
    # The events are one batch, and there is an update in every epoch.
    assert [(arm["epochs"], arm["updates"]) for arm in arms] == [(4, 4), (6, 6)]
    assert all(-1 <= arm["ari"] <= 1 and arm["cpu_s"] > 0 for arm in arms)
    (events,) = found["conditions"]["events"]
    assert 20 <= events <= 60
    assert "DEC on many events, true K" in printed
    assert run_bench("dec_steps", *size, *kept)[0]["arms"] == found["arms"]
