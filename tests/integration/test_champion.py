"""The model that labels is chosen, matched with the one before, registered, and makes the former's labels stale."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import Opened, failure_of, opened, own_environment, sds_values, synthetic_values, write_yaml
from mlflow import MlflowClient
from stage_steps import days_at

from ris_core.access import read_labels
from ris_core.clustering.champion import Champion, read_champion
from ris_core.config import NormalisationSettings
from ris_core.models.imported_models import WeightFile, keep_weights
from ris_core.models.networks import Dec
from ris_core.models.weights import load_model
from ris_core.station_days.state import states_of
from ris_core.storage import tables
from ris_core.storage.json_records import read_json
from ris_dagster import jobs
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS
from ris_dagster.summary import status_table

NAMES = {0: "long", 3: "short"}
REGISTERED = ("tiny-dec", "tiny-dec-waveforms")

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def choosing(network: Opened, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A copy of the session's network, with everything but its waveforms, in which champions may come and go."""
    root = tmp_path_factory.mktemp("choosing")
    shutil.copytree(network.store.root, root / "data" / "tiny", ignore=shutil.ignore_patterns("waveforms"))
    values = synthetic_values() | {"champion": {"k": 3, "names": NAMES}, "novelty": {"false_alarms": 0.1}}
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "tiny.yaml", values)) as found:
            found.store.champion.unlink()
            assert chosen(found, k=3).classes == (0, 1, 2)
            assert found.run_block("label").success
            yield found


def choice(**config: Any) -> dict[str, Any]:
    return {"ops": {"champion_model": {"config": config}}}


def chosen(network: Opened, **config: Any) -> Champion:
    result = network.run(jobs.CHAMPION, config=choice(**config))
    assert result.success, failure_of(result)
    return read_champion(network.store)


def aliases(network: Opened, name: str) -> dict[str, str]:
    found = MlflowClient(network.tracking.uri).get_registered_model(name).aliases
    return {alias: str(version) for alias, version in found.items()}


def stale(network: Opened, asset: str) -> set[str]:
    return {network.stale(asset, key) for key in network.store.station_days()}


def out_of_date(network: Opened) -> int:
    table = status_table(network.settings, network.store, states_of(network.store.days))
    names, counts = (list(column.cells) for column in table.columns)
    return int(str(dict(zip(map(str, names), counts, strict=True))["  out of date: label"]))


def overlaps(before: pd.DataFrame, after: pd.DataFrame) -> dict[int, float]:
    """Return for each class of both tables the share of events that have it in both, of those that have it in one."""
    both = before.merge(after, on="event_id", suffixes=("_before", "_after"), validate="one_to_one")
    then, now = both["label_before"], both["label_after"]
    shared = set(then) & set(now)
    return {int(c): float(((then == c) & (now == c)).sum() / ((then == c) | (now == c)).sum()) for c in shared}


def test_another_k_keeps_class_numbers_names_and_the_former_champion(choosing: Opened) -> None:
    first, before = read_champion(choosing.store), read_labels(choosing.days)
    second = chosen(choosing, k=4)
    assert second.former is not None
    assert (second.k, second.former.model_version) == (4, first.model_version)
    for name in REGISTERED:
        assert aliases(choosing, name) == {
            CHAMPION_ALIAS: second.mlflow_versions[name],
            FORMER_ALIAS: first.mlflow_versions[name],
        }
    # What the former champion labelled is seen to be out of date, by Dagster and by the store.
    assert stale(choosing, "label_tables") == {"STALE"}
    assert not any(days_at(choosing.store).label.is_current(key) for key in choosing.store.station_days())
    assert out_of_date(choosing) == 4
    assert choosing.run_block("label").success
    assert stale(choosing, "label_tables") == {"FRESH"}
    assert out_of_date(choosing) == 0
    after = read_labels(choosing.days)
    assert set(after["model_version"]) == {second.model_version}
    assert set(after["label"]) <= set(second.classes)
    # At least one class is lost or new, and at least one is kept; the training set holds every event.
    found = overlaps(before, after)
    kept = set(first.classes) & set(second.classes)
    assert kept and all(found[number] >= choosing.settings.champion.least_overlap for number in kept)
    new = set(second.classes) - set(first.classes)
    assert new and min(new) == first.next_class
    called = dict(zip(after["label"], after["class_name"], strict=True))
    assert called == {number: NAMES.get(number, str(number)) for number in set(after["label"])}
    shown = choosing.latest("champion_model").metadata
    assert shown["former_champion"].value == first.model_version
    assert "| kept |" in str(shown["classes"].value) and "| new |" in str(shown["classes"].value)
    assert "| dec_models | no_empty_clusters | 4 | True |" in str(shown["required_checks"].value)
    assert "| aec_trials | better_than_mean_spectrogram | bs" in str(shown["required_checks"].value)


