"""Reviews through Dagster: class model, champion, labels; what a new review makes out of date, and what it does not."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import mlflow
import numpy as np
import pytest
from builders import (
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
from dagster_internals import stale_status
from mlflow import MlflowClient
from sensor_builders import tick

from ris_core.access import read_catalogue, read_labels
from ris_core.clustering.champion import Champion, read_champion
from ris_core.clustering.reviewed.class_model_files import load_class_model
from ris_core.clustering.stability_run import model_to_assess
from ris_core.contracts.decision import Decision
from ris_core.contracts.event_identifier import peak_of
from ris_core.models.model_file import WEIGHTS_FILE
from ris_core.review.log import ReviewLog
from ris_core.storage import spectrogram_file
from ris_dagster import jobs
from ris_dagster.analysis_jobs import CATALOGUE, MAP
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.method_runs import all_jobs, run_jobs, training_runs
from ris_dagster.resources.tracking import CHAMPION_ALIAS, FORMER_ALIAS
from ris_dagster.review_record import report_reviews
from ris_dagster.sensors.after_review import AFTER_REVIEW, RETRAINING_TAG
from ris_dagster.sensors.reviews import REVIEWS_SENSOR, ROUND_TAG

NAME = "spectra/reviewed"
REGISTERED = "small-spectra-reviewed"
PITCHES = ("low", "middle", "high")
SECONDS_NS = 1_000_000_000

pytestmark = pytest.mark.usefixtures("blank_pictures")


def pitch(event_id: str) -> str:
    """Return the class of a burst of `builders.write_day`, by its number in the file."""
    into_file = peak_of(event_id) / SECONDS_NS % 86400 - 6 * 3600
    return PITCHES[round((into_file - 45.3) / 35) % 3]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network of an archive with one champion without reviews, whose labels are made."""
    root = tmp_path_factory.mktemp("reviewed")
    values: dict[str, Any] = sds_values(write_archive(root / "archive")) | {
        "candidates": ["spectra/gmm"],
        "champion": {"candidate": "spectra/gmm"},
        "novelty": {"score": "distance", "false_alarms": 0.2},
        "dec": {"k": [2, 3], "n_init": 1, "smallest_cluster": 0.0},
        "class_model": {"trees": 30, "folds": 3, "fewest_reviews": 12},
        "review": {"retrain_after": 3},
    }
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values)) as found:
            names = labelling_jobs(found.settings)
            failed = run_jobs(found.definitions, found.instance, found.store.days, names)
            assert not failed, failed
            yield found


def events_of(network: Opened) -> list[str]:
    """Return all events, those of different days and pitches in turn."""
    found = [
        str(name)
        for key in network.store.station_days()
        for name in spectrogram_file.read_column(network.store.spectrograms(key), "event_id")
    ]
    return sorted(found, key=lambda name: (peak_of(name) // SECONDS_NS % 86400 // 35, name))


def review(network: Opened, events: Sequence[str], name: str = "", **more: Any) -> list[Decision]:
    """Write what a person says of events; by default their true pitch."""
    said = [Decision("label", "ann", (event,), name or pitch(event), **more) for event in events]
    ReviewLog(network.store.reviews).append(said)
    return said


def trained(network: Opened) -> None:
    result = network.run(jobs.CLASS_MODEL)
    assert result.success, failure_of(result)


def chosen(network: Opened, **config: Any) -> Champion:
    config = {"ops": {"champion_model": {"config": config or {"candidate": NAME}}}}
    result = network.run(jobs.CHAMPION, config=config)
    assert result.success, failure_of(result)
    return read_champion(network.store)


def state_of(network: Opened, asset: str) -> str:
    return stale_status(network.instance, network.definitions, asset, None)


def label_states(network: Opened) -> set[str]:
    return {network.stale("label_tables", key) for key in network.store.station_days()}


def labels_are_current(network: Opened) -> bool:
    stage = network.store.days.label
    return all(stage.is_current(key) for key in network.store.station_days())


def status_of(network: Opened) -> str:
    result = ris("status", "--config", network.config)
    assert result.exit_code == 0
    return result.output


def test_without_reviews_nothing_asks_for_a_class_model(network: Opened) -> None:
    assert jobs.CLASS_MODEL not in all_jobs(network.settings, BINDINGS)
    assert "class model" not in status_of(network)
    refused = network.run(jobs.CLASS_MODEL)
    assert not refused.success and "ris review" in failure_of(refused)
    wanted = network.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"candidate": NAME}}}})
    assert "no class model has been trained yet" in failure_of(wanted)
    assert label_states(network) == {"FRESH"}


