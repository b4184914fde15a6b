"""Scores against truth on disk: what is written is what is read."""

from pathlib import Path

import pandas as pd
import pytest

from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json
from ris_core.truth.evaluation import DetectionScores
from ris_core.truth.score_file import read_scores, write_scores
from ris_core.truth.source_scores import SourceScores
from ris_core.truth.truth_scores import TruthScores


def test_scores_come_back_as_they_were_written(tmp_path: Path) -> None:
    by_snr = pd.DataFrame({"snr_low": [5.0], "events": [4], "detected": [3], "recall": [0.75]})
    by_family = by_snr.rename(columns={"snr_low": "family"})
    clustering = pd.DataFrame({"k": [8], "method": ["DEC"], "ari": [0.9]})
    end_to_end = pd.DataFrame({"family": ["tremor"], "events": [4], "recall": [0.5]})
    found = TruthScores(
        detection=DetectionScores(4, 5, 3, 0.75, 0.6, by_snr, by_family),
        clustering=clustering,
        recall=pd.DataFrame({"class": ["tremor"], "DEC": [1.0]}),
        end_to_end=end_to_end,
        classes={0: "tremor"},
        k=8,
        station_days=2,
        damaged=(),
        sources=SourceScores(4, 5, 2, 0.4, 0.5, 3, 1),
    )
    path = tmp_path / "truth_scores.json"
    write_scores(path, found)
    kept = read_scores(path)
    assert (kept.true_events, kept.recall, kept.precision, kept.k) == (4, 0.75, 0.6, 8)
    assert list(kept.recall_by_snr) == by_snr.to_dict("records")
    assert list(kept.clustering) == clustering.to_dict("records")
    assert list(kept.end_to_end) == end_to_end.to_dict("records")


def test_a_file_that_holds_something_else_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "truth_scores.json"
    write_json(path, {"recall": 0.5})
    with pytest.raises(DamagedFileError, match="is missing"):
        read_scores(path)