def test_a_version_in_mlflow_can_be_champion_even_if_its_files_are_gone(choosing: Opened) -> None:
    chosen(choosing, k=3)
    first = read_champion(choosing.store)
    second = chosen(choosing, k=4)
    again = chosen(choosing, mlflow_version=int(first.mlflow_model_version))
    assert (again.model_version, again.classes) == (first.model_version, first.classes)
    assert again.former is not None and again.former.model_version == second.model_version
    assert aliases(choosing, "tiny-dec")[CHAMPION_ALIAS] == first.mlflow_model_version
    assert aliases(choosing, "tiny-dec")[FORMER_ALIAS] == second.mlflow_model_version
    copy, trained = choosing.store.champion_model(second.model_version), choosing.store.dec(4)
    weights = (copy / "model.safetensors").read_bytes()
    aside = shutil.move(trained, trained.with_name("aside"))
    shutil.rmtree(copy)
    fetched = chosen(choosing, mlflow_version=int(second.mlflow_model_version))
    shutil.move(aside, trained)
    assert (fetched.model_version, fetched.classes) == (second.model_version, second.classes)
    assert (copy / "model.safetensors").read_bytes() == weights
    # Labelled by it once more, the tables hold what they would have held.
    assert choosing.run_block("label").success
    assert set(read_labels(choosing.days)["model_version"]) == {second.model_version}


def test_novelty_and_assignment_are_filled_by_the_champions_threshold(choosing: Opened) -> None:
    chosen(choosing, k=3)
    assert choosing.run_block("label").success
    shown = choosing.latest("champion_model").metadata["novelty"].value["threshold"]
    summaries = [tables.read_summary(choosing.store.labels(key)) for key in choosing.store.station_days()]
    (threshold,) = {float(summary["novelty_threshold"]) for summary in summaries}
    assert threshold == pytest.approx(shown, rel=1e-3)  # few digits for readers
    labels = read_labels(choosing.days)
    np.testing.assert_array_equal(labels["novelty"], labels["reconstruction_error"])
    np.testing.assert_array_equal(labels["assigned"], labels["novelty"] <= threshold)
    assert 0 < (~labels["assigned"].astype(bool)).sum() < len(labels) / 3
    assert all(summary["classes"] == list(read_champion(choosing.store).classes) for summary in summaries)


def test_an_imported_model_can_be_champion_and_has_a_run_to_be_compared_with(choosing: Opened) -> None:
    before = chosen(choosing, k=3)
    model, _ = load_model(choosing.store.dec(3))
    assert isinstance(model, Dec)
    with_another_order = Dec.from_aec(model.aec, model.clustering.centroids.detach().flip(0))
    linear = NormalisationSettings(scale="linear")
    keep_weights(choosing.store, WeightFile("elsewhere", with_another_order, "elsewhere.pt", "0" * 64, linear))
    found = chosen(choosing, imported="elsewhere")
    assert found.classes == before.classes[::-1]
    assert found.origin == "imported elsewhere"
    client = MlflowClient(choosing.tracking.uri)
    assert client.get_run(found.mlflow_run_id).info.run_name == "imported elsewhere"
    assert aliases(choosing, "tiny-dec")[CHAMPION_ALIAS] == found.mlflow_model_version
    # Asked for again it is the same champion, with the same run and version.
    assert chosen(choosing, imported="elsewhere") == found
    assert choosing.run_block("label").success


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"k": 3, "imported": "x"}, ["k = 3, imported = x", "give one of k, mlflow_version and imported"]),
        ({"mlflow_version": 99}, ["mlflow_version = 99", "tiny-dec has no such version", "there are: 1, 2"]),
        ({"imported": "nobody"}, ["imported = 'nobody'", "there is no imported model of this name"]),
        ({"k": 5}, ["no DEC model of K = 5", "trained: [3, 4]"]),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(
    choosing: Opened, config: dict[str, Any], words: list[str]
) -> None:
    before, marked = choosing.store.champion.read_bytes(), aliases(choosing, "tiny-dec")
    result = choosing.run(jobs.CHAMPION, config=choice(**config))
    assert not result.success
    for word in words:
        assert word in failure_of(result)
    assert choosing.store.champion.read_bytes() == before
    assert aliases(choosing, "tiny-dec") == marked


def test_models_with_a_cluster_too_small_are_refused_with_the_reasons(
    network: Opened, data_root: Path, tmp_path: Path
) -> None:
    shutil.copytree(network.store.root, data_root / "tiny", ignore=shutil.ignore_patterns("waveforms", "dagster"))
    values = synthetic_values()
    # Three clusters cannot each hold 49 %.
    values["dec"] |= {"k": [3], "smallest_cluster": 0.49, "max_epochs": 1}
    with opened(write_yaml(tmp_path / "strict.yaml", values)) as strict:
        before = read_json(strict.store.champion)
        result = strict.run(jobs.DEC, "3")
        assert result.success  # a model that is not accepted is a result
        (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "no_empty_clusters"]
        assert not check.passed
        assert "dec.smallest_cluster" in (check.description or "")
        refused = strict.run(jobs.CHAMPION)
        assert not refused.success
        assert "none of 1 DEC models may label" in failure_of(refused)
        assert "K = 3: cluster(s)" in failure_of(refused)
        assert "below the least share of 49.00%" in failure_of(refused)
        wanted = strict.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"k": 3}}}})
        assert "K = 3: cluster(s)" in failure_of(wanted)
        assert read_json(strict.store.champion) == before  # the old champion stays


def test_a_champion_that_was_never_trained_is_refused(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive"))) as network:
        config = {"ops": {"champion_model": {"config": {"k": 3}}}}
        assert "no DEC model of K = 3 was trained" in failure_of(network.run(jobs.CHAMPION, config=config))
        assert "no DEC model was trained" in failure_of(network.run(jobs.CHAMPION))
        assert not network.store.champion.exists()
