"""A class model of simulated reviews on a synthetic network: marked everywhere, scored apart from what was shown."""

import shutil
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from builders import Opened, failure_of, opened, own_environment, ris, synthetic_values, write_yaml
from mlflow import MlflowClient

from ris_core.access import read_labels
from ris_core.clustering.champion import read_champion
from ris_core.storage import tables
from ris_core.storage.json_records import read_json
from ris_core.truth.score_file import read_scores
from ris_dagster import jobs

NAME, REGISTERED = "aec/reviewed", "tiny-aec-reviewed"

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def reviewed(network: Opened, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A copy of the session's network, labelled by a class model of 40 simulated reviews."""
    root = tmp_path_factory.mktemp("simulated")
    shutil.copytree(network.store.root, root / "data" / "tiny", ignore=shutil.ignore_patterns("waveforms"))
    values = synthetic_values() | {"class_model": {"trees": 30, "folds": 3, "representations": ["aec"]}}
    config = write_yaml(root / "tiny.yaml", values)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        adopted = ris("adopt", "--config", config)
        assert adopted.exit_code == 0, adopted.output
        simulated = ris("review", "--simulate", "truth", "--count", "40", "--config", config)
        assert simulated.exit_code == 0, simulated.output
        with opened(config) as found:
            assert found.latest("reviews").metadata["reviewed"].value == 40  # told by the command
            for job, options in (
                (jobs.CLASS_MODEL, {}),
                (jobs.CHAMPION, {"ops": {"champion_model": {"config": {"candidate": NAME}}}}),
            ):
                result = found.run(job, config=options)
                assert result.success, failure_of(result)
            assert found.run_block("label").success
            assert found.run(jobs.SCORE).success
            yield found


def test_simulated_reviews_are_marked_wherever_the_model_is_shown(reviewed: Opened) -> None:
    champion = read_champion(reviewed.store)
    assert champion.candidate == NAME
    assert reviewed.latest("champion_model").metadata["reviews_are_simulated"].value is True
    keys = [key for key in reviewed.store.station_days() if reviewed.store.labels(key).exists()]
    assert all(tables.read_summary(reviewed.store.labels(key))["reviews_simulated"] for key in keys)
    # Words are wrapped in the cells of a table.
    status = " ".join(line.strip("│ ") for line in ris("status", "--config", reviewed.config).output.splitlines())
    assert "some by a simulated reviewer" in status
    assert "its reviews are those of a simulated reviewer" in status
    version = MlflowClient(reviewed.tracking.uri).get_model_version(REGISTERED, champion.mlflow_versions[REGISTERED])
    assert version.tags["ris.simulated_reviews"] == "true"


def test_scores_are_of_every_candidate_and_apart_from_what_was_shown(reviewed: Opened) -> None:
    scores = read_scores(reviewed.store.analysis("truth_scores.json"))
    assert "40 events were reviewed by a simulated reviewer" in scores.note
    rows = pd.DataFrame(scores.clustering)
    assert set(rows["method"]) == {"hand features + k-means", "AEC + gmm", "DEC", NAME}
    (mine,) = rows[rows["method"] == NAME].to_dict("records")
    assert (mine["reviews"], mine["simulated"], mine["chosen"]) == (40, True, True)
    assert mine["windows"] == mine["windows_apart"] > 0 and mine["ari"] == mine["ari_apart"]
    others = rows[rows["method"] != NAME]
    assert (others["reviews"] == 0).all() and not others["simulated"].any()
    assert (others["windows_apart"] == mine["windows"]).all()
    assert (others["windows"] > others["windows_apart"] + 30).all()
    assert np.isfinite(others[["ari", "ari_apart"]].to_numpy()).all()
    # Of DEC one K is the one that would be chosen.
    assert others[others["method"] == "DEC"]["chosen"].sum() <= 1
    assert not others[others["method"] != "DEC"]["chosen"].any()
    # End to end fewer events are counted than there are, the same by both models.
    ends = pd.DataFrame(scores.end_to_end), pd.DataFrame(scores.beside)
    assert ends[0]["events"].sum() == ends[1]["events"].sum() < scores.true_events
    kept = read_json(reviewed.store.analysis("truth_scores.json"))
    assert kept["note"] == scores.note


def test_labels_of_reviewed_events_are_the_reviewers(reviewed: Opened) -> None:
    labels = read_labels(reviewed.days)
    words = labels[labels["reviewed"].notna()]
    assert 0 < len(words) <= 40
    assert (words["class_name"] == words["reviewed"]).all() and words["assigned"].astype(bool).all()
