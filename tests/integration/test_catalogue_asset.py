"""The catalogue of the session's network beside the tables that it is made of."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import Opened
from dagster_internals import check_evaluations

from ris_core.access import read_catalogue, read_class_associations, read_detections, read_labels
from ris_core.access.data_dictionary import data_dictionary
from ris_core.catalogue.catalogue_update import event_catalogue_is_current, update_catalogue
from ris_core.clustering.champion import read_champion
from ris_core.clustering.champion_files import load_copy
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import open_layout


def test_the_catalogue_says_what_detections_and_labels_say(network: Opened) -> None:
    days = network.days
    catalogue = read_catalogue(days).set_index("event_id")
    detections = read_detections(days)
    events = detections[detections["outcome"] == "event"].set_index("event_id")
    labels = read_labels(days).set_index("event_id")
    assert len(catalogue) == len(events) == len(labels) > 100
    same = ["time_peak", "time_on", "time_off", "peak_counts", "peak_acceleration", "snr", "found_by", "station"]
    pd.testing.assert_frame_equal(catalogue[same], events.loc[catalogue.index, same], check_names=False)
    same = ["label", "class_name", "probability", "novelty", "assigned", "model_version"]
    pd.testing.assert_frame_equal(
        catalogue[same], labels.loc[catalogue.index, same], check_names=False, check_dtype=False
    )
    assert set(catalogue["probability_kind"]) == {"membership"}
    band = network.settings.spectrogram
    for name in ("peak_frequency", "centroid_frequency"):
        assert catalogue[name].between(band.frequency_low, band.frequency_high).all()
    assert catalogue["duration"].between(0.01, band.duration).all()


def test_the_distance_is_that_to_the_centre_of_the_events_cluster(network: Opened) -> None:
    champion = read_champion(network.days.layout)
    centroids = load_copy(network.days.layout.champion_model(champion.model_version)).centroids
    assert centroids is not None
    labels = read_labels(network.days).set_index("event_id")
    latent = np.stack(labels["latent"].to_list())
    cluster = [champion.classes.index(number) for number in labels["label"]]
    catalogue = read_catalogue(network.days).set_index("event_id")
    expected = np.linalg.norm(latent - centroids[cluster], axis=1)
    assert catalogue.loc[labels.index, "distance"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_the_asset_shows_the_catalogue_and_passes_its_checks(network: Opened) -> None:
    made = network.latest("event_catalogue").metadata
    assert made["dagster/row_count"].value == len(read_catalogue(network.days))
    assert "data:image/png" in str(made["overview"].value)
    assert sum(made["events_of_classes"].value.values()) == made["dagster/row_count"].value
    assert network.days.layout.dictionary.read_text(encoding="utf-8") == data_dictionary()
    assert set(read_class_associations(network.days)["label"]) == set(read_catalogue(network.days)["label"])
    for name in ("every_labelled_event", "unique", "sorted", "complete"):
        (evaluation,) = check_evaluations(network.instance, "event_catalogue", name, limit=1)
        assert evaluation.passed, evaluation


def test_scores_against_truth_have_the_sources(network: Opened) -> None:
    assert "true_pairs" in str(network.latest("truth_scores").metadata["sources"].value)


def test_reviews_and_vanished_labels_are_seen(network: Opened, tmp_path: Path) -> None:
    shutil.copytree(
        network.store.root, tmp_path / "tiny", ignore=shutil.ignore_patterns("waveforms", "dagster", "mlflow")
    )
    days = StationDays(network.settings, open_layout(network.settings, tmp_path / "tiny"))
    assert event_catalogue_is_current(days)
    key = next(key for key in days.all() if days.layout.labels(key).exists())
    days.layout.labels(key).unlink()
    assert not event_catalogue_is_current(days)
    found = update_catalogue(days)
    assert found.unlabelled == (read_catalogue(days, stations=key.station)["label"] == -1).sum() > 0
