"""The bench of faults: what it counts, and a short run of it over all readers."""

from pathlib import Path

import faults_targets
import numpy as np
import pytest
from benches import run_bench

from bench.faults import run
from bench.faults_mutations import mutate
from bench.faults_registry import all_targets


@pytest.mark.parametrize("text", [False, True])
def test_the_same_seed_spoils_the_same_file_alike_and_never_leaves_it_as_it_was(text: bool) -> None:
    data = b'{"samples": [1, 2.5, -3e4], "name": "AA"}\n' * 40
    for seed in range(300):
        spoilt, done = mutate(np.random.default_rng(seed), data, text)
        assert spoilt != data
        assert done
        assert mutate(np.random.default_rng(seed), data, text) == (spoilt, done)


def test_each_kind_of_fault_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    names = list(faults_targets.targets())
    found, bad = run(names, 3 * len(names), seed=4, limit=1.0, kept=tmp_path, registry=faults_targets.targets)
    outcomes = {"_dies": "crash", "_hangs": "hang", "_believes": "silent", "_takes_memory": "other"}
    outcomes |= {"_is_terse": "other", "_says": "error"}
    assert {name: dict(counted) for name, counted in found.of.items()} == {n: {o: 3} for n, o in outcomes.items()}
    assert len(bad) == 15
    result = found.result()
    assert [result[name] for name in ("inputs", "crashes", "hangs", "other", "silent")] == [18, 3, 3, 6, 3]
    kept = sorted(path.name for path in (tmp_path / "_believes").iterdir())
    assert kept == [f"silent-4-{n}{end}" for n in range(3) for end in ("-file", ".txt")]
    assert (
        "--seed 4 --targets '_believes' --first 0 --fuzz 1" in (tmp_path / "_believes" / "silent-4-0.txt").read_text()
    )
    assert (tmp_path / "_believes" / "silent-4-0-file").read_bytes() != bytes(range(256))


def test_no_reader_dies_hangs_or_is_silent_over_spoilt_files() -> None:
    found, printed = run_bench("faults", "--fuzz", 440, "--workers", 1, "--seed", 1)
    assert found["inputs"] == 440
    assert [found[name] for name in ("crashes", "hangs", "other", "silent")] == [0, 0, 0, 0], printed
    assert found["targets"].keys() == all_targets().keys()
    assert all(sum(counted.values()) >= 440 // len(all_targets()) for counted in found["targets"].values())
