"""The map of events: principal components, UMAP, nearest events, and what is on it, without any training."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.catalogue_network import settings_of, write_day
from ris_core.access import nearest_events, open_event_index, read_event_map
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.clustering.champion import Champion, NoChampionError, appoint, label_digest
from ris_core.config import EventMapSettings, Settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.event_map.event_index import EventIndex, NoFeaturesError
from ris_core.event_map.event_map_run import (
    NoEventMapError,
    event_map_differs,
    event_map_is_current,
    make_event_map,
)
from ris_core.event_map.event_map_schema import TABLE
from ris_core.event_map.labelled_features import AS_THEY_ARE, SCALED, LabelledFeatures, NoLabelsOfChampionError
from ris_core.event_map.principal_plane import moments, principal_plane
from ris_core.event_map.umap_plane import EventMapError, umap_plane
from ris_core.figures.map_of_events import map_of_events
from ris_core.report.report_part import made
from ris_core.report.report_parts import PARTS
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import open_layout

FIRST = date(2015, 1, 31)
DAYS = [FIRST, FIRST + timedelta(days=1)]
EVENTS = 4
DIMENSIONS = 3


def champion(version: str = "spectra-gmm-k8-one", **others: object) -> Champion:
    values = {
        "k": 8,
        "model_version": version,
        "origin": "a test",
        "classes": tuple(range(8)),
        "next_class": 8,
        "classes_of": {version: tuple(range(8))},
        "normalisation": {},
        "novelty": "n",
        "candidate": "spectra/gmm",
    }
    return Champion(**values | others)


def label(network: StationDays, key: StationDay, of: Champion, features: np.ndarray) -> None:
    """Write the label table of a station-day by a champion, with these features."""
    path = network.layout.spectrograms(key)
    names = [str(name) for name in spectrogram_file.read_column(path, "event_id")]
    frame = pd.DataFrame(
        {
            "event_id": names,
            "station": key.station,
            "time_peak": spectrogram_file.read_column(path, "time_peak"),
            "label": np.arange(len(names), dtype=np.int32) % 3,
            "probability": 0.9,
            "probabilities": list(np.full((len(names), 8), 1 / 8, np.float32)),
            "latent": list(features.astype(np.float32)),
            "reconstruction_error": 0.1,
            "novelty": 0.2,
            "assigned": True,
            "model_version": of.model_version,
        }
    )
    stamp = Stamp(label_digest(of, network.settings.labelling), "1", spectrogram_file.read_info(path).content)
    schema = table_schemas.label_schema(8, features.shape[1])
    tables.write_table(network.layout.labels(key), frame, schema, stamp, {"classes": list(range(8))})


def features_of(key: StationDay, n: int = EVENTS) -> np.ndarray:
    rng = np.random.default_rng([key.day.toordinal(), *key.station.encode()])
    return rng.standard_normal((n, DIMENSIONS)) * [10.0, 3.0, 0.1]


def with_map(network: StationDays, **values: object) -> StationDays:
    settings = network.settings.model_copy(update={"event_map": EventMapSettings.model_validate(values)})
    return StationDays(settings, network.layout)


@pytest.fixture
def small(tmp_path: Path) -> StationDays:
    """Two stations and two days, each with four events, labelled by the champion."""
    settings: Settings = settings_of(2, FIRST, len(DAYS))
    found = StationDays(settings, open_layout(settings, tmp_path / "data"))
    appoint(found.layout, champion())
    for key in settings.station_days():
        write_day(found.layout, key, key.start_ns + np.arange(1, EVENTS + 1) * 1000 * NS, None)
        label(found, key, champion(), features_of(key))
    return found


def test_principal_components_are_those_of_a_singular_value_decomposition() -> None:
    z = (np.random.default_rng(1).standard_normal((50_001, 5)) @ np.diag([5, 3, 1, 1, 0.1])).astype(np.float32) + 100
    places, explained = principal_plane(z)
    centred = z.astype(float) - z.mean(axis=0, dtype=float)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:2].T
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-3)
    np.testing.assert_allclose(explained, singular[:2] ** 2 / (singular**2).sum(), rtol=1e-5)
    mean, covariance = moments(z)
    np.testing.assert_allclose(mean, z.mean(axis=0, dtype=float))
    np.testing.assert_allclose(covariance, np.cov(z.astype(float).T, bias=True), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("z", "explained"),
    [
        (np.array([[1.0], [2.0], [4.0]]), (1.0, 0.0)),
        (np.ones((4, 3)), (0.0, 0.0)),
        (np.ones((1, 3)), (0.0, 0.0)),
    ],
    ids=["one feature", "nothing varies", "one event"],
)
def test_what_has_no_second_component_lies_at_zero(z: np.ndarray, explained: tuple[float, float]) -> None:
    places, found = principal_plane(z.astype(np.float32))
    assert found == pytest.approx(explained)
    assert (places[:, 1] == 0).all() and np.isfinite(places).all()


def test_umap_keeps_groups_apart_and_gives_the_same_again_with_some_placed_afterwards() -> None:
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(0, 1, (100, 4)), rng.normal(30, 1, (60, 4))]).astype(np.float32)
    settings = EventMapSettings(method="umap", sample=120, neighbours=8, seed=3)
    places, fitted = umap_plane(z, settings)
    assert places.shape == (160, 2) and places.dtype == np.float32 and fitted == 120
    np.testing.assert_array_equal(umap_plane(z, settings)[0], places)
    # Each event, also of those that UMAP was not fitted to, is nearest to one of its own group.
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert ((distance.argmin(axis=1) < 100) == (np.arange(160) < 100)).all()


def test_umap_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EventMapSettings(method="umap")
    with pytest.raises(EventMapError, match="16 labelled events are too few"):
        umap_plane(np.ones((16, 3), np.float32), settings)

    def absent(name: str) -> None:
        raise ImportError(f"no module named {name}")

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(EventMapError, match=r"install the extra umap, or set event_map\.method: pca"):
        umap_plane(np.ones((50, 3), np.float32), settings)


def test_the_map_depends_only_on_settings_of_its_method() -> None:
    assert EventMapSettings(seed=1).map_values() == EventMapSettings().map_values()
    assert (
        EventMapSettings(method="umap", seed=1).map_values()
        != EventMapSettings(method="umap").map_values()
        != EventMapSettings().map_values()
    )


def index_of(features: np.ndarray) -> EventIndex:
    names = np.array([f"XX.A..HHZ.{n:09d}" for n in range(len(features))], dtype=np.bytes_)
    return EventIndex(LabelledFeatures(names, np.zeros(len(features), np.int32), features, AS_THEY_ARE))


def test_the_nearest_events_are_those_of_all_distances() -> None:
    z = np.random.default_rng(5).standard_normal((10_000, 7)).astype(np.float32)
    index = index_of(z)
    found = index.nearest("XX.A..HHZ.000001234", 25)
    distance = np.linalg.norm(z.astype(float) - z[1234].astype(float), axis=1)
    distance[1234] = np.inf
    expected = np.argsort(distance)[:25]
    assert found["event_id"].tolist() == [f"XX.A..HHZ.{n:09d}" for n in expected]
    np.testing.assert_allclose(found["distance"], distance[expected], rtol=1e-6)


def test_equally_near_events_are_sorted_and_none_is_its_own_neighbour() -> None:
    z = np.array([[0.0], [1.0], [1.0], [-1.0], [0.0], [5.0]], np.float32)
    index = index_of(z)
    found = index.nearest("XX.A..HHZ.000000000", 4)
    assert [int(name[-1]) for name in found["event_id"]] == [4, 1, 2, 3]
    assert len(index.nearest("XX.A..HHZ.000000000", 100)) == 5
    assert index_of(z[:1]).nearest("XX.A..HHZ.000000000").empty
    assert "XX.A..HHZ.000000005" in index and "XX.A..HHZ.000000006" not in index and "é" not in index and 5 not in index
    assert "X" * 100 not in index
    with pytest.raises(ValueError, match="n is 0"):
        index.nearest("XX.A..HHZ.000000000", 0)
    with pytest.raises(NoFeaturesError, match="no such event"):
        index.nearest("XX.A..HHZ.7")


def test_every_labelled_event_is_on_the_map_once(small: StationDays) -> None:
    assert not event_map_is_current(small)
    with pytest.raises(NoEventMapError, match="map_events"):
        read_event_map(small)
    made_map = make_event_map(small)
    found = read_event_map(small)
    assert list(found.columns) == ["event_id", "x", "y"] and str(found["x"].dtype) == "float32"
    assert len(found) == 2 * len(DAYS) * EVENTS and found["event_id"].is_monotonic_increasing
    assert found["event_id"].is_unique and event_map_differs(small) == [] and made_map.left_out == ()
    assert event_map_is_current(small)
    assert found.attrs["method"] == "pca" and found.attrs["metric"] == AS_THEY_ARE
    assert found.attrs["explained_variance"][0] > 0.7 and "means nothing" in found.attrs["note"]
    # The first component is the first feature, nearly: rows belong to their identifiers.
    z = {key: features_of(key) for key in small.settings.station_days()}
    by_event = {}
    for key, values in z.items():
        names = spectrogram_file.read_column(small.layout.spectrograms(key), "event_id")
        by_event |= {str(name): value for name, value in zip(names, values, strict=True)}
    first = np.array([by_event[name][0] for name in found["event_id"]])
    assert abs(np.corrcoef(first, found["x"])[0, 1]) > 0.95


def test_a_map_is_out_of_date_with_other_labels_settings_or_damage(small: StationDays) -> None:
    make_event_map(small)
    assert event_map_is_current(with_map(small, seed=5)) and not event_map_is_current(with_map(small, method="umap"))
    key = next(iter(small.settings.station_days()))
    label(small, key, champion(), features_of(key) + 1)
    assert not event_map_is_current(small)
    make_event_map(small)
    path = small.layout.analysis(TABLE)
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    assert not event_map_is_current(small)
    with pytest.raises(DamagedFileError):
        read_event_map(small)


def test_tables_of_another_champion_and_of_earlier_events_are_left_out_and_counted(small: StationDays) -> None:
    keys = sorted(small.settings.station_days())
    label(small, keys[0], champion("spectra-gmm-k8-two"), features_of(keys[0]))
    write_day(small.layout, keys[1], keys[1].start_ns + np.array([500]) * NS, None, seed=3)
    found = make_event_map(small)
    assert len(found.table) == 2 * EVENTS and event_map_differs(small) == []
    assert (found.summary["station_days_of_other_champions"], found.summary["events_of_other_champions"]) == (1, EVENTS)
    assert (found.summary["station_days_labelled_too_early"], found.summary["events_labelled_too_early"]) == (1, EVENTS)
    assert [text.split(" ")[0] for text in found.left_out] == ["4", "4"] and "another champion" in found.left_out[0]
    small.layout.labels(keys[2]).write_bytes(b"nothing")
    found = make_event_map(small)
    assert len(found.table) == EVENTS and str(small.layout.labels(keys[2])) in found.left_out[2]


def test_the_check_finds_what_is_missing(small: StationDays) -> None:
    make_event_map(small)
    key = next(iter(small.settings.station_days()))
    write_day(small.layout, key, key.start_ns + np.array([500, 2000]) * NS, None, seed=3)
    label(small, key, champion(), features_of(key, 2))
    missing, surplus = event_map_differs(small)
    assert missing.startswith("1 events are labelled, but not on the map")
    assert surplus.startswith("3 events are on the map, but not labelled by the champion")


def test_features_of_a_class_model_are_scaled(small: StationDays) -> None:
    taught = champion("spectra-reviewed-k8-three", reviewed=True)
    appoint(small.layout, taught)
    for key in small.settings.station_days():
        label(small, key, taught, features_of(key))
    made_map = make_event_map(small)
    assert made_map.summary["metric"] == SCALED
    # Three independent features with equal weight.
    assert made_map.summary["explained_variance"][0] < 0.7
    z = np.concatenate([features_of(key) for key in sorted(small.settings.station_days())])
    index = open_event_index(small)
    name = read_event_map(small)["event_id"][0]
    expected = np.linalg.norm((z - z[0]) / z.std(axis=0), axis=1)
    found = nearest_events(small, name, 3, index)
    np.testing.assert_allclose(found["distance"], np.sort(expected)[1:4], rtol=1e-4)
    assert found.attrs == {"metric": SCALED, "model_version": taught.model_version}
    pd.testing.assert_frame_equal(nearest_events(small, name, 3), found)


def test_without_champion_or_labels_it_is_said_which_job_makes_them(small: StationDays) -> None:
    for key in small.settings.station_days():
        small.layout.labels(key).unlink()
    with pytest.raises(NoLabelsOfChampionError, match=r"no event is labelled by the champion .*job label"):
        make_event_map(small)
    small.layout.champion.unlink()
    with pytest.raises(NoChampionError, match="job choose_champion"):
        open_event_index(small)
    assert not event_map_is_current(small)


def test_the_picture_and_the_report_show_all_classes(small: StationDays) -> None:
    part = next(part for part in PARTS if part.name == "event_map")
    assert "there is no map of events yet" in made(part, small).absent
    update_catalogue(small)
    found = make_event_map(small)
    fig = map_of_events(found.table, found.summary, {0: "rift"})
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["rift", "1", "2"]
    assert "% of variance" in fig.axes[0].get_xlabel()
    of_umap = map_of_events(found.table, {"explained_variance": None})
    assert "distances do not" in of_umap.axes[0].get_xlabel()
    assert "no labelled events" in [text.get_text() for text in map_of_events(found.table.iloc[:0], {}).texts]
    html = made(part, small)
    assert not html.absent and "16 events by 3 features" in html.html and "data:image/png" in html.html
    key = next(iter(small.settings.station_days()))
    small.layout.labels(key).unlink()
    update_catalogue(small)
    assert "4 events of the map have no class in the catalogue" in made(part, small).html
