"""The session's synthetic network, which went through every job once."""

import base64
import json
from pathlib import Path
from typing import Any

import dagster as dg
import mlflow
import numpy as np
import pytest
from builders import Opened, products
from dagster_internals import check_evaluations
from mlflow import MlflowClient
from mlflow.entities import Run
from training_builders import load_set

from ris_core.contracts.metric_names import undescribed
from ris_core.contracts.station_day import StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.json_records import read_json
from ris_dagster import jobs
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs
from ris_dagster.partitions import partition_key
from ris_dagster.resources.tracking import CHAMPION_ALIAS

STATION_DAY_ASSETS = ("raw_waveforms", "detections", "spectrograms", "label_tables")
CHECKS = {
    "raw_waveforms": "station_day_quality",
    "spectrograms": "every_detection_accounted_for",
    "training_set": "drawn_from_what_is_there",
    "aec_trials": "better_than_mean_spectrogram",
    "dec_models": "no_empty_clusters",
    "stability": "agrees_over_seeds",
    "label_tables": "as_many_labels_as_events",
}
WARNINGS = {
    "aec_trials": "better_than_pca",
    "dec_models": "separated_and_settled",
    "champion_model": "separated_settled_and_named",
}
REVIEW_WARNINGS = {("review_queue", "no_conflicts"), ("review_queue", "log_complete"), ("reviews", "no_conflicts")}
NOT_REVIEWED = {"reviews", "class_model"}
"""Assets that nothing is made of where nobody has reviewed an event."""


def keys_of(network: Opened) -> list[StationDay]:
    return list(network.store.station_days())


def runs_of(network: Opened) -> list[Run]:
    client = MlflowClient(network.tracking.uri)
    experiment = client.get_experiment_by_name(network.settings.network.name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=1000))


def materialized(network: Opened, asset: dg.AssetKey) -> set[str]:
    return set(network.instance.get_materialized_partitions(asset))


def test_every_asset_is_materialized_for_every_partition(network: Opened) -> None:
    graph = network.definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        if key.to_user_string() in NOT_REVIEWED:
            assert network.instance.get_latest_materialization_event(key) is None, key
            continue
        defined = graph.get(key).partitions_def
        if defined is None:
            assert network.instance.get_latest_materialization_event(key) is not None, key
        else:
            assert materialized(network, key) == set(map(str, defined.get_partition_keys())), key


def test_every_check_is_evaluated_and_passes(network: Opened) -> None:
    graph = network.definitions.resolve_asset_graph()
    known = {(c.asset_key.to_user_string(), c.name) for c in graph.asset_check_keys}
    of_reviews = {("class_model", name) for name in ("may_label", "enough_reviews", "calibrated", "coverage")}
    # The assets of the analysis have tests of their own checks.
    analysis = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).group_name == "analysis"}
    known = {(asset, name) for asset, name in known if asset not in analysis}
    assert known == {*CHECKS.items(), *WARNINGS.items(), *REVIEW_WARNINGS, *of_reviews}
    for key in graph.asset_check_keys:
        if key.asset_key.to_user_string() in NOT_REVIEWED:
            continue
        (evaluation, *_) = check_evaluations(network.instance, key.asset_key.to_user_string(), key.name, limit=1)
        # So short a training may leave doubts; they are no errors.
        asset = key.asset_key.to_user_string()
        is_warning = WARNINGS.get(asset) == key.name or asset in analysis
        assert evaluation.passed or is_warning, (key, evaluation.description, evaluation.metadata)
        assert evaluation.passed or evaluation.severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize("asset", STATION_DAY_ASSETS)
def test_a_station_day_has_rows_path_and_content_that_are_those_on_disk(network: Opened, asset: str) -> None:
    for key in keys_of(network):
        found = network.materialization(asset, key)
        assert found is not None
        rows, content = found.metadata["dagster/row_count"].value, found.metadata["content"].value
        path = found.metadata["path"].value
        if asset == "raw_waveforms":
            record = read_json(network.store.acquisition(key))
            assert (rows, content, path) == (record["samples"], record["inputs"], record["path"])
            assert bool(path) == (found.metadata["state"].value == "data")
            continue
        file = network.store.root / path
        assert file.is_file()
        if asset == "spectrograms":
            info = spectrogram_file.read_info(file)
            assert (rows, content) == (info.events, info.content)
        else:
            assert (content, rows) == tables.read_stamp(file)[1:]


def test_a_day_without_data_is_a_recorded_result(network: Opened) -> None:
    missing = StationDay("S02", network.settings.first_day)
    assert str(partition_key(missing)) == "2015-01-10|S02"
    raw = network.materialization("raw_waveforms", missing)
    events = network.materialization("spectrograms", missing)
    assert raw is not None and events is not None
    assert raw.metadata["state"].value == "no_data"
    assert raw.metadata["reason"].value == events.metadata["reason"].value != ""
    assert events.metadata["events"].value == 0


