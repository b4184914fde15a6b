import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from builders import Opened, failure_of, opened, sds_values, synthetic_values, write_yaml
from dagster_internals import check_evaluations
from mlflow import MlflowClient

from ris_core.clustering import stability_run
from ris_core.clustering.trainings import Trainings
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.json_records import read_json
from ris_dagster import jobs

pytestmark = pytest.mark.usefixtures("blank_pictures")


def run_of(network: Opened) -> Any:
    run_id = str(network.latest("stability").metadata["mlflow"].value).rsplit("/", 1)[-1]
    return MlflowClient(network.tracking.uri).get_run(run_id)


@pytest.fixture
def copy(network: Opened, data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    """A copy of the network's products, without its records."""
    shutil.copytree(network.store.root, data_root / "tiny", ignore=shutil.ignore_patterns("dagster", "mlflow"))
    with opened(write_yaml(tmp_path / "tiny.yaml", synthetic_values())) as found:
        yield found


def test_every_event_of_the_training_set_has_a_consensus_label_and_an_agreement(network: Opened) -> None:
    store = network.store
    table = tables.read_table(store.analysis(stability_run.TABLE))
    assert table["event_id"].tolist() == spectrogram_file.read_column(store.training_set, "event_id").tolist()
    k = read_json(store.analysis(stability_run.SUMMARY))["k"]
    assert k == read_json(store.champion)["k"]
    assert table["consensus"].between(0, k - 1).all()
    assert set(np.round(table["agreement"], 3)) <= {0.5, 1.0}  # of two trainings
    assert table["agreement"].mean() == pytest.approx(run_of(network).data.metrics["mean_agreement"], abs=1e-6)


def test_the_assessment_is_a_run_under_the_sweep_with_its_numbers(network: Opened) -> None:
    run = run_of(network)
    parent = MlflowClient(network.tracking.uri).get_run(run.data.tags["mlflow.parentRunId"])
    assert parent.data.tags["ris.parent"].startswith("dec_models ")
    assert run.info.status == "FINISHED"
    assert {
        "mean_ari",
        "ari_with_model",
        "ami_station",
        "p_station",
        "ami_amplitude",
        "ami_hour",
    } <= run.data.metrics.keys()
    assert {"noise_auc_latents", "noise_silhouette_noise", "noise_silhouette_events"} <= run.data.metrics.keys()
    assert [m for m in run.data.metrics if m.startswith("ari_without_S0")]
    assert run.data.params["seeds"] == "2"
    assert run.data.params["vary"] == "clusters"
    files = {f.path for f in MlflowClient(network.tracking.uri).list_artifacts(run.info.run_id, "figures")}
    assert files == {"figures/ari.png", "figures/agreement.png", "figures/associations.png"}


def test_the_check_shows_the_agreement_and_never_blocks(network: Opened) -> None:
    (found,) = check_evaluations(network.instance, "stability", "agrees_over_seeds", limit=1)
    mean = found.metadata["mean_ari"].value
    assert found.passed == (mean >= network.settings.stability.least_ari)
    assert found.severity is dg.AssetCheckSeverity.WARN


def test_the_assessment_is_current_until_what_decides_about_it_changes(network: Opened) -> None:
    store = network.store
    assert stability_run.stability_is_current(store, store.settings)
    assert not stability_run.stability_is_current(store, _with(store.settings, permutations=51))
    # A threshold is asked again each time; it changes no result.
    assert stability_run.stability_is_current(store, _with(store.settings, least_ari=0.99))
    assert not store.analysis(stability_run.TRAININGS).exists()


def _with(settings: Any, **values: Any) -> Any:
    return settings.model_copy(update={"stability": settings.stability.model_copy(update=values)})


def test_an_interrupted_assessment_goes_on_and_a_poor_agreement_is_explained(copy: Opened) -> None:
    store = copy.store
    before = tables.read_table(store.analysis(stability_run.TABLE))
    store.analysis(stability_run.SUMMARY).unlink()
    # What an attempt that was killed has left: a training whose labels tell nothing.
    chosen = stability_run.model_to_assess(store, copy.settings)
    k, configuration = chosen.k, chosen.configuration
    left = Trainings(store.analysis(stability_run.TRAININGS), configuration)
    left.labels("seed 1", lambda: np.arange(len(before), dtype=np.int32) % k)
    result = copy.run(jobs.ASSESS)
    assert result.success, failure_of(result)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert f"2 trainings with K = {k}" in (check.description or "")
    assert "least alike are model and seed 1" in (check.description or "")
    assert "stability.least_ari" in (check.description or "")
    assert not store.analysis(stability_run.TRAININGS).exists()


def test_another_k_can_be_looked_at_from_the_launchpad(copy: Opened) -> None:
    config = {"ops": {"stability": {"config": {"k": 4}}}}
    result = copy.run(jobs.ASSESS, config=config)
    assert result.success, failure_of(result)
    assert read_json(copy.store.analysis(stability_run.SUMMARY))["k"] == 4


def test_without_a_dec_it_says_what_to_materialize(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive"))) as network:
        text = failure_of(network.run(jobs.ASSESS))
        assert "there is no DEC of K = 2" in text
        assert "materialize gmm_clusters and dec_models" in text
