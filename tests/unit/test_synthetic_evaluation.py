"""Matching, labels of windows, scores and the baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ris_core.truth.baseline import FEATURES, hand_features, kmeans_baseline
from ris_core.truth.evaluation import clustering_scores, detection_scores, end_to_end_scores, window_labels
from ris_core.truth.truth_matching import match, match_stations

SECOND = 1_000_000_000


def make_truth(onsets, lengths=0.0, snr=20.0, family="rift", station="S01"):
    onset = (np.asarray(onsets, dtype=float) * SECOND).astype(np.int64)
    last = onset + (np.broadcast_to(lengths, onset.shape) * SECOND).astype(np.int64)
    return pd.DataFrame(
        {
            "family": family,
            "station": station,
            "time": pd.to_datetime(onset, utc=True),
            "sustained_until": pd.to_datetime(last, utc=True),
            "snr_db": np.broadcast_to(np.asarray(snr, dtype=float), onset.shape),
            "recorded": True,
        }
    )


def ns(*seconds):
    return (np.array(seconds) * SECOND).astype(np.int64)


def test_a_trigger_within_half_a_second_matches_and_beyond_does_not():
    truth = make_truth([100.0, 200.0])
    np.testing.assert_array_equal(match(ns(100.49, 200.51), truth), [0, -1])


def test_a_trigger_on_the_rise_of_an_emergent_event_matches():
    assert match(ns(12.0), make_truth([10.0], lengths=3.0))[0] == 0


def test_the_filter_delay_is_taken_off():
    truth = make_truth([100.0])
    assert match(ns(100.6), truth)[0] == -1
    assert match(ns(100.6), truth, filter_delay=0.15)[0] == 0


def test_matching_is_one_to_one_and_has_the_most_pairs():
    truth = make_truth([10.0, 10.8])
    # The second trigger is nearer to the first event; taking it would leave the first trigger without one.
    np.testing.assert_array_equal(match(ns(9.6, 10.39), truth), [0, 1])
    assert sorted(match(ns(9.9, 10.0, 10.1), make_truth([10.0]))) == [-1, -1, 0]


def test_of_two_fitting_events_the_stronger_is_taken():
    assert match(ns(10.1), make_truth([10.0, 10.1], snr=[30.0, 8.0]))[0] == 0


def test_datetimes_match_like_nanoseconds():
    truth = make_truth([100.0])
    assert match(pd.Series(pd.to_datetime(ns(100.2), utc=True)), truth)[0] == 0


def test_nothing_to_match_is_not_an_error():
    assert len(match(np.array([], dtype=np.int64), make_truth([1.0]))) == 0
    assert match(ns(1.0), make_truth([]))[0] == -1


@given(
    st.lists(st.integers(0, 200), max_size=12, unique=True),
    st.lists(st.integers(0, 200), max_size=12, unique=True),
)
def test_every_pair_is_within_the_tolerance_and_used_once(triggers, onsets):
    onset = np.sort(np.array(onsets, dtype=float)) * 0.1
    times = np.array(triggers, dtype=float) * 0.1
    matched = match(ns(*times) if len(times) else np.array([], dtype=np.int64), make_truth(onset))
    hit = matched >= 0
    assert len(set(matched[hit])) == hit.sum()
    assert np.all(np.abs(times[hit] - onset[matched[hit]]) <= 0.5 + 1e-6)
    # Greedy from the left is optimal in number for intervals of equal length.
    free, best = list(onset), 0
    for t in np.sort(times):
        fitting = [o for o in free if abs(o - t) <= 0.5 + 1e-9]
        if fitting:
            free.remove(min(fitting))
            best += 1
    assert hit.sum() == best


def test_stations_are_matched_apart():
    truth = pd.concat([make_truth([10.0]), make_truth([10.0], station="S02")], ignore_index=True)
    detections = pd.DataFrame({"station": ["S02", "S03"], "time_on": ns(10.0, 10.0)})
    np.testing.assert_array_equal(match_stations(detections, truth), [1, -1])


def test_recall_by_bin_and_precision_count_what_was_recorded():
    truth = make_truth([10.0, 20.0, 30.0, 40.0], snr=[12.0, 13.0, 31.0, 31.0])
    truth.loc[3, "recorded"] = False
    scores = detection_scores([0, 2, -1, -1], truth)
    assert (scores.events, scores.detections, scores.matched) == (3, 4, 2)
    assert scores.precision == 0.5
    assert scores.recall == pytest.approx(2 / 3)
    assert scores.by_snr.set_index("snr_low")["recall"].to_dict() == {10.0: 0.5, 30.0: 1.0}


def test_window_labels_name_the_family_the_mixture_and_the_false_trigger():
    energy = pd.DataFrame(
        {"rift": [9.0, 6.0, 0.1, 5.0], "thermal": [1.0, 4.0, 0.0, 0.0], "noise": [1.0, 1.0, 1.0, 1.0]}
    )
    assert list(window_labels([0, 1, -1, -1], energy)) == ["rift", "mixed", "noise", "rift"]


def test_perfect_clusters_score_one_whatever_their_numbers():
    truth = np.array(["rift", "rift", "thermal", "noise", "mixed"], dtype=object)
    scores = clustering_scores(truth, np.array([7, 7, 2, 0, 2]))
    assert (scores.ari, scores.nmi, scores.accuracy, scores.macro_f1) == pytest.approx((1.0, 1.0, 1.0, 1.0))
    assert scores.classes == {7: "rift", 2: "thermal", 0: "noise"}
    assert (scores.counted, scores.mixed) == (4, 1)


def test_a_split_class_loses_accuracy_but_not_macro_f1():
    truth = np.array(["rift"] * 10 + ["thermal"] * 5, dtype=object)
    clusters = np.array([0] * 6 + [1] * 4 + [2] * 5)
    scores = clustering_scores(truth, clusters)
    assert scores.accuracy == pytest.approx(11 / 15)
    assert scores.macro_f1 == pytest.approx(1.0)


def test_a_class_without_a_cluster_has_recall_and_f1_zero():
    truth = np.array(["rift"] * 8 + ["thermal"] * 2, dtype=object)
    scores = clustering_scores(truth, np.zeros(10, dtype=int))
    assert scores.recall == {"rift": 1.0, "thermal": 0.0}
    assert scores.macro_f1 == pytest.approx(0.5 * 16 / 18)


def test_no_cluster_is_given_a_class_of_which_it_holds_nothing():
    truth = np.array(["rift"] * 10 + ["thermal"] * 5 + ["noise"], dtype=object)
    scores = clustering_scores(truth, np.array([0] * 6 + [1] * 4 + [2] * 6))
    # Three clusters and three classes, but the only noise lies among the thermal ones.
    assert scores.classes == {0: "rift", 1: "rift", 2: "thermal"}
    assert scores.recall == {"rift": 1.0, "thermal": 1.0, "noise": 0.0}
    assert scores.accuracy == pytest.approx(11 / 16)


def test_end_to_end_counts_missed_events_and_false_triggers():
    truth = make_truth([10.0, 20.0, 30.0])
    table = end_to_end_scores([0, 1, -1], truth, [4, 5, 4], {4: "rift", 5: "thermal"}).set_index("family")
    assert table.loc["rift", "recall"] == pytest.approx(1 / 3)
    assert table.loc["rift", "precision"] == pytest.approx(1 / 2)


def test_hand_features_measure_frequency_and_time_and_ignore_scale():
    frequency, time = np.linspace(3.1, 19.9, 87), np.arange(100) * 0.04
    shape = np.exp(-0.5 * ((frequency[:, None] - 10.0) / 1.0) ** 2) * np.exp(-time / 0.5)[None]
    low, high = (hand_features(np.array([shape * scale], dtype=np.float32), frequency, time)[0] for scale in (1.0, 1e6))
    np.testing.assert_allclose(low, high, rtol=1e-3, atol=1e-6)
    values = dict(zip(FEATURES, low, strict=True))
    assert values["centroid_hz"] == pytest.approx(10.0, abs=0.05)
    assert values["bandwidth_hz"] == pytest.approx(1.0, abs=0.05)
    assert values["decay_s"] == pytest.approx(0.5 * np.log(10), abs=0.05)
    assert values["rise_s"] == 0.0
    assert abs(values["glide_hz_per_s"]) < 1e-3
    sweep = np.exp(-0.5 * ((frequency[:, None] - (6.0 + 2.0 * time[None])) / 0.7) ** 2)
    gliding = hand_features(np.array([sweep], dtype=np.float32), frequency, time)[0]
    assert gliding[FEATURES.index("glide_hz_per_s")] == pytest.approx(2.0, rel=0.02)


def test_hand_features_survive_an_empty_spectrogram_and_refuse_wrong_axes():
    frequency, time = np.linspace(3.1, 19.9, 87), np.arange(100) * 0.04
    assert np.all(np.isfinite(hand_features(np.zeros((1, 87, 100), dtype=np.float32), frequency, time)))
    with pytest.raises(ValueError, match="expected"):
        hand_features(np.zeros((1, 100, 87), dtype=np.float32), frequency, time)


def test_hand_features_of_several_components_follow_one_after_another() -> None:
    frequency, time = np.linspace(0.5, 25, 40), np.arange(60) * 0.1
    x = np.random.default_rng(0).random((5, 3, 40, 60)).astype(np.float32)
    x[2, 1] = 0
    found = hand_features(x, frequency, time)
    assert found.shape == (5, 3 * len(FEATURES))
    assert np.isfinite(found).all()
    for component in range(3):
        part = found[:, component * len(FEATURES) : (component + 1) * len(FEATURES)]
        np.testing.assert_array_equal(part, hand_features(x[:, component], frequency, time))


def test_the_baseline_is_seeded_and_finds_plain_groups():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(0, 0.1, (50, 3)), rng.normal(5, 0.1, (50, 3))])
    labels = kmeans_baseline(features, 2, seed=1)
    np.testing.assert_array_equal(labels, kmeans_baseline(features, 2, seed=1))
    assert len(set(labels[:50])) == 1
    assert labels[0] != labels[-1]