def test_reviews_become_a_champion_whose_labels_hold_the_reviewers_word(network: Opened) -> None:
    before, unsupervised = read_champion(network.store), read_labels(network.days)
    events = events_of(network)
    review(network, events[:30])
    assert jobs.CLASS_MODEL in all_jobs(network.settings, BINDINGS, reviewed=True)
    trained(network)
    network = network.reloaded()
    assert state_of(network, "champion_model") == "STALE"
    # A class model alone changes no label.
    assert label_states(network) == {"FRESH"} and labels_are_current(network)
    champion = chosen(network)
    assert champion.candidate == NAME and champion.reviewed
    assert set(champion.names.values()) == set(PITCHES)
    assert label_states(network) == {"STALE"} and not labels_are_current(network)
    assert network.run_block("label").success
    assert label_states(network) == {"FRESH"} and labels_are_current(network)
    labels = read_labels(network.days)
    truth = [pitch(event) for event in labels["event_id"]]
    unseen = labels["reviewed"].isna()
    assert labels["reviewed"].notna().sum() == 30
    assert (labels["class_name"] == truth)[unseen].mean() > 0.8
    assert (labels["class_name"] == truth)[~unseen].all()
    assert labels["unsupervised_label"].tolist() == unsupervised["label"].tolist()
    client = MlflowClient(network.tracking.uri)
    aliases = client.get_registered_model(REGISTERED).aliases
    assert str(aliases[CHAMPION_ALIAS]) == champion.mlflow_versions[REGISTERED]
    former = client.get_registered_model("small-spectra-gmm").aliases
    assert FORMER_ALIAS in former and CHAMPION_ALIAS not in former
    shown = network.latest("champion_model").metadata
    assert shown["reviews"].value == 30 and shown["reviews_are_simulated"].value is False
    assert shown["unsupervised_beside"].value == before.model_version
    assert "| class_model | may_label |" in str(shown["required_checks"].value)
    # Classes with the same events as a cluster keep its number.
    assert set(champion.classes) & set(before.classes)


def test_a_package_gives_the_labels_probabilities_and_sets_of_the_tables(network: Opened) -> None:
    champion = read_champion(network.store)
    uri = f"models:/{REGISTERED}/{champion.mlflow_versions[REGISTERED]}"
    mlflow.set_tracking_uri(network.tracking.uri)
    package = mlflow.pyfunc.load_model(uri)
    assert package.metadata.metadata["class_names"] == [champion.names[n] for n in champion.classes]
    labels = read_labels(network.days).set_index("event_id")
    for key in network.store.station_days():
        events = spectrogram_file.read_spectrograms(network.store.spectrograms(key))
        known = labels.loc[list(events.event_id)]
        wanted = package.metadata.signature.inputs.input_names()
        answer = package.predict({name: getattr(events, name) for name in wanted})
        np.testing.assert_allclose(answer["probabilities"], np.stack(known["probabilities"].tolist()), atol=1e-6)
        found = [sorted(np.array(champion.classes)[row].tolist()) for row in answer["conformal_set"]]
        assert found == [sorted(row.tolist()) for row in known["conformal_set"]]
        np.testing.assert_array_equal(answer["new"], known["new"])
        np.testing.assert_allclose(answer["novelty"], known["novelty"], rtol=1e-5)
        unseen = known["reviewed"].isna().to_numpy()
        np.testing.assert_array_equal(answer["label"][unseen], known["label"][unseen])
        np.testing.assert_array_equal(answer["assigned"][unseen], known["assigned"][unseen])


