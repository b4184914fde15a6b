import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ris_core import config
from ris_core.config import PAPER_INPUT
from ris_core.models.device import resolve_device
from ris_core.models.inference import describe, encode, reconstruct, reconstruction_error, soft_assignments
from ris_core.models.model_file import WeightsError, read_description, require_sound
from ris_core.models.networks import Aec, ClusteringLayer, Dec, parameter_count
from ris_core.models.weights import load_model, save_model, weights_digest
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json

Array = NDArray[Any]


@pytest.fixture
def x() -> Array:
    values = np.random.default_rng(1).exponential(size=(7, 87, 100)).astype(np.float32)
    return values / np.linalg.norm(values, axis=(1, 2), keepdims=True)


@pytest.fixture
def dec() -> Dec:
    return Dec.from_aec(Aec(3), torch.rand(8, 9, generator=torch.Generator().manual_seed(0)))


def test_networks_have_the_published_size_and_shapes(x: Array, dec: Dec) -> None:
    batch = torch.from_numpy(x[:, None])
    reconstruction, latent = Aec()(batch)
    assert parameter_count(Aec()) == 218_250
    assert parameter_count(dec) == 218_322
    assert reconstruction.shape == (7, 1, 87, 100)
    assert latent.shape == (7, 9)
    assert float(latent.detach().min()) >= 0
    q, reconstruction, latent = dec(batch)
    assert (q.shape, reconstruction.shape, latent.shape) == ((7, 8), (7, 1, 87, 100), (7, 9))


UNIT_RMS = config.AecSettings(input_scale="unit_rms").gain_for((1, 87, 100))


def test_a_gain_is_that_of_input_and_output_and_is_kept_with_the_weights(x: Array, tmp_path: Path) -> None:
    batch = torch.from_numpy(x[:, None])
    plain, scaled = Aec(5), Aec(5, gain=UNIT_RMS)
    assert float((batch * UNIT_RMS).square().mean()) == pytest.approx(1)
    reconstruction, latent = plain(batch * UNIT_RMS)
    torch.testing.assert_close(scaled.encode(batch), latent)
    torch.testing.assert_close(scaled(batch)[0], reconstruction / UNIT_RMS)
    for model in (scaled, Dec.from_aec(scaled, torch.ones(2, 9))):
        save_model(tmp_path, model, {}, PAPER_INPUT)
        found, _ = load_model(tmp_path)
        torch.testing.assert_close(found.encode(batch), latent, rtol=0, atol=0)
    write_json(tmp_path / "model.json", read_json(tmp_path / "model.json") | {"gain": 0})
    with pytest.raises(DamagedFileError, match="gain is 0; expected a number greater than 0"):
        load_model(tmp_path)


def test_weights_are_glorot_uniform_by_seed_with_bias_and_leave_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    one, same, other = Aec(5), Aec(5), Aec(6)
    assert torch.equal(torch.get_rng_state(), state)
    assert weights_digest(one) == weights_digest(same) != weights_digest(other)
    weight = one.encoder[11].weight.detach()
    bound = np.sqrt(6 / (1152 + 9))
    assert float(weight.abs().max()) <= bound
    assert float(weight.abs().max()) > 0.99 * bound
    assert all(torch.all(value == 0.01) for name, value in one.named_parameters() if name.endswith("bias"))


