from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_samples

from ris_core import config
from ris_core.clustering.scores import (
    class_means,
    class_table,
    davies_bouldin,
    label_change_table,
    overall,
    silhouette,
    silhouettes,
)
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage.spectrogram_file import write_spectrograms
from ris_core.training.normalise import normalise
from ris_core.training.samples import of_file

Array = NDArray[Any]


def spectrograms(n: int = 60, seed: int = 0) -> tuple[Array, Array]:
    """Three families of spectrograms, linear PSD, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    rows = np.arange(87)[None, :, None]
    shape = np.exp(-0.5 * ((rows - np.array([15, 40, 70])[labels][:, None, None]) / 4) ** 2)
    return (shape * rng.uniform(0.5, 1.5, (n, 87, 100)) + 1e-3).astype(np.float32), labels


@pytest.fixture
def x() -> Array:
    return normalise(spectrograms()[0])


@pytest.fixture
def labels() -> Array:
    return spectrograms()[1]


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(6, 30), st.just(3)), elements=st.floats(-9, 9, width=16)), st.data()
)
def test_silhouettes_of_several_partitions_are_those_of_scikit_learn(values: Array, data: st.DataObject) -> None:
    partitions = [
        np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))) for _ in "12"
    ]
    # From differences: scikit-learn's own distances are rounding alone where events are nearly the same.
    distances = cdist(values, values)
    for labels, found in zip(partitions, silhouettes(values, partitions), strict=True):
        if 2 <= len(np.unique(labels)) < len(values):
            expected = silhouette_samples(distances, labels, metric="precomputed")
            np.testing.assert_allclose(found, expected, atol=1e-6)
        else:
            assert np.isnan(found).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_events_that_are_the_same_have_a_silhouette_of_zero_between_two_clusters(dtype: Any) -> None:
    values = np.full((28, 3), [8.9, -3.3, 0.7], dtype=dtype)
    values[0] = 1.1, 2.2, 3.3
    labels = np.repeat([0, 1], 14)
    (found,) = silhouettes(values, [labels])
    # The 13 beside the odd one lie on the other cluster (b = 0), the 14 of that one on each other (a = 0, b > 0).
    np.testing.assert_allclose(found, [0.0] + [-1.0] * 13 + [1.0] * 14, atol=1e-6)
    (found,) = silhouettes(values, [np.r_[2, np.repeat([0, 1], [13, 14])]])
    np.testing.assert_array_equal(found, np.zeros(28))
    (found,) = silhouettes(np.full((28, 3), dtype(8.9)), [labels])
    np.testing.assert_array_equal(found, np.zeros(28))


def test_scores_are_seeded_and_safe_for_one_cluster() -> None:
    labels = np.repeat(np.arange(4), 100)
    z = 30 * np.eye(9)[labels] + np.random.default_rng(0).normal(size=(400, 9))
    assert silhouette(z, labels, sample=100, seed=3) == silhouette(z, labels, sample=100, seed=3) > 0.5
    assert silhouette(z.reshape(400, 3, 3), labels) == silhouette(z, labels)
    assert davies_bouldin(z, labels) < 0.5
    for score in (silhouette, davies_bouldin):
        assert np.isnan(score(z, np.zeros(400, int)))
        assert np.isnan(score(z[:0], labels[:0]))
        assert np.isnan(score(z[:4], np.arange(4)))


def test_a_class_is_described_by_its_members_and_their_mean(x: Array, labels: Array) -> None:
    table = class_table(x, labels, 3)
    silhouette_of_all = silhouette_samples(x.reshape(len(x), -1), labels)
    for j in range(3):
        members = x[labels == j].astype(float)
        mean = members.mean(axis=0)
        assert table.loc[j, "size"] == table.loc[j, "sampled"] == len(members)
        assert table.loc[j, "share"] == len(members) / len(x)
        inner = np.einsum("nft,ft->n", members, mean / np.linalg.norm(mean)).mean()
        assert table.loc[j, "inner_product"] == pytest.approx(inner, rel=1e-6)
        assert table.loc[j, "mse"] == pytest.approx(np.square(members - mean).mean(), rel=1e-4)
        assert table.loc[j, "mae"] == pytest.approx(np.abs(members - mean).mean(), rel=1e-5)
        assert table.loc[j, "silhouette"] == pytest.approx(silhouette_of_all[labels == j].mean(), abs=1e-5)
    np.testing.assert_allclose(class_means(x, labels, 3), [x[labels == j].mean(axis=0) for j in range(3)], atol=1e-7)


def test_inner_product_and_mse_of_unit_norm_members_say_the_same(x: Array) -> None:
    table = class_table(x, np.arange(len(x)) % 5, 5)
    np.testing.assert_allclose(table["mse"] * 87 * 100, 1 - table["inner_product"] ** 2, rtol=1e-4)
    assert table["inner_product"].between(0, 1).all()


def test_overall_scores_weigh_classes_by_their_events(x: Array, labels: Array) -> None:
    found = overall(class_table(x, labels, 3))
    assert found["silhouette"] == pytest.approx(silhouette_samples(x.reshape(len(x), -1), labels).mean(), abs=1e-5)
    assert found["smallest_cluster"] == np.bincount(labels).min() / len(x)
    means = np.stack([x[labels == j].mean(axis=0) for j in range(3)])
    assert found["mse_to_mean"] == pytest.approx(np.square(x - means[labels]).mean(), rel=1e-4)
    assert found["mae_to_mean"] == pytest.approx(np.abs(x - means[labels]).mean(), rel=1e-5)


def test_an_empty_class_has_no_scores_and_spoils_none(x: Array, labels: Array) -> None:
    table = class_table(x, np.where(labels == 1, 2, labels), 3)
    assert table.loc[1, ["size", "sampled", "share"]].tolist() == [0, 0, 0]
    assert table.loc[1, ["inner_product", "mse", "mae", "silhouette"]].isna().all()
    assert all(np.isfinite(list(overall(table).values())))
    assert not class_means(x, np.zeros(len(x), int), 2)[1].any()


def test_classes_by_other_numbers_have_the_same_scores(x: Array, labels: Array) -> None:
    renamed = np.array([2, 0, 1])[labels]
    one, two = class_table(x, labels, 3), class_table(x, renamed, 3)
    pd.testing.assert_frame_equal(one.set_axis([2, 0, 1]).sort_index(), two.rename_axis(None), rtol=1e-6)


def test_a_set_read_from_disk_is_described_like_one_in_memory(tmp_path: Path, labels: Array) -> None:
    raw = spectrograms()[0]
    n = len(raw)
    events = Events(
        spectrogram=raw,
        waveform=np.zeros((n, 218), np.float32),
        frequency=np.arange(87.0),
        time=np.arange(100.0),
        event_id=tuple(f"XX.AA..HHZ.{i}" for i in range(n)),
        time_peak=np.arange(n),
        window_start=np.arange(n),
        sampling_rate=50.0,
    )
    write_spectrograms(tmp_path / "set.h5", events, Stamp("s", "1", "i"), "{}", {})
    held, streamed = (of_file(tmp_path / "set.h5", config.NormalisationSettings(), m) for m in (True, False))
    pd.testing.assert_frame_equal(class_table(held, labels, 3), class_table(streamed, labels, 3))


def test_the_silhouette_comes_from_a_seeded_sample(x: Array, labels: Array) -> None:
    one, again, other = (class_table(x, labels, 3, sample=30, seed=s) for s in (4, 4, 5))
    pd.testing.assert_frame_equal(one, again)
    assert one["sampled"].sum() == 30
    assert not one["silhouette"].equals(other["silhouette"])
    assert one["mae"].equals(other["mae"])


def test_labels_that_do_not_fit_are_refused(x: Array, labels: Array) -> None:
    with pytest.raises(ValueError, match=r"must have the shape \(60,\)"):
        class_table(x, labels[:-1], 3)
    with pytest.raises(ValueError, match="between 0 and 1, got 0 to 2"):
        class_table(x, labels, 2)


@given(hnp.arrays(np.int32, st.tuples(st.just(2), st.integers(0, 60)), elements=st.integers(0, 6)))
def test_the_label_change_table_counts_every_event_where_it_belongs(labels: Array) -> None:
    table = label_change_table(labels[0], labels[1], 7)
    assert table.shape == (7, 7)
    assert (table.index.name, table.columns.name) == ("before", "after")
    assert int(table.to_numpy().sum()) == labels.shape[1]
    assert int(np.trace(table.to_numpy())) == int((labels[0] == labels[1]).sum())
    for i, j in labels.T:
        assert table.loc[i, j] == int(((labels[0] == i) & (labels[1] == j)).sum())


def test_labels_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="same events"):
        label_change_table(np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(ValueError, match="between 0 and 1, got 0 to 2"):
        label_change_table(np.array([0, 1]), np.array([2, 1]), 2)
    with pytest.raises(ValueError, match="whole numbers"):
        label_change_table(np.array([0.5]), np.array([1.0]))
