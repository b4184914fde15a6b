"""Samples: whether they are held in memory or read from a file, training and inference see the same."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ris_core import config
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.models.inference import encode
from ris_core.models.networks import Aec
from ris_core.models.weights import weights_digest
from ris_core.storage import spectrogram_file
from ris_core.training import samples
from ris_core.training.aec import train_aec
from ris_core.training.dec import train_dec
from ris_core.training.samples import Samples, of_file

EVENTS = 70
# Blocks so small that a few events fill several, and none of them ends with the chunk of the file.
BLOCK, TOGETHER = 7, 3
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "events.h5"
    random = np.random.default_rng(0)
    data = Events(
        spectrogram=random.exponential(size=(EVENTS, 87, 100)).astype(np.float32),
        waveform=np.zeros((EVENTS, 218), np.float32),
        frequency=np.arange(87.0),
        time=np.arange(100.0),
        event_id=tuple(f"event {i}" for i in range(EVENTS)),
        time_peak=np.arange(EVENTS),
        window_start=np.arange(EVENTS),
        sampling_rate=50.0,
    )
    spectrogram_file.write_spectrograms(path, data, Stamp("a", "1", "b"), "{}")
    return path


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(samples, "BLOCK", BLOCK)
    monkeypatch.setattr(samples, "BLOCKS_SHUFFLED", TOGETHER)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def both(path: Path) -> tuple[Samples, Samples]:
    """The same events streamed and in memory."""
    streamed, held = (of_file(path, config.NormalisationSettings(), in_memory) for in_memory in (False, True))
    assert (streamed.in_memory, held.in_memory) == (False, True)
    return streamed, held


def parts(data: Samples, size: int, order: tuple[int, int] | None) -> list[tuple[list[int], NDArray[np.float32]]]:
    return [(rows.tolist(), inputs.numpy().copy()) for rows, inputs in data.batches(size, order)]


@QUICK
@given(
    events=st.integers(0, EVENTS),
    size=st.integers(1, 2 * EVENTS),
    order=st.none() | st.tuples(st.integers(0, 5), st.integers(0, 5)),
    scattered=st.booleans(),
)
def test_streamed_batches_are_those_from_memory_in_the_same_order(
    both: tuple[Samples, Samples], events: int, size: int, order: tuple[int, int] | None, scattered: bool
) -> None:
    rows = np.random.default_rng(events).permutation(EVENTS)[:events] if scattered else np.arange(events)
    streamed, held = (parts(data.subset(rows), size, order) for data in both)
    assert [r for r, _ in streamed] == [r for r, _ in held]
    for (_, one), (_, other) in zip(streamed, held, strict=True):
        np.testing.assert_array_equal(one, other)
    lengths = [len(r) for r, _ in streamed]
    assert sum(lengths) == events
    assert all(n == size for n in lengths[:-1])
    assert sorted(row for r, _ in streamed for row in r) == list(range(events))


@QUICK
@given(rows=st.lists(st.integers(0, EVENTS - 1), max_size=40))
def test_any_rows_are_taken_in_any_order_and_more_than_once(both: tuple[Samples, Samples], rows: list[int]) -> None:
    streamed, held = both
    wanted = np.array(rows, dtype=np.int64)
    np.testing.assert_array_equal(streamed.take(wanted), held.take(wanted))
    whole = held.take(np.arange(EVENTS))
    np.testing.assert_array_equal(held.take(wanted), whole[wanted])
    np.testing.assert_allclose(np.linalg.norm(whole.reshape(EVENTS, -1), axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 16, 25, 1000])
def test_blocks_cover_everything_once_and_in_order(both: tuple[Samples, Samples], size: int) -> None:
    whole = both[1].take(np.arange(EVENTS))
    for data in both:
        found = list(data.blocks(size))
        assert [(rows.start, rows.stop) for rows, _ in found] == [
            (start, min(start + size, EVENTS)) for start in range(0, EVENTS, size)
        ]
        np.testing.assert_array_equal(np.concatenate([block for _, block in found]), whole)


def test_a_subset_of_a_subset_counts_from_the_first_and_masks_are_rows(both: tuple[Samples, Samples]) -> None:
    mask = np.arange(EVENTS) % 3 == 0
    for data in both:
        some = data.subset(mask)
        assert len(some) == mask.sum()
        again = some.subset(np.array([2, 0]))
        np.testing.assert_array_equal(again.take(np.arange(2)), data.take(np.array([6, 0])))


def test_an_epochs_order_is_a_permutation_that_differs_between_epochs_and_seeds(both: tuple[Samples, Samples]) -> None:
    for data in both:
        orders = [
            [row for rows, _ in data.batches(8, order) for row in rows.tolist()] for order in ((0, 1), (0, 2), (1, 1))
        ]
        assert all(sorted(order) == list(range(EVENTS)) for order in orders)
        assert len({tuple(order) for order in orders}) == 3
        assert orders[0] != sorted(orders[0])
        assert orders[0] == [row for rows, _ in data.batches(8, (0, 1)) for row in rows.tolist()]


def test_no_batches_come_of_no_events_and_a_batch_needs_an_event(both: tuple[Samples, Samples]) -> None:
    for data in both:
        none = data.subset(np.arange(0))
        assert list(none.batches(4)) == list(none.blocks()) == []
        assert none.take(np.arange(0)).shape == (0, 87, 100)
        with pytest.raises(ValueError, match="batch_size must be 1 or more, got 0"):
            next(iter(data.batches(0)))


def test_an_error_of_the_file_reaches_whoever_asks_for_batches(both: tuple[Samples, Samples], tmp_path: Path) -> None:
    (tmp_path / "gone.h5").write_bytes(b"no spectrograms")
    with pytest.raises(OSError, match=r"gone\.h5: damaged \(not a spectrogram file"):
        of_file(tmp_path / "gone.h5", config.NormalisationSettings(), in_memory=False)


def test_training_from_a_file_gives_the_weights_of_training_from_memory(both: tuple[Samples, Samples]) -> None:
    aec = config.AecSettings(max_epochs=2, device="cpu")
    dec = config.DecSettings(max_epochs=1, batch_size=16, shuffle=True, tolerance=0.0, device="cpu")
    random = np.random.default_rng(0)
    centroids, labels = random.exponential(size=(3, 9)), random.integers(0, 3, EVENTS)
    found = []
    for data in both:
        train, val = data.subset(np.arange(56)), data.subset(np.arange(56, EVENTS))
        trained = train_aec(train, val, 16, 1e-3, aec)
        clustered = train_dec(trained.model, data, centroids, labels, dec)
        found.append((weights_digest(trained.model), trained.val_mse, weights_digest(clustered.model)))
    assert found[0] == found[1]


def test_latents_of_samples_are_those_of_the_array(both: tuple[Samples, Samples]) -> None:
    model = Aec(0)
    x = both[1].take(np.arange(EVENTS))
    for data in both:
        np.testing.assert_allclose(encode(model, data, batch_size=16), encode(model, x, batch_size=16), rtol=1e-5)
