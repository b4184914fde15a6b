"""The map of events of a network that went through all jobs."""

from __future__ import annotations

import numpy as np
from builders import Opened
from dagster_internals import check_evaluations

from ris_core.access import nearest_events, open_event_index, read_catalogue, read_event_map, read_labels
from ris_core.event_map.event_map_run import event_map_is_current


def test_the_map_holds_the_labelled_events_and_says_what_it_is_of(network: Opened) -> None:
    found, catalogue = read_event_map(network.days), read_catalogue(network.days)
    assert sorted(found["event_id"]) == sorted(catalogue.loc[catalogue["label"] >= 0, "event_id"])
    assert event_map_is_current(network.days)
    made = network.latest("event_map").metadata
    assert made["dagster/row_count"].value == len(found)
    assert made["model_version"].value == found.attrs["model_version"]
    assert sum(made["events_of_classes"].value.values()) == len(found)
    assert "data:image/png" in str(made["map"].value) and "means nothing" in str(made["note"].value)
    assert 0 < made["explained_variance"].value <= 1
    for name in ("every_labelled_event_once", "nothing_left_out"):
        (evaluation,) = check_evaluations(network.instance, "event_map", name, limit=1)
        assert evaluation.passed, evaluation


def test_the_nearest_events_are_nearest_in_the_latents_of_the_labels(network: Opened) -> None:
    labels = read_labels(network.days)
    latent = np.stack(labels["latent"].to_list()).astype(float)
    index = open_event_index(network.days)
    assert len(index) == len(labels)
    distance = np.linalg.norm(latent - latent[3], axis=1)
    found = nearest_events(network.days, labels["event_id"][3], 5, index)
    np.testing.assert_allclose(found["distance"], np.sort(np.delete(distance, 3))[:5], rtol=1e-5, atol=1e-6)
    assert labels["event_id"][3] not in set(found["event_id"])