def test_a_station_day_with_events_shows_pictures(network: Opened) -> None:
    for key in keys_of(network):
        detections, spectrograms = (network.materialization(a, key) for a in ("detections", "spectrograms"))
        assert detections is not None and spectrograms is not None
        assert str(detections.metadata["day"].value).startswith("![Conditioned day with detections](data:image/png")
        assert ("samples" in spectrograms.metadata) == (spectrograms.metadata["events"].value > 0)


def test_a_station_day_carries_its_versions_and_dimensions(network: Opened) -> None:
    graph = network.definitions.resolve_asset_graph()
    key = keys_of(network)[0]
    for asset in STATION_DAY_ASSETS:
        found = network.materialization(asset, key)
        assert found is not None and found.tags is not None
        version = graph.get(dg.AssetKey(asset)).code_version
        assert found.tags["dagster/code_version"] == found.tags["dagster/data_version"] == version
        assert found.tags["dagster/partition/station"] == key.station
        assert found.tags["dagster/partition/day"] == key.day.isoformat()


def test_every_event_has_exactly_one_label(network: Opened) -> None:
    total = 0
    for key in keys_of(network):
        events = spectrogram_file.read_column(network.store.spectrograms(key), "event_id")
        labels = tables.read_table(network.store.labels(key))
        assert labels["event_id"].tolist() == [str(e) for e in events]
        assert labels["event_id"].is_unique
        k = read_json(network.store.champion)["k"]
        assert labels["label"].between(0, k - 1).all()
        total += len(labels)
    assert total == network.latest("training_set").metadata["dagster/row_count"].value > 100


def test_availability_and_scores_are_there(network: Opened) -> None:
    states = network.latest("availability").metadata["states"].value
    assert states == {"processed": 2, "no data": 2}
    scores = network.latest("truth_scores").metadata
    assert 0 < scores["recall"].value <= 1
    assert 0 < scores["precision"].value <= 1
    assert (network.store.root / str(scores["path"].value)).is_file()


def test_mlflow_shows_a_grid_of_trials_and_a_sweep_of_models(network: Opened) -> None:
    runs = {run.info.run_id: run for run in runs_of(network)}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    parents = {i: r for i, r in runs.items() if "ris.parent" in r.data.tags}
    assert sorted(r.data.tags["ris.parent"].split(" ")[0] for r in parents.values()) == ["aec_trials", "dec_models"]
    children: dict[str, set[tuple[str, str]]] = {}
    for run in runs.values():
        if run.info.run_id not in parents:
            kind = parents[run.data.tags["mlflow.parentRunId"]].data.tags["ris.parent"].split(" ")[0]
            children.setdefault(kind, set()).add((run.data.tags["ris.asset"], run.data.tags["ris.partition"]))
    assert children["aec_trials"] == {("aec_trials", key) for key in network.settings.aec.grid.trials()}
    counts = [str(k) for k in network.settings.dec.k]
    per_k = {(asset, k) for asset in ("gmm_clusters", "dec_models") for k in counts}
    assert children["dec_models"] == per_k | {("cluster_count", ""), ("stability", "")}


@pytest.mark.parametrize("asset", ["aec_trials", "gmm_clusters", "dec_models"])
def test_runs_that_are_compared_have_the_same_parameters_and_metrics(network: Opened, asset: str) -> None:
    runs = [r for r in runs_of(network) if r.data.tags.get("ris.asset") == asset]
    assert len(runs) >= 2
    # The sizes of clusters are as many as K.
    metrics = [{m for m in r.data.metrics if not m.startswith(("system/", "size_"))} for r in runs]
    assert metrics[0] and all(names == metrics[0] for names in metrics)
    assert runs[0].data.params and all(r.data.params.keys() == runs[0].data.params.keys() for r in runs)


def test_mlflow_and_dagster_know_of_one_another(network: Opened) -> None:
    found = {r.info.run_id: r for r in runs_of(network)}
    for asset in ("aec_trials", "gmm_clusters", "dec_models", "cluster_count"):
        records = network.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
        assert records
        for record in records:
            event = record.asset_materialization
            assert event is not None
            run = found[str(event.metadata["mlflow"].value).rsplit("/", 1)[-1]]
            assert run.data.tags["dagster.run_id"] == record.event_log_entry.run_id
            assert run.data.tags["ris.asset"] == asset
            assert run.data.tags["ris.partition"] == (event.partition or "")
            assert isinstance(event.metadata["mlflow"], dg.UrlMetadataValue)


