from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from representation_builders import events_of

from ris_core.clustering.dec_model import DecModel
from ris_core.config import PAPER_INPUT, NormalisationSettings
from ris_core.contracts.events import Events
from ris_core.labels.labelling import label_events
from ris_core.models.inference import describe
from ris_core.models.networks import Aec, Dec
from ris_core.training.normalise import SpectrogramError, normalise

Array = NDArray[Any]


@pytest.fixture
def model() -> Dec:
    return Dec.from_aec(Aec(2), torch.rand(6, 9, generator=torch.Generator().manual_seed(1)))


def labelling(network: Dec) -> DecModel:
    return DecModel(network, NormalisationSettings(), PAPER_INPUT)


@pytest.fixture
def psd() -> Array:
    return (1e6 * np.random.default_rng(0).exponential(size=(20, 87, 100))).astype(np.float32)


def test_labels_are_the_greatest_membership_of_normalised_spectrograms(model: Dec, psd: Array) -> None:
    found = label_events(labelling(model), [events_of(psd)], device="cpu")
    q, latent, error = describe(model, normalise(psd))
    np.testing.assert_allclose(found.probabilities, q, rtol=1e-5)
    np.testing.assert_allclose(found.latent, latent, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.reconstruction_error, error, rtol=1e-5)
    np.testing.assert_array_equal(found.cluster, q.argmax(axis=1))
    np.testing.assert_array_equal(found.probability, q.max(axis=1))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_blocks_and_scale_do_not_change_labels(model: Dec, psd: Array) -> None:
    whole = label_events(labelling(model), [events_of(psd)], device="cpu")
    parts = label_events(labelling(model), (events_of(1e-9 * psd[i : i + 3]) for i in range(0, 20, 3)), device="cpu")
    np.testing.assert_array_equal(parts.cluster, whole.cluster)
    np.testing.assert_allclose(parts.latent, whole.latent, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("blocks", [[], [np.empty((0, 87, 100), np.float32)]])
def test_a_day_without_events_gives_empty_arrays(model: Dec, blocks: list[Array]) -> None:
    found = label_events(labelling(model), map(events_of, blocks), device="cpu")
    assert len(found) == 0
    assert found.cluster.dtype == np.int32
    assert found.reconstruction_error is not None
    assert found.probability.shape == found.reconstruction_error.shape == (0,)
    assert found.probabilities.shape == (0, 6)
    assert found.latent.shape == (0, 9)


def test_an_unusable_spectrogram_is_named_by_its_event(model: Dec, psd: Array) -> None:
    psd[13] = 0
    named = replace(events_of(psd), event_id=tuple(f"SY.S01..HHZ.{i}" for i in range(20)))
    with pytest.raises(SpectrogramError, match=r"SY\.S01\.\.HHZ\.13;"):
        label_events(labelling(model), [named.take(slice(10)), named.take(slice(10, 20))], device="cpu")


def test_labels_do_not_depend_on_the_number_of_cores(model: Dec, psd: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [psd[i : i + 4] for i in range(0, 20, 4)]
    found = []
    for cores in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", cores)
        found.append(label_events(labelling(model), map(events_of, blocks), batch_size=3, device="cpu"))
        assert torch.get_num_threads() == int(cores)
    for name in ("cluster", "probability", "probabilities", "latent", "reconstruction_error"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))
    torch.set_num_threads(1)


def test_the_decoder_does_not_run_where_no_error_is_asked_for(model: Dec, psd: Array) -> None:
    found = label_events(labelling(model), [events_of(psd)], device="cpu", reconstruction=False)
    assert found.reconstruction_error is None
    np.testing.assert_array_equal(found.latent, label_events(labelling(model), [events_of(psd)], device="cpu").latent)


def test_spectrograms_are_normalised_as_the_models_were(model: Dec, psd: Array) -> None:
    decibel = NormalisationSettings(scale="decibel")
    found = label_events(DecModel(model, decibel, PAPER_INPUT), [events_of(psd)], device="cpu")
    np.testing.assert_allclose(found.latent, describe(model, normalise(psd, decibel))[1], rtol=1e-4, atol=1e-6)
    assert not np.allclose(found.latent, label_events(labelling(model), [events_of(psd)], device="cpu").latent)


def test_a_file_that_cannot_be_read_to_its_end_says_so(model: Dec, psd: Array) -> None:
    def damaged() -> Iterator[Events]:
        yield events_of(psd[:4])
        raise OSError("day.h5: damaged")

    with pytest.raises(OSError, match=r"day\.h5: damaged"):
        label_events(labelling(model), damaged(), device="cpu")
