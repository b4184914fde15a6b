"""Methods of synthetic networks side by side: which rows are compared, on which events, and what is said."""

import math
from typing import Any

import pytest
from builders import ris, write_yaml
from waveform_builders import make_settings

from ris_core.config import Settings
from ris_core.storage.json_records import write_json
from ris_core.storage.layout import Layout
from ris_core.truth.score_file import BASELINE, FILE, KeptScores
from ris_dagster.score_comparison import compared_methods, meaning, where_dec_loses


def _row(method: str, k: int, ari: float | None, apart: float | None = None, **more: Any) -> dict[str, Any]:
    row = {"method": method, "k": k, "chosen": False, "reviews": 0, "simulated": False} | more
    row |= {"ari": ari, "nmi": 0.5, "macro_f1": 0.5, "accuracy": 0.5, "windows": 900}
    return row | {
        "ari_apart": apart,
        "nmi_apart": 0.4,
        "macro_f1_apart": 0.4,
        "accuracy_apart": 0.4,
        "windows_apart": 50,
    }


def _scores(*rows: dict[str, Any]) -> KeptScores:
    return KeptScores(100, 0.5, 1.0, (), rows, (), 6)


def _settings(**values: Any) -> Settings:
    return make_settings(source={"kind": "synthetic", "seed": 1}, **values)


def test_each_method_is_compared_at_the_k_that_it_chooses() -> None:
    rows = [_row("DEC", 6, 0.2, chosen=True), _row("DEC", 8, 0.9), _row(BASELINE, 6, 0.3), _row(BASELINE, 8, 0.1)]
    found = compared_methods(_settings(), _scores(*rows))
    assert [(one.name, one.k, one.scores[0], one.events) for one in found] == [
        ("published DEC", 6, 0.2, 900),
        (BASELINE, 6, 0.3, 900),
    ]
    assert meaning(found).startswith(f"Without anyone's help the classes of {BASELINE} agree best with the truth")
    (said,) = where_dec_loses(found)
    assert said.endswith(f"published DEC (ARI 0.20) does worse than {BASELINE} (0.30).")
    (said,) = where_dec_loses(found[:1])
    assert said.endswith("no other method without reviews does better.")


def test_with_reviews_all_are_compared_on_the_same_events() -> None:
    rows = [
        _row("DEC", 6, 0.2, 0.25, chosen=True),
        _row("attributes/consensus", 5, 0.6, 0.62, chosen=True),
        _row("attributes/reviewed", 7, 0.8, 0.8, chosen=True, reviews=60, simulated=True),
    ]
    found = compared_methods(_settings(profile="recommended"), _scores(*rows))
    assert [(one.name, one.scores[0], one.events) for one in found] == [
        ("DEC, profile recommended", 0.25, 50),
        ("attributes/consensus", 0.62, 50),
        ("reviewed: attributes/reviewed, 60 simulated reviews", 0.8, 50),
    ]
    said = meaning(found)
    assert "with 60 reviewed events the ARI is 0.80" in said
    assert "a program that knows the truth reviewed them" in said


def test_what_cannot_be_scored_is_not_the_best() -> None:
    rows = [_row("DEC", 6, None, None, chosen=True, reviews=3), _row("attributes/consensus", 5, 0.6, 0.6, chosen=True)]
    found = compared_methods(_settings(), _scores(*rows))
    assert math.isnan(found[0].scores[0])
    assert "0.60" in meaning(found)
    assert "No event could be scored" in meaning(found[:1])


@pytest.fixture
def config(data_root: Any, tmp_path: Any) -> Any:
    return write_yaml(tmp_path / "made.yaml", _settings().model_dump(mode="json"))


def test_scores_are_shown_by_a_command(config: Any) -> None:
    missing = ris("scores", config)
    assert missing.exit_code == 1
    assert "score_against_truth" in missing.output
    settings = _settings()
    record = {"true_events": 10, "recall": 1.0, "precision": 1.0, "recall_by_snr": [], "end_to_end": [], "k": 6}
    path = Layout.of(settings).analysis(FILE)
    path.parent.mkdir(parents=True)
    write_json(path, record | {"clustering": [_row("DEC", 6, 0.2, chosen=True)]})
    done = ris("scores", config)
    assert done.exit_code == 0
    assert "published DEC" in done.output
    assert "Each method has the K that it chooses without truth" in done.output.replace("\n", " ")
    for words in (
        "  ARI: pairs of events",
        "  NMI:",
        "  macro-F1:",
        "  ACC:",
        "`make ui`",
        "`ris review`",
        "`ris init",
    ):
        assert words in done.output
    assert "report.html" not in done.output
    report = path.with_name("report.html")
    report.write_text("<!doctype html>")
    assert str(report) in ris("scores", config).output


def test_a_network_without_truth_is_refused(data_root: Any, tmp_path: Any) -> None:
    settings = make_settings(source={"kind": "sds", "root": str(tmp_path)})
    done = ris("scores", write_yaml(tmp_path / "real.yaml", settings.model_dump(mode="json")))
    assert done.exit_code == 2
    assert "is not synthetic" in done.output
