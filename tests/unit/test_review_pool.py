"""The events that the queue chooses from, and what trees of the reviews say of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ris_core.config import ClassModelSettings, MicroSettings
from ris_core.contracts.decision import Decision
from ris_core.review.pool import judge, make_pool
from ris_core.review.queue import Pool
from ris_core.review.state import ReviewState

TREES = ClassModelSettings(trees=50)


def _event(n: int) -> str:
    return f"SY.S{n % 3:02d}..HHZ.201501{1 + n // 48:02d}T{n % 48 // 2:02d}{30 * (n % 2):02d}00.000000"


@pytest.fixture
def z() -> NDArray[np.float32]:
    """Features of 90 events of three classes, the last of ten events far away."""
    rng = np.random.default_rng(0)
    centre = np.repeat([0.0, 6.0, 40.0], [50, 30, 10])
    return np.asarray(rng.normal(size=(90, 5)) + centre[:, None], np.float32)


@pytest.fixture
def pool(z: NDArray[np.float32]) -> Pool:
    return make_pool(np.array([_event(n) for n in range(90)]), z, MicroSettings(k=(12,)), 0)


def _state(**classes: list[int]) -> ReviewState:
    return ReviewState.of([Decision("label", "ann", tuple(map(_event, rows)), name) for name, rows in classes.items()])


def test_a_pool_has_micro_clusters_stations_and_times(pool: Pool) -> None:
    assert len(np.unique(pool.micro)) == 12
    assert not set(pool.micro[80:]) & set(pool.micro[:80])
    assert list(pool.station[:3]) == ["S00", "S01", "S02"]
    assert np.diff(pool.time[:3]) == pytest.approx(1800e9)


def test_a_few_alike_events_make_fewer_micro_clusters() -> None:
    same = make_pool(np.array([_event(n) for n in range(5)]), np.ones((5, 2), np.float32), MicroSettings(), 0)
    assert set(same.micro) == {0}
    two = make_pool(
        np.array([_event(n) for n in range(4)]), np.array([[0], [0], [9], [9]], np.float32), MicroSettings(), 0
    )
    assert len(set(two.micro)) == 2


def test_trees_of_the_reviews_know_the_classes_and_what_is_new(pool: Pool) -> None:
    found = judge(pool, _state(a=[0, 4, 9, 14, 20], b=[52, 55, 60, 70]), TREES, {})
    assert found is not None
    assert found.classes == ("a", "b")
    assert (found.probability.argmax(axis=1) == np.repeat([0, 1, 1], [50, 30, 10])).mean() > 0.97
    assert found.novel[80:].all()
    assert found.novelty[80:].min() > found.novelty[:80].max()
    assert found.uncertainty.min() >= 0


def test_events_outside_of_the_pool_teach_too(pool: Pool, z: NDArray[np.float32]) -> None:
    state = _state(a=[0, 4, 9], c=[500, 501])
    assert judge(pool, state, TREES, {}) is None
    found = judge(pool, state, TREES, {_event(500): z[80], _event(501): z[81]})
    assert found is not None
    assert (found.probability[80:].argmax(axis=1) == 1).all()


def test_without_two_classes_there_is_no_judgement(pool: Pool) -> None:
    assert judge(pool, _state(), TREES, {}) is None
    assert judge(pool, _state(a=[0, 1]), TREES, {}) is None
