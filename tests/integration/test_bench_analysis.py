"""The benches of links: one seed with right labels, and a few repeats of the sizes."""

from pathlib import Path

from benches import run_bench

from bench.analysis_worlds import TRUE_LINKS, confused, world
from ris_core.config.links import LinksSettings


def test_true_links_are_found_and_a_finished_run_is_kept(tmp_path: Path) -> None:
    results = tmp_path / "analysis.jsonl"
    options = ("--seeds", 1, "--first-seed", 1, "--rates", 42, "--wrong", 0, "--workers", 1, "--results", results)
    found, text = run_bench("analysis", *options)
    assert found["true_links_found"] >= 5 / 6
    assert (found["sign_errors"], found["swell_on_rift"], found["o1_rift"]) == (0, 0, 1)
    assert "null_seasonal_swarms" in text and "load average" in text
    kept = results.read_bytes()
    again, _ = run_bench("analysis", *options)
    assert again == found and results.read_bytes() == kept


def test_sizes_are_printed_by_the_kind_of_errors() -> None:
    found, _ = run_bench("analysis_size", "--repeats", 4, "--weeks", 26)
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