def test_a_trained_trial_is_logged_epoch_by_epoch_with_data_and_pictures(network: Opened) -> None:
    client = MlflowClient(network.tracking.uri)
    for run in (r for r in runs_of(network) if r.data.tags.get("ris.asset") == "aec_trials"):
        history = client.get_metric_history(run.info.run_id, "val_mse")
        epochs = int(run.data.metrics["epochs"])
        assert sorted(m.step for m in history) == sorted({m.step for m in history})
        assert len(history) == epochs
        assert run.data.metrics["best_val_mse"] == min(m.value for m in history)
        (dataset,) = run.inputs.dataset_inputs
        drawn = network.latest("training_set").metadata
        assert dataset.dataset.digest == drawn["digest"].value
        sizes = json.loads(dataset.dataset.profile)
        assert (sizes["train"], sizes["validation"]) == (drawn["train"].value, drawn["validation"].value)
        assert figures_of(client, run) == {"loss", "reconstructions"}


def figures_of(client: MlflowClient, run: Run) -> set[str]:
    return {Path(f.path).stem for f in client.list_artifacts(run.info.run_id, "figures")}


def test_a_trained_dec_shows_what_its_clusters_are(network: Opened) -> None:
    client = MlflowClient(network.tracking.uri)
    pictures = {
        "history",
        "label_change",
        "clusters",
        "latent_space",
        "t_sne",
        "silhouettes",
        "distances",
        "distance_change",
    }
    found = [r for r in runs_of(network) if r.data.tags.get("ris.asset") == "dec_models"]
    for run in found:
        assert figures_of(client, run) == pictures
        assert run.data.metrics.keys() >= {
            "train_mse",
            "step_mse",
            "gamma",
            "val_mse",
            "kl",
            "loss",
            "label_change",
            "entropy",
            "silhouette",
            "silhouette_aec",
            "silhouette_dec",
            "davies_bouldin",
            "inner_product",
            "smallest_cluster",
        }
        sizes = [v for name, v in run.data.metrics.items() if name.startswith("size_")]
        assert sum(sizes) == network.latest("training_set").metadata["dagster/row_count"].value
        assert all(float(run.data.params[name]) >= 0 for name in ("k", "gamma", "learning_rate", "seed"))
    # The metadata of the materialization have the same picture: it is drawn once.
    latest = network.latest("dec_models")
    run_id = str(latest.metadata["mlflow"].value).rsplit("/", 1)[-1]
    for name in pictures:
        png = Path(
            mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=f"figures/{name}.png", tracking_uri=network.tracking.uri
            )
        ).read_bytes()
        shown = "label_change_figure" if name == "label_change" else name
        assert base64.b64encode(png).decode() in str(latest.metadata[shown].value)
    assert isinstance(latest.metadata["label_change"].value, float)  # the figure of this name does not hide the metric


@pytest.mark.parametrize(("name", "column"), [("tiny-dec", "spectrogram"), ("tiny-dec-waveforms", "waveform")])
def test_the_registered_champion_gives_the_labels_of_the_label_tables(
    network: Opened, monkeypatch: pytest.MonkeyPatch, name: str, column: str
) -> None:
    uri = network.tracking.uri
    record = read_json(network.store.champion)
    version = MlflowClient(uri).get_model_version_by_alias(name, CHAMPION_ALIAS)
    assert str(version.version) == record["mlflow_versions"][name]
    assert version.run_id == record["mlflow_run_id"]
    key = StationDay("S01", network.settings.first_day)
    read = spectrogram_file.read_spectrograms(network.store.spectrograms(key), np.arange(20))
    labels = tables.read_table(network.store.labels(key))[:20]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # put back afterwards, since MLflow sets it as well
    mlflow.set_tracking_uri(uri)
    model: Any = mlflow.pyfunc.load_model(f"models:/{name}@{CHAMPION_ALIAS}")
    found = model.predict(getattr(read, column))
    assert found["label"].tolist() == labels["label"].tolist()
    assert found["assigned"].tolist() == labels["assigned"].tolist()
    np.testing.assert_allclose(found["probabilities"], np.stack(labels["probabilities"].tolist()), atol=1e-4)
    np.testing.assert_allclose(found["novelty"], labels["novelty"], rtol=1e-3)


def test_the_registered_autoencoder_gives_the_latents_of_the_training_set(
    network: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", network.tracking.uri)
    mlflow.set_tracking_uri(network.tracking.uri)
    model: Any = mlflow.pyfunc.load_model("models:/tiny-aec/1")
    read = spectrogram_file.read_spectrograms(network.store.training_set, np.arange(10))
    latents = np.stack(tables.read_table(network.store.latent_features, ["latent"])["latent"].tolist())
    np.testing.assert_allclose(model.predict(read.spectrogram)["latent"], latents[:10], atol=1e-4)


def test_no_registered_model_is_pickled(network: Opened) -> None:
    folders = [p.parent for p in network.store.mlflow.rglob("MLmodel")]
    assert folders
    for folder in folders:
        assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".pickle", ".pth", ".pt")], folder