def test_a_new_review_makes_the_class_model_out_of_date_and_no_label(network: Opened) -> None:
    network = network.reloaded()
    first = read_champion(network.store)
    days = network.store.days
    assert training_runs(jobs.CLASS_MODEL, days, False) == []
    assert "out of date" not in status_of(network).split("class model")[1].split("champion")[0]
    review(network, events_of(network)[30:34])
    report_reviews(network.instance, network.store, network.settings)
    assert state_of(network, "class_model") == "STALE"
    assert state_of(network, "champion_model") == "FRESH"
    assert label_states(network) == {"FRESH"} and labels_are_current(network)
    assert len(training_runs(jobs.CLASS_MODEL, days, False)) == 1
    said = status_of(network)
    assert "34 events" in said and "4 events reviewed since" in said
    # Chosen again before the training, it is the same model.
    assert chosen(network) == first
    trained(network)
    assert state_of(network, "class_model") == "FRESH"
    assert state_of(network, "champion_model") == "STALE"
    assert label_states(network) == {"FRESH"} and labels_are_current(network)
    second = chosen(network)
    assert second.model_version != first.model_version
    assert {name: n for n, name in second.names.items()} == {name: n for n, name in first.names.items()}
    assert label_states(network) == {"STALE"} and not labels_are_current(network)
    assert network.run_block("label").success
    assert read_labels(network.days)["reviewed"].notna().sum() == 34


def test_renamed_and_withdrawn_reviews_follow_into_the_labels(network: Opened) -> None:
    before = read_champion(network.store)
    number = {name: n for n, name in before.names.items()}
    (wrong,) = review(network, events_of(network)[34:35], "thunder")
    renamed = Decision("rename", "ann", class_name="bass", former=("low",))
    ReviewLog(network.store.reviews).append([renamed])
    trained(network)
    second = chosen(network)
    found = {name: n for n, name in second.names.items()}
    assert found["bass"] == number["low"] and found["thunder"] == before.next_class
    ReviewLog(network.store.reviews).append([Decision("withdraw", "ann", withdrawn=(wrong.id,))])
    trained(network)
    third = chosen(network)
    assert {third.names[n] for n in third.classes} == {"bass", "middle", "high"}
    assert network.run_block("label").success
    labels = read_labels(network.days)
    assert set(labels["class_name"]) == {"bass", "middle", "high"}
    assert labels["reviewed"][labels["event_id"] == wrong.event_ids[0]].isna().all()
    # The number of the class that was withdrawn is kept for its name.
    assert third.next_class == second.next_class


def test_enough_reviews_ask_for_a_class_model_and_then_for_the_champion(network: Opened) -> None:
    def asked() -> list[dg.RunRequest]:
        return list(tick(network.definitions, network.instance, REVIEWS_SENSOR).run_requests or [])

    assert asked() == []
    review(network, events_of(network)[36:38])
    assert asked() == []  # two of three
    assert state_of(network, "class_model") == "STALE"
    review(network, events_of(network)[38:39])
    (first,) = asked()
    assert first.job_name == jobs.CLASS_MODEL
    assert network.run(jobs.CLASS_MODEL, **dict(first.tags)).success
    (second,) = asked()
    assert second.job_name == jobs.CHAMPION and second.tags[ROUND_TAG] == first.tags[ROUND_TAG]
    result = network.run(
        jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"candidate": NAME}}}}, **second.tags
    )
    assert result.success
    assert asked() == []


