"""The bench of clustering, on one network of one station-day and on digits with hardly any training."""

from pathlib import Path
from typing import Any

import pytest
from benches import start_bench

SMALL = ["--generators", 1, "--model-seeds", 1, "--stations", 1, "--days", 1, "--events", 60, "--k", 2, 3]
SHORT = [
    "--members",
    "--seeds",
    1,
    "--digit-epochs",
    1,
    "--aec-epochs",
    1,
    "--dec-epochs",
    1,
    "--objectives",
    "--workers",
    1,
]


def bench(folder: Path, *options: object) -> tuple[dict[str, Any], str]:
    return start_bench("clustering", "--cache", folder, *options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def first(folder: Path) -> tuple[dict[str, Any], str]:
    return bench(folder, "--parts", "digits", "network", "novelty", "--profiles", "paper", *SMALL, *SHORT)


def test_every_method_has_its_scores_and_cpu_seconds(first: tuple[dict[str, Any], str]) -> None:
    found, _ = first
    for methods in (found["digits"], found["network"]["chosen"]["methods"], found["network"]["true"]["methods"]):
        assert len(methods) >= 6
        for scores in methods.values():
            assert 0 < scores["accuracy"]["mean"] <= 1
            assert -1 <= scores["ari"]["mean"] <= 1
            assert scores["cpu_s"] > 0
    assert {"DEC (distorted)", "IDEC (distorted)", "DEC (plain)", "GMM on PCA"} <= found["digits"].keys()
    chosen = found["network"]["chosen"]["methods"]
    assert {"attributes 4 + 10 s + consensus", "attributes 10 s + k-means", "AEC + consensus (paper)"} <= chosen.keys()
    assert found["unsupervised_ari"] == {name: scores["ari"]["mean"] for name, scores in chosen.items()}


def test_it_says_how_good_the_partition_is_that_the_ranking_picks(first: tuple[dict[str, Any], str]) -> None:
    found, printed = first
    (picks,) = found["choice"]["network"].values()
    assert picks["mean"]["mean"] <= picks["best"]["mean"]
    assert picks["pick"]["mean"] <= picks["best"]["mean"]
    assert "which partition the ranking without truth picks" in printed


def test_a_method_below_the_mixture_on_components_is_said_to_lose(first: tuple[dict[str, Any], str]) -> None:
    found, printed = first
    scores = found["digits"]["DEC (plain)"]
    assert scores["above"] < 0
    assert scores["verdict"].startswith("loses")
    assert "loses" in printed


def test_accuracy_comes_by_snr_and_novelty_for_each_score(first: tuple[dict[str, Any], str]) -> None:
    found, _ = first
    by_snr = found["network"]["true"]["accuracy_by_snr"]["hand features + k-means"]
    assert len(by_snr) >= 2
    assert all(int(low) % 5 == 0 and 0 <= of_bin["mean"] <= 1 for low, of_bin in by_snr.items())
    for present in ("0", "0.01"):
        assert {"reconstruction", "distance", "probability"} <= found["novelty"]["paper"][present].keys()


def test_finished_runs_are_not_run_again(first: tuple[dict[str, Any], str], folder: Path) -> None:
    lines = (folder / "clustering.jsonl").read_text().splitlines()
    # As if the bench had been interrupted while it wrote what came second.
    (folder / "clustering.jsonl").write_text(lines[0] + "\n" + lines[1][:40])
    again, _ = bench(folder, "--parts", "digits", *SHORT)
    kept = (folder / "clustering.jsonl").read_text().splitlines()
    assert kept[0] == lines[0]
    assert len(kept) == 4, "the first, the one cut off, and the two that were run"
    assert again["digits"]["GMM on PCA"] == first[0]["digits"]["GMM on PCA"]
    scores = again["digits"]["DEC (distorted)"], first[0]["digits"]["DEC (distorted)"]
    assert scores[0]["accuracy"] == scores[1]["accuracy"]
