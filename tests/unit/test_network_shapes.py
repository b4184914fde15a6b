"""Networks for events of any number of components, frequencies and times."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ris_core.config import PAPER_INPUT, SMALLEST_SIZE, AecSettings, NormalisationSettings
from ris_core.models.inference import as_input, decode, describe, reconstruct
from ris_core.models.networks import Aec, Dec, ShapeError, parameter_count
from ris_core.models.weights import load_model, save_model
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.aec import train_aec
from ris_core.training.normalise import SpectrogramError, normalise
from ris_core.training.samples import of_array
from ris_core.training.shift import shift_in_time

SIZES = st.integers(SMALLEST_SIZE, 200)


@settings(max_examples=40, deadline=None)
@given(components=st.integers(1, 3), frequencies=SIZES, times=SIZES)
def test_the_reconstruction_has_the_shape_of_the_event_and_every_layer_learns(
    components: int, frequencies: int, times: int
) -> None:
    shape = components, frequencies, times
    aec = Aec(1, latent="linear", shape=shape)
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    latent = aec.encode(x)
    reconstruction = aec.decode(latent)
    assert (latent.shape, reconstruction.shape) == ((2, 9), x.shape)
    (reconstruction - x).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in aec.parameters())


def test_the_papers_network_is_the_default_and_its_parameters_are_counted() -> None:
    assert parameter_count(Aec(shape=(1, 87, 100))) == parameter_count(Aec()) == 218_250
    assert parameter_count(Dec(8, shape=(1, 87, 100))) == 218_322
    # Two more maps in, two more maps and biases out.
    assert parameter_count(Aec(shape=(3, 87, 100))) == 218_250 + 2 * (8 * 9) + 2 * (8 * 9) + 2
    # One more pixel along each axis in the last maps: 4 x 4 instead of 3 x 3.
    assert parameter_count(Aec(shape=(1, 128, 150))) == 218_250 + 7 * 128 * (9 + 9 + 1)


@pytest.mark.parametrize("shape", [(1, 16, 100), (3, 87, 16), (1, 3, 3)])
def test_too_small_spectrograms_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match=f"{shape[1]} frequencies x {shape[2]} times are too small .* 17 x 17 or more"):
        Aec(shape=shape)


def test_events_of_another_shape_are_refused_even_if_the_maps_have_the_same_size() -> None:
    with pytest.raises(ShapeError, match=r"\(N, 1, 87, 100\), got \(2, 1, 88, 100\)"):
        Aec().encode(torch.zeros(2, 1, 88, 100))
    with pytest.raises(ShapeError, match=r"\(N, 3, 87, 100\), got \(2, 1, 87, 100\)"):
        reconstruct(Aec(shape=(3, 87, 100)), np.zeros((2, 87, 100), np.float32))


@pytest.mark.parametrize("shape", [(30, 40), (3, 30, 40), (9,)])
def test_events_become_the_networks_input(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random((5, *shape), dtype=np.float32)
    expected = {1: (5, 9), 2: (5, 1, 30, 40), 3: (5, 3, 30, 40)}[len(shape)]
    assert as_input(x).shape == expected
    samples = of_array(x)
    assert samples.shape == expected[1:]
    np.testing.assert_array_equal(samples.take(np.array([3, 1])), x[[3, 1]])
    np.testing.assert_array_equal(np.concatenate([block for _, block in samples.blocks(2)]), x)


@pytest.mark.parametrize("shape", [(30, 40), (3, 30, 40)])
def test_reconstructions_are_stored_as_events_are(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random((5, *shape), dtype=np.float32)
    dec = Dec(4, shape=as_input(x).shape[1:])  # type: ignore[arg-type]
    assert reconstruct(dec, x, 2).shape == x.shape
    assert decode(dec, np.ones((4, 9))).shape == (4, *shape)
    assert [len(found) for found in describe(dec, x)] == [5, 5, 5]


THREE = replace(PAPER_INPUT, components=("Z", "N", "E"), frequencies=30, times=40)


def test_weights_name_their_shape_and_come_back(tmp_path: Path) -> None:
    model = Dec(3, shape=THREE.network_shape)
    save_model(tmp_path, model, {}, THREE)
    found, description = load_model(tmp_path)
    assert description.input == THREE
    assert (found.aec.shape if isinstance(found, Dec) else None) == (3, 30, 40)
    with pytest.raises(ShapeError, match=r"\(3, 30, 40\), not \(1, 87, 100\)"):
        save_model(tmp_path, model, {}, PAPER_INPUT)


@pytest.mark.parametrize("change", [{"frequencies": 2**40}, {"times": 3}, {"components": ["Z"]}])
def test_weights_of_another_shape_are_refused_before_a_network_of_it_is_made(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    save_model(tmp_path, Aec(shape=THREE.network_shape), {}, THREE)
    said = read_json(tmp_path / "model.json")
    write_json(tmp_path / "model.json", said | {"input": said["input"] | change})
    with pytest.raises(DamagedFileError, match="not the weights of this aec"):
        load_model(tmp_path)


def test_components_keep_their_ratio_and_share_one_norm() -> None:
    x = np.random.default_rng(0).lognormal(size=(20, 3, 30, 40)).astype(np.float32)
    x[:, 1] *= 100
    found = normalise(x)
    np.testing.assert_allclose(np.square(found, dtype=np.float64).sum(axis=(1, 2, 3)), 1, rtol=1e-6)
    np.testing.assert_allclose(found / found[:, :1, :1, :1], x / x[:, :1, :1, :1], rtol=1e-5)


def test_in_decibels_each_component_has_its_own_floor() -> None:
    x = np.random.default_rng(0).lognormal(size=(20, 3, 30, 40)).astype(np.float32)
    louder = x.copy()
    louder[:, 1] *= 100
    decibel = NormalisationSettings(scale="decibel")
    np.testing.assert_allclose(normalise(louder, decibel), normalise(x, decibel), atol=1e-6)


@pytest.mark.parametrize("scale", ["linear", "decibel"])
def test_a_component_that_was_not_recorded_leaves_the_others_usable(scale: Any) -> None:
    x = np.random.default_rng(0).lognormal(size=(4, 3, 30, 40)).astype(np.float32)
    settings = NormalisationSettings(scale=scale)
    x[1, 2] = 0
    found = normalise(x, settings)
    assert not found[1, 2].any()
    np.testing.assert_allclose(found[1, :2], normalise(x[1:2, :2], settings)[0], rtol=1e-6)
    x[1] = 0
    with pytest.raises(SpectrogramError, match="1 of 4 spectrograms are zero everywhere"):
        normalise(x, settings)


def test_all_components_of_an_event_are_shifted_alike() -> None:
    x = torch.rand(30, 3, 20, 40, generator=torch.Generator().manual_seed(0)).repeat_interleave(1, dim=1)
    x[:, 1] = 2 * x[:, 0]
    moved = shift_in_time(x, 8, np.random.default_rng(0))
    torch.testing.assert_close(moved[:, 1], 2 * moved[:, 0])
    assert not torch.equal(moved, x)


@pytest.mark.parametrize("shape", [(25, 40), (3, 25, 40)])
def test_an_autoencoder_is_trained_for_the_shape_of_its_events(shape: tuple[int, ...]) -> None:
    x = normalise(np.random.default_rng(0).lognormal(size=(48, *shape)).astype(np.float32))
    options = AecSettings(max_epochs=2, latent="linear", input_scale="unit_rms", time_shift=3, device="cpu")
    found = train_aec(x[:32], x[32:], 16, 1e-3, options)
    assert isinstance(found.model, Aec)
    assert found.model.shape == as_input(x).shape[1:]
    assert found.model.gain == pytest.approx(np.prod(shape) ** 0.5)
    assert found.history[1]["train_mse"] < found.history[0]["train_mse"]
    with pytest.raises(ValueError, match=r"aec\.time_shift \(21\) is more than half of the 40 columns .* 20 or less"):
        train_aec(x[:32], x[32:], 16, 1e-3, options.model_copy(update={"time_shift": 21}))
