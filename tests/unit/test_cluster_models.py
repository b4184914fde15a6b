"""Models that label, on disk: a DEC as ever, and a representation with a clusterer; nothing is pickled."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from representation_builders import noisy_events

from ris_core.clustering.cluster_model import ClusterModel, require_reconstruction
from ris_core.clustering.clustered import Clustered
from ris_core.clustering.clusterer import clusterer_class
from ris_core.clustering.dec_model import DecModel
from ris_core.clustering.open_models import NoClustersError, open_model
from ris_core.config import (
    CLUSTERERS,
    PAPER_INPUT,
    NormalisationSettings,
    SpectraSettings,
)
from ris_core.contracts.candidate_name import CandidateName
from ris_core.models.inference import describe
from ris_core.models.model_file import WEIGHTS_FILE, WeightsError
from ris_core.models.model_parts import save_parts
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import load_model, save_model, weights_digest
from ris_core.registry import UnknownKindError
from ris_core.representations.aec import AecRepresentation
from ris_core.representations.open_representations import open_representation
from ris_core.representations.representation import Representation
from ris_core.representations.spectra import Spectra
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.training.normalise import normalise

EVENTS = noisy_events(40)
BLOCK = EVENTS.events
CPU = torch.device("cpu")
LINEAR = NormalisationSettings()


def dec() -> Dec:
    return Dec.from_aec(Aec(1), torch.rand(3, 9, generator=torch.Generator().manual_seed(0)))


def clustered(kind: str, representation: Representation | None = None) -> Clustered:
    chosen = representation or Spectra.fit(EVENTS, SpectraSettings(dimensions=4))
    clusterer = clusterer_class(kind).fit(chosen.transform(BLOCK), 2, CLUSTERERS.settings_of(kind)(), 0)
    return Clustered(CandidateName(chosen.kind, kind), chosen, clusterer)


@pytest.mark.parametrize("kind", CLUSTERERS.kinds)
@pytest.mark.parametrize("of", ["spectra", "aec"])
def test_a_model_of_two_parts_answers_the_same_after_it_was_kept(tmp_path: Path, kind: str, of: str) -> None:
    representation = AecRepresentation(Aec(2), LINEAR, PAPER_INPUT) if of == "aec" else None
    model = clustered(kind, representation)
    model.save(tmp_path, {"k": 2})
    found, said = open_model(tmp_path)
    assert (found.name, found.n_clusters, found.dimensions, found.digest) == (
        model.name,
        2,
        model.dimensions,
        said.digest,
    )
    assert found.version == f"{of}-{kind}-k2-{said.digest}" and said.metadata == {"k": 2}
    assert (found.input, found.needs) == (EVENTS.input, model.representation.needs)
    mine, theirs = (m.describer(CPU, True)(BLOCK) for m in (model, found))
    np.testing.assert_array_equal(mine.memberships, theirs.memberships)
    np.testing.assert_array_equal(mine.features, theirs.features)
    np.testing.assert_array_equal(mine.reconstruction_error, theirs.reconstruction_error)
    assert found.describer(CPU, False)(BLOCK).reconstruction_error is None


def test_events_of_two_kinds_are_told_apart_by_their_spectra() -> None:
    labels = clustered("gmm").describer(CPU, False)(BLOCK).memberships.argmax(axis=1)
    assert len(set(labels[::2])) == len(set(labels[1::2])) == 1 and labels[0] != labels[1]


def test_a_dec_is_kept_as_ever_and_answers_as_its_network(tmp_path: Path) -> None:
    network = dec()
    model: ClusterModel = DecModel(network, LINEAR, PAPER_INPUT)
    model.save(tmp_path / "a", {"normalisation": LINEAR.model_dump(mode="json")})
    save_model(tmp_path / "b", network, {"normalisation": LINEAR.model_dump(mode="json")}, PAPER_INPUT)
    for name in ("model.json", WEIGHTS_FILE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    found, _ = open_model(tmp_path / "a")
    assert (str(found.name), found.version) == ("aec/dec", f"k3-{weights_digest(network)}")
    q, z, error = describe(network, normalise(BLOCK.spectrogram))
    said = found.describer(CPU, True)(BLOCK)
    np.testing.assert_allclose(said.memberships, q, atol=1e-6)
    np.testing.assert_allclose(said.features, z, atol=1e-6)
    np.testing.assert_allclose(said.reconstruction_error, error, rtol=1e-4)
    np.testing.assert_allclose(found.decode(z[:2]), network.aec.decode(torch.from_numpy(z[:2]))[:, 0].detach())


def test_an_autoencoder_cannot_label(tmp_path: Path) -> None:
    save_model(tmp_path, Aec(0), {}, PAPER_INPUT)
    with pytest.raises(NoClustersError, match="without clusters"):
        open_model(tmp_path)


def test_a_model_of_two_parts_is_no_network(tmp_path: Path) -> None:
    clustered("kmeans").save(tmp_path, {})
    with pytest.raises(WeightsError, match="holds no network but a model of the kind clusters"):
        load_model(tmp_path)


def test_a_changed_array_and_a_changed_specification_are_damage(tmp_path: Path) -> None:
    model = clustered("gmm")
    model.save(tmp_path, {})
    path = tmp_path / WEIGHTS_FILE
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError):
        open_model(tmp_path)
    model.save(tmp_path, {})
    record = read_json(tmp_path / "model.json")
    record["spec"]["representation"]["spec"]["floor"] = 3.0
    write_json(tmp_path / "model.json", record)
    with pytest.raises(DamagedFileError, match="do not belong together"):
        open_model(tmp_path)


@pytest.mark.parametrize("what", ["model", "representation"])
def test_no_flipped_bit_and_no_part_of_a_file_passes_as_another_value(tmp_path: Path, what: str) -> None:
    model = clustered("gmm")
    if what == "model":
        model.save(tmp_path, {"k": 2})
    else:
        chosen = model.representation
        save_parts(
            tmp_path,
            "representation",
            None,
            chosen.arrays(),
            {"kind": "spectra", "spec": chosen.spec()},
            {},
            chosen.input,
        )

    def answer() -> bytes:
        found = open_model(tmp_path)[0] if what == "model" else open_representation(tmp_path)[0]
        if isinstance(found, ClusterModel):
            return found.describer(CPU, False)(BLOCK).memberships.tobytes()
        return found.transform(BLOCK).tobytes()

    good, draw, named = answer(), np.random.default_rng(3), 0
    paths = (tmp_path / "model.json", tmp_path / WEIGHTS_FILE)
    for path in paths:
        data = path.read_bytes()
        changed = [bytearray(data) for _ in range(60)]
        for number, spoilt in enumerate(changed):
            near = int(draw.integers(min(len(data), 300)))
            spoilt[near if number % 2 else int(draw.integers(len(data)))] ^= 1 << int(draw.integers(8))
        for spoilt in (*changed, data[: len(data) // 2], b"", b"\xff\xfe" * 40, data + b"more"):
            path.write_bytes(spoilt)
            try:
                assert answer() == good, path
            except DamagedFileError:
                named += 1
        path.write_bytes(data)
    assert named > 0.8 * 64 * len(paths) and answer() == good


def test_a_kind_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = clustered("gmm")
    monkeypatch.setattr(Spectra, "kind", "elsewhere")
    model.save(tmp_path, {"plugins": ["bells of ris-bells 1.2"]})
    with pytest.raises(
        UnknownKindError,
        match=r"representation 'elsewhere' is not known.* plug-in bells of ris-bells 1\.2: install what is missing",
    ) as raised:
        open_model(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_arrays_of_another_version_of_a_plugin_name_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clustered("gmm").save(tmp_path, {"plugins": ["bells of ris-bells 1.2"]})

    def other(*_: object) -> None:
        raise KeyError("weights")

    monkeypatch.setattr(Spectra, "build", other)
    with pytest.raises(
        DamagedFileError, match=r"'weights'; it was made by the plug-in bells of ris-bells 1\.2, which is not installed"
    ):
        open_model(tmp_path)


def test_nothing_is_pickled_and_the_json_says_what_it_is(tmp_path: Path) -> None:
    clustered("gmm").save(tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", WEIGHTS_FILE]
    record = json.loads((tmp_path / "model.json").read_text())
    assert (record["network"], record["n_clusters"], record["spec"]["name"]) == ("clusters", 2, "spectra/gmm")
    assert record["spec"]["representation"]["kind"] == "spectra" and record["spec"]["clusterer"]["kind"] == "gmm"


def test_novelty_by_reconstruction_of_a_model_without_one_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    model = clustered("gmm")
    require_reconstruction(model, "reconstruction")
    monkeypatch.setattr(Spectra, "error_words", "")
    require_reconstruction(model, "distance")
    with pytest.raises(ValueError, match=r"novelty\.score: distance"):
        require_reconstruction(model, "reconstruction")