def test_a_retraining_goes_from_the_class_model_to_labels_catalogue_map_and_suggestions(network: Opened) -> None:
    cursor = None

    def asked() -> list[dg.RunRequest]:
        nonlocal cursor
        found = tick(network.definitions, network.instance, AFTER_REVIEW, cursor)
        cursor = found.cursor
        return list(found.run_requests or [])

    # A training without the tag begins nothing.
    assert asked() == []
    review(network, events_of(network)[40:42])
    before = read_champion(network.store)
    assert network.run(jobs.CLASS_MODEL, **{RETRAINING_TAG: "first"}).success
    (champion,) = asked()
    assert champion.job_name == jobs.CHAMPION and champion.tags[RETRAINING_TAG] == "first"
    assert network.run(jobs.CHAMPION, config=dict(champion.run_config), **dict(champion.tags)).success
    assert read_champion(network.store).model_version != before.model_version
    assert not labels_are_current(network)
    labels = asked()
    assert {request.job_name for request in labels} == {"label"}
    for request in labels:
        assert network.run("label", **dict(request.tags)).success
    assert labels_are_current(network)
    for job in (CATALOGUE, MAP, jobs.QUEUE):
        (following,) = asked()
        assert (following.job_name, following.tags[RETRAINING_TAG]) == (job, "first")
        result = network.run(job, **dict(following.tags))
        assert result.success, failure_of(result)
    assert asked() == [] and cursor == "first"
    assert read_catalogue(network.days)["model_version"].unique().tolist() == [
        read_champion(network.store).model_version
    ]
    assert asked() == []


def test_a_retraining_stops_at_a_failure_until_its_run_is_started_again(network: Opened) -> None:
    def asked() -> tuple[list[str], str]:
        found = tick(network.definitions, network.instance, AFTER_REVIEW, "first")
        return [str(request.job_name) for request in found.run_requests or []], found.skip_message or ""

    assert network.run(jobs.CLASS_MODEL, **{RETRAINING_TAG: "second"}).success
    assert asked()[0] == [jobs.CHAMPION]
    unknown = {"ops": {"champion_model": {"config": {"candidate": "spectra/none"}}}}
    failed = network.run(jobs.CHAMPION, config=unknown, **{RETRAINING_TAG: "second"})
    assert not failed.success
    assert asked() == ([], f"retraining second stopped: {jobs.CHAMPION} failed (run {failed.run_id})")
    again = {"ops": {"champion_model": {"config": {"candidate": NAME}}}}
    assert network.run(jobs.CHAMPION, config=again, **{RETRAINING_TAG: "second"}).success
    # The model is the same, and so are the labels.
    assert asked()[0] == [CATALOGUE]


def test_stability_is_that_of_the_model_beside_and_of_a_class_model_refused(network: Opened) -> None:
    companion = read_champion(network.store).companion
    assert companion is not None
    found = model_to_assess(network.store, network.settings)
    assert (str(found.candidate), found.k) == (companion.candidate, companion.k)
    refused = network.run(jobs.ASSESS, config={"ops": {"stability": {"config": {"candidate": NAME}}}})
    assert not refused.success
    assert "which a class model has not" in failure_of(refused)


def test_a_damaged_class_model_is_named_and_trained_again(network: Opened) -> None:
    model, _ = load_class_model(network.store, network.settings.class_model_name)
    path = network.store.candidate(model.name, model.n_clusters) / WEIGHTS_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    # A long path is wrapped in the second cell of a table.
    cells = [line.split("│")[2].strip() for line in status_of(network).splitlines() if line.count("│") == 3]
    assert WEIGHTS_FILE in "".join(cells)
    wanted = network.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"candidate": NAME}}}})
    assert str(path) in failure_of(wanted)
    assert len(training_runs(jobs.CLASS_MODEL, network.store.days, False)) == 1
    trained(network)
    assert training_runs(jobs.CLASS_MODEL, network.store.days, False) == []


def test_the_unsupervised_model_can_be_champion_again_and_a_version_of_the_class_model(network: Opened) -> None:
    reviewed = read_champion(network.store)
    other = chosen(network, candidate="spectra/gmm")
    assert not other.reviewed and other.names == reviewed.names
    assert reviewed.companion is not None and other.model_version == reviewed.companion.model_version
    assert other.classes == reviewed.companion.classes
    version = int(reviewed.mlflow_versions[REGISTERED])
    again = chosen(network, candidate=NAME, mlflow_version=version)
    assert (again.model_version, again.classes) == (reviewed.model_version, reviewed.classes)