def test_training_again_with_the_same_seed_gives_the_same_weights_and_labels(network: Opened) -> None:
    from ris_core.clustering.candidate_models import trained_candidates
    from ris_core.clustering.trained_dec import read_start, train_k
    from ris_core.contracts.candidate_name import AEC_DEC
    from ris_core.models.model_file import read_description
    from ris_core.models.weights import load_model, weights_digest
    from ris_core.training.trials import train_trial

    store, settings = network.store, network.settings
    data = load_set(store)
    key, (batch_size, learning_rate) = list(network.settings.aec.grid.trials().items())[1]
    trial = train_trial(data, key, batch_size, learning_rate, network.settings.aec)
    assert weights_digest(trial.result.model) == read_description(store.aec(key)).digest
    k = settings.dec.k[0]
    start = read_start(store, k, settings.normalisation)
    trained = train_k(data, start, settings.dec, settings.cluster_count.sample)
    kept = trained_candidates(store, AEC_DEC, [k], settings.normalisation)[k]
    assert weights_digest(trained.result.model) == weights_digest(load_model(store.dec(k))[0])
    assert trained.metrics["label_change"] == kept.metrics["label_change"]
    assert trained.result.sizes == kept.sizes


def test_running_everything_again_trains_nothing_and_changes_no_product(network: Opened) -> None:
    before, trained = products(network.store), len(runs_with(network, "aec_trials", "dec_models"))
    versions = model_versions(network)
    lines: list[str] = []
    names = all_jobs(network.settings, BINDINGS)
    store = network.store
    assert run_jobs(network.definitions, network.instance, store.days, names, report=lines.append) == []
    text = "\n".join(lines)
    assert f"{jobs.TRIALS}: everything is current" in text
    assert f"{jobs.DEC}: everything is current" in text
    after = products(network.store)
    assert after.keys() == before.keys()
    assert [name for name in before if before[name] != after[name]] == []
    assert len(runs_with(network, "aec_trials", "dec_models")) == trained
    assert model_versions(network) == versions
    for asset in ("detections", "spectrograms", "label_tables"):
        for key in keys_of(network):
            found = network.materialization(asset, key)
            assert found is not None
            assert found.metadata["already_current"].value is True


def runs_with(network: Opened, *assets: str) -> list[Run]:
    return [r for r in runs_of(network) if r.data.tags.get("ris.asset") in assets]


def model_versions(network: Opened) -> dict[str, list[str]]:
    client = MlflowClient(network.tracking.uri)
    names = [m.name for m in client.search_registered_models()]
    return {name: sorted(str(v.version) for v in client.search_model_versions(f"name='{name}'")) for name in names}


def test_the_champion_may_be_another_k_by_run_config_and_back_again(network: Opened) -> None:
    first = read_json(network.store.champion)
    other = next(k for k in network.settings.dec.k if k != first["k"])
    config = {"ops": {"champion_model": {"config": {"k": other}}}}
    assert network.run(jobs.CHAMPION, config=config).success
    assert read_json(network.store.champion)["k"] == other
    assert network.latest("champion_model").metadata["k"].value == other
    assert network.run(jobs.CHAMPION).success
    back = read_json(network.store.champion)
    # What the other one leaves behind is that it was champion, and the numbers that it gave to classes.
    remembered = {"former", "classes_of", "next_class"}
    assert {n: v for n, v in back.items() if n not in remembered} == {
        n: v for n, v in first.items() if n not in remembered
    }
    assert back["former"]["k"] == other
    client = MlflowClient(network.tracking.uri)
    assert str(client.get_model_version_by_alias("tiny-dec", CHAMPION_ALIAS).version) == first["mlflow_model_version"]
    assert network.run(jobs.CHAMPION).success
    assert read_json(network.store.champion) == back


def test_every_metric_is_described(network: Opened) -> None:
    logged = {name for run in runs_of(network) for name in run.data.metrics}
    assert len(logged) > 50
    assert undescribed(logged) == set()


def test_nothing_but_mlflow_names_the_place_of_the_data_root(network: Opened) -> None:
    root = network.store.root
    naming = [path for path in root.rglob("*") if path.is_file() and str(root).encode() in path.read_bytes()]
    assert {path.relative_to(root).parts[0] for path in naming} <= {"mlflow", "place.json"}
    # What `ris adopt` rewrites: the database, and the descriptions of logged models.
    assert {path.name for path in naming} - {"place.json"} == {"mlflow.db", "MLmodel"}
