"""Several candidates side by side: trained, listed, one made champion, labelled with, packaged, and left again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from builders import (
    DAYS,
    Opened,
    failure_of,
    labelling_jobs,
    opened,
    own_environment,
    ris,
    sds_values,
    write_archive,
    write_yaml,
)
from mlflow import MlflowClient
from mlflow.entities import Run
from outside import answer_outside

from ris_core.access import read_labels
from ris_core.clustering.champion import read_champion
from ris_core.station_days.state import states_of
from ris_core.storage.json_records import read_json
from ris_core.storage.spectrogram_file import read_spectrograms
from ris_dagster import jobs
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs, training_runs
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS
from ris_dagster.summary import run_tables

CONSENSUS_COUNTS = ["2", "3", "4"]
CANDIDATES = ["aec/dec", "aec/kmeans", "spectra/gmm", "spectra/consensus"]

pytestmark = pytest.mark.usefixtures("blank_pictures")


def values(archive: Path) -> dict[str, Any]:
    return sds_values(archive, days=DAYS[:2]) | {
        "profile": "recommended",
        "candidates": CANDIDATES,
        "clusterers": {"consensus": {"k": [2, 3, 4], "member_k": [2, 3, 4]}},
        "champion": {"candidate": "spectra/gmm"},
        "aec": {"grid": {"batch_size": [4], "learning_rate": [2e-3]}, "max_epochs": 40, "time_shift": 0},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network that went from waveforms to labels and their stability; its champion is of spectra/gmm."""
    root = tmp_path_factory.mktemp("candidates")
    archive = write_archive(root / "archive", days=DAYS[:2])
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values(archive))) as network:
            names = all_jobs(network.settings, BINDINGS)
            assert [name for name in names if name in jobs.training_jobs(network.settings)][-6:] == [
                "fit_spectra",
                "train_aec__kmeans",
                "train_spectra__gmm",
                "train_spectra__consensus",
                jobs.RANK,
                jobs.CHAMPION,
            ]
            wanted = [*labelling_jobs(network.settings), jobs.ASSESS]
            failed = run_jobs(network.definitions, network.instance, network.days, wanted)
            assert not failed, failed
            yield network


_OF_CONSENSUS = "tags.`ris.candidate` = 'spectra/consensus' and params.k != ''"


def runs(network: Opened, query: str) -> list[Run]:
    client = MlflowClient(network.tracking.uri)
    return list(client.search_runs([network.tracking.prepare()], query))


def aliases(network: Opened, name: str) -> dict[str, str]:
    found = MlflowClient(network.tracking.uri).get_registered_model(name).aliases
    return {alias: str(version) for alias, version in found.items()}


def choose(network: Opened, **config: Any) -> Any:
    result = network.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": config}}})
    assert result.success, failure_of(result)
    return read_champion(network.store)


def test_every_candidate_is_trained_for_every_k_in_its_place_and_under_its_name(trained: Opened) -> None:
    for name in CANDIDATES:
        found = {run.info.run_name: run for run in runs(trained, f"tags.`ris.candidate` = '{name}'")}
        assessed = {called for called in found if called.startswith("stability ")}
        counts = CONSENSUS_COUNTS if name == "spectra/consensus" else ["2", "3"]
        assert sorted(found.keys() - assessed) == [f"{name}/k={k}" for k in counts]
        representation, clusterer = name.split("/")
        for k, run in zip((2, 3), (found[f"{name}/k={k}"] for k in (2, 3)), strict=True):
            assert (trained.store.root / "models" / name / f"k={k}" / "model.json").exists()
            tags = run.data.tags
            assert (tags["ris.representation"], tags["ris.clusterer"], tags["ris.k"]) == (
                representation,
                clusterer,
                str(k),
            )
            assert {"silhouette", "smallest_cluster", "size_0"} <= run.data.metrics.keys()
            assert run.data.params["k"] == str(k)
            assert run.inputs.dataset_inputs
            assert tags["mlflow.parentRunId"]


def test_the_stability_of_the_champion_is_that_of_its_candidate(trained: Opened) -> None:
    found = trained.latest("stability").metadata
    k = read_champion(trained.store).k
    assert (found["candidate"].value, found["k"].value) == ("spectra/gmm", k)
    (run,) = runs(trained, f"tags.`ris.assessed` = 'spectra/gmm/k={k}'")
    assert run.info.run_name == f"stability spectra/gmm/k={k}"
    assert {"mean_ari", "noise_auc_latents", "noise_auc_reconstruction"} <= run.data.metrics.keys()
    assert training_runs(jobs.ASSESS, trained.days, again=False) == []