def test_soft_assignment_is_students_t_by_hand() -> None:
    layer = ClusteringLayer(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    q = layer(torch.tensor([[0.0, 0.0], [3.0, 0.0]])).detach().numpy()
    near, far = 1 / (1 + 0), 1 / (1 + 25)
    np.testing.assert_allclose(q[0], np.array([near, far]) / (near + far), rtol=1e-6)
    near, far = 1 / (1 + 9), 1 / (1 + 16)
    np.testing.assert_allclose(q[1], np.array([near, far]) / (near + far), rtol=1e-6)


def test_a_dec_is_made_on_a_copy_of_the_autoencoder() -> None:
    aec = Aec(1)
    before = weights_digest(aec)
    dec = Dec.from_aec(aec, torch.ones(4, 9))
    with torch.no_grad():
        dec.aec.encoder[0].weight.zero_()
    assert weights_digest(aec) == before
    with pytest.raises(ValueError, match=r"\(K, 9\), got \(4, 8\)"):
        Dec.from_aec(aec, torch.ones(4, 8))


def test_inference_in_blocks_agrees_with_one_forward_pass(x: Array, dec: Dec) -> None:
    with torch.inference_mode():
        q, reconstruction, latent = (value.numpy() for value in dec(torch.from_numpy(x[:, None])))
    error = np.square(x - reconstruction[:, 0]).mean(axis=(1, 2))
    got_q, got_latent, got_error = describe(dec, x, batch_size=3)
    for got, wanted in (
        (got_q, q),
        (got_latent, latent),
        (got_error, error),
        (encode(dec, x, 2), latent),
        (reconstruct(dec, x, 4), reconstruction[:, 0]),
        (reconstruction_error(dec.aec, x, 4), error),
        (soft_assignments(dec, x, 5)[0], q),
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


def test_inference_accepts_no_events_and_read_only_arrays(x: Array, dec: Dec) -> None:
    assert encode(dec, x[:0]).shape == (0, 9)
    x.flags.writeable = False
    assert encode(dec, x).shape == (7, 9)
    with pytest.raises(ValueError, match=r"\(N, 1, 87, 100\), got \(7, 1, 87, 99\)"):
        encode(dec, x[:, :, 1:])


@pytest.mark.parametrize("kind", ["aec", "dec"])
def test_a_saved_model_comes_back_the_same(tmp_path: Path, dec: Dec, kind: str) -> None:
    model = dec if kind == "dec" else dec.aec
    takes = replace(PAPER_INPUT, components=("N",), window=2.0)
    metadata = {"mse": np.float32(0.5), "nan": float("nan"), "sizes": (1, 2)}
    digest = save_model(tmp_path / "k=8", model, metadata, takes)
    loaded, description = load_model(tmp_path / "k=8")
    assert type(loaded) is type(model)
    assert weights_digest(loaded) == digest == weights_digest(model)
    assert description.metadata == {"mse": 0.5, "nan": None, "sizes": [1, 2]}
    assert description == read_description(tmp_path / "k=8")
    assert (description.digest, description.input) == (digest, takes)
    assert sorted(path.name for path in (tmp_path / "k=8").iterdir()) == ["model.json", "model.safetensors"]


def test_saving_twice_gives_the_same_bytes_whatever_the_memory_order(tmp_path: Path, dec: Dec) -> None:
    save_model(tmp_path / "a", dec, {"x": 1}, PAPER_INPUT)
    for parameter in dec.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    save_model(tmp_path / "b", dec, {"x": 1}, PAPER_INPUT)
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_model_of_an_earlier_version_takes_the_papers_input(tmp_path: Path, dec: Dec) -> None:
    save_model(tmp_path, dec, {}, replace(PAPER_INPUT, window=2.0))
    said = read_json(tmp_path / "model.json")
    write_json(tmp_path / "model.json", {name: value for name, value in said.items() if name != "input"})
    assert load_model(tmp_path)[1].input == PAPER_INPUT
    write_json(tmp_path / "model.json", said | {"input": {"components": ["Z"]}})
    with pytest.raises(DamagedFileError, match=r"model\.json"):
        load_model(tmp_path)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, dec: Dec) -> None:
    save_model(tmp_path / "a", dec, {}, PAPER_INPUT)
    save_model(tmp_path / "b", Dec(8), {}, PAPER_INPUT)
    (tmp_path / "b" / "model.safetensors").replace(tmp_path / "a" / "model.safetensors")
    with pytest.raises(DamagedFileError, match="do not belong together"):
        load_model(tmp_path / "a")
    with pytest.raises(DamagedFileError, match=r"b/model\.safetensors: damaged \(there is no such file"):
        load_model(tmp_path / "b")


def test_damaged_or_absent_model_files_are_refused_by_name(tmp_path: Path, dec: Dec) -> None:
    with pytest.raises(WeightsError, match=r"model\.json: there is no such file"):
        load_model(tmp_path)
    save_model(tmp_path, dec, {}, PAPER_INPUT)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DamagedFileError, match=r"model\.safetensors: damaged .*; do this") as caught:
        load_model(tmp_path, remedy="do this")
    assert caught.value.path == weights
    with pytest.raises(DamagedFileError, match=r"model\.safetensors"):
        require_sound(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"network": "aec"}))
    with pytest.raises(DamagedFileError, match=r"model\.json: damaged \('n_clusters' is missing"):
        load_model(tmp_path)


@pytest.mark.parametrize("clusters", [7, 2**40])
def test_weights_of_another_number_of_clusters_are_refused_before_a_network_of_it_is_made(
    tmp_path: Path, dec: Dec, clusters: int
) -> None:
    save_model(tmp_path, dec, {}, PAPER_INPUT)
    write_json(tmp_path / "model.json", read_json(tmp_path / "model.json") | {"n_clusters": clusters})
    with pytest.raises(DamagedFileError, match=f"not the weights of this dec: it has not {clusters} centroids"):
        load_model(tmp_path)


def test_a_failed_save_leaves_the_older_model(tmp_path: Path, dec: Dec, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = save_model(tmp_path, dec, {}, PAPER_INPUT)

    def full(_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save", full)
    with pytest.raises(OSError, match="the disk is full"):
        save_model(tmp_path, Dec(8), {}, PAPER_INPUT)
    assert weights_digest(load_model(tmp_path)[0]) == digest
    assert len(list(tmp_path.iterdir())) == 2


def test_devices_are_resolved_or_refused() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="'gpu' is not known"):
        resolve_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="'cuda' is not available on this machine"):
            resolve_device("cuda")