def test_another_candidate_is_assessed_from_the_launchpad(trained: Opened) -> None:
    config = {"ops": {"stability": {"config": {"candidate": "aec/kmeans", "k": 2}}}}
    result = trained.run(jobs.ASSESS, config=config)
    assert result.success, failure_of(result)
    assert read_json(trained.store.analysis("stability.json"))["candidate"] == "aec/kmeans"
    assert trained.latest("stability").metadata["candidate"].value == "aec/kmeans"


def test_what_is_current_is_not_trained_again(trained: Opened) -> None:
    for job in jobs.training_jobs(trained.settings):
        if job != jobs.CHAMPION:
            assert training_runs(job, trained.days, again=False) == [], job


def test_assets_have_their_checks_and_figures(trained: Opened) -> None:
    shown = trained.latest("candidates", "spectra", "gmm")
    assert {"silhouette", "sizes", "classes", "mlflow"} <= shown.metadata.keys()
    assert any("image/png" in str(value.value) for value in shown.metadata.values())
    consensus = trained.latest("candidates", "spectra", "consensus").metadata
    assert {"lifetime", "left_out_agreement", "mean_margin", "lifetimes"} <= consensus.keys()
    fitted = trained.latest("representations", "spectra")
    assert fitted.metadata["dimensions"].value > 0


def test_status_lists_all_candidates(trained: Opened) -> None:
    said = ris("status", "-c", trained.config).output
    for name in ("DEC K = 2", "aec/kmeans K = 3", "spectra/gmm K = 2", "spectra/consensus K = 4"):
        assert name in said
    assert run_tables(trained.settings, trained.store, states_of(trained.days))


def test_the_champion_is_of_the_candidate_of_the_settings_and_labels(trained: Opened) -> None:
    champion = read_champion(trained.store)
    assert champion.candidate == "spectra/gmm"
    labels = read_labels(trained.days)
    assert set(labels["model_version"]) == {champion.model_version}
    assert set(labels["label"]) <= set(champion.classes)
    assert len(labels) > 20


def test_the_packaged_model_gives_the_same_labels_where_this_project_is_absent(trained: Opened, tmp_path: Path) -> None:
    champion = read_champion(trained.store)
    uri = f"models:/{champion.mlflow_model}@{CHAMPION_ALIAS}"
    folder = Path(mlflow.artifacts.download_artifacts(uri, tracking_uri=trained.tracking.uri))
    labels = read_labels(trained.days).set_index("event_id")
    read = read_spectrograms(trained.store.training_set)
    assert read.noise_psd is not None and read.noise_columns is not None
    values = {"spectrogram": read.spectrogram, "noise_psd": read.noise_psd, "noise_columns": read.noise_columns}
    answer = answer_outside(folder, values, tmp_path)
    wanted = labels.loc[list(read.event_id), "label"].to_numpy()
    np.testing.assert_array_equal(np.asarray(answer["label"]), wanted)


def test_another_candidate_takes_over_and_classes_follow_the_events(trained: Opened) -> None:
    first, before = read_champion(trained.store), read_labels(trained.days)
    second = choose(trained, candidate="aec/dec", k=3)
    assert second.former is not None
    assert (second.candidate, second.k) == ("aec/dec", 3)
    assert second.former.model_version == first.model_version
    assert aliases(trained, first.mlflow_model) == {FORMER_ALIAS: first.mlflow_model_version}
    assert aliases(trained, second.mlflow_model) == {CHAMPION_ALIAS: second.mlflow_model_version}
    assert trained.run_block("label").success
    after = read_labels(trained.days)
    assert set(after["model_version"]) == {second.model_version}
    assert len(after) == len(before)
    back = choose(trained, candidate="spectra/gmm", k=first.k)
    assert (back.model_version, back.classes) == (first.model_version, first.classes)
    assert back.next_class >= second.next_class


def test_a_consensus_with_k_of_its_own_is_chosen_by_its_lifetime(trained: Opened) -> None:
    of_k = {run.data.params["k"]: run.data.metrics["lifetime"] for run in runs(trained, _OF_CONSENSUS)}
    assert sorted(of_k) == CONSENSUS_COUNTS
    before = read_champion(trained.store)
    assert choose(trained, candidate="spectra/consensus").k == int(max(of_k, key=lambda k: (of_k[k], -int(k))))
    assert trained.run_block("label").success
    assert set(read_labels(trained.days)["model_version"]) == {read_champion(trained.store).model_version}
    choose(trained, candidate=before.candidate, k=before.k)
    assert trained.run_block("label").success


def test_a_candidate_that_is_not_there_is_refused_with_those_that_are(trained: Opened) -> None:
    result = trained.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"candidate": "spectra/kmeans"}}}})
    assert not result.success
    assert "aec/dec, aec/kmeans, spectra/gmm, spectra/consensus" in failure_of(result)
