import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ris_core.models.model_file import WeightsError
from ris_core.models.networks import Aec, Dec
from ris_core.models.published_weights import import_published

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "published"
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"published weights are absent: {PUBLISHED}")


class PublishedForm(nn.Module):
    """The published module tree, written down here apart from ours."""

    def __init__(self, n_clusters: int | None) -> None:
        super().__init__()
        c, t, r = nn.Conv2d, nn.ConvTranspose2d, nn.ReLU
        self.encoder = nn.Module()
        self.encoder.encoder = nn.Sequential(
            *(c(1, 8, 3, 2, (1, 1)), r(), c(8, 16, 3, 2, (1, 1)), r(), c(16, 32, 3, 2, (1, 1)), r()),
            *(c(32, 64, 3, 2, (1, 1)), r(), c(64, 128, 3, 2, (1, 0)), r(), nn.Flatten(), nn.Linear(1152, 9), r()),
        )
        self.decoder = nn.Module()
        self.decoder.latent2dec = nn.Sequential(nn.Linear(9, 1152), r())
        self.decoder.decoder = nn.Sequential(
            *(t(128, 64, 3, 2, (1, 0)), r(), t(64, 32, 3, 2, (0, 1)), r(), t(32, 16, 3, 2, (0, 1)), r()),
            *(t(16, 8, 3, 2, (0, 0)), r(), t(8, 1, 3, 2, (0, 1))),
        )
        if n_clusters is not None:
            self.clustering = nn.Module()
            self.clustering.weights = nn.Parameter(torch.rand(n_clusters, 9))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = self.encoder.encoder(x)
        return self.decoder.decoder(self.decoder.latent2dec(z).view(-1, 128, 3, 3))[:, :, 4:-4, 1:], z


Writer = Callable[[int | None], tuple[Path, PublishedForm]]


@pytest.fixture
def written(tmp_path: Path) -> Writer:
    def write(n_clusters: int | None) -> tuple[Path, PublishedForm]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            form = PublishedForm(n_clusters)
        torch.save(form.state_dict(), tmp_path / "weights.pt")
        return tmp_path / "weights.pt", form

    return write


def test_an_autoencoder_of_the_published_form_gives_the_same_outputs(written: Writer) -> None:
    path, form = written(None)
    model = import_published(path)
    assert isinstance(model, Aec)
    x = torch.rand(4, 1, 87, 100, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for got, wanted in zip(model(x), form(x), strict=True):
            torch.testing.assert_close(got, wanted)


def test_a_dec_of_the_published_form_brings_its_centroids_and_its_k(written: Writer) -> None:
    path, form = written(5)
    model = import_published(path)
    assert isinstance(model, Dec)
    assert model.n_clusters == 5
    torch.testing.assert_close(model.clustering.centroids, form.clustering.weights)
    x = torch.rand(2, 1, 87, 100, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1], form(x)[0])


def test_wrong_files_are_refused_naming_the_file_and_what_is_wrong(written: Writer, tmp_path: Path) -> None:
    path, form = written(8)
    good = form.state_dict()

    def refused(content: object, message: str) -> None:
        torch.save(content, path)
        with pytest.raises(WeightsError, match=message) as caught:
            import_published(path)
        assert str(path) in str(caught.value)

    lacking = {name: value for name, value in good.items() if name != "encoder.encoder.11.bias"}
    refused(lacking, r"missing encoder\.encoder\.11\.bias$")
    refused(good | {"head.weight": torch.ones(1)}, r"unexpected head\.weight$")
    refused(nn.Linear(2, 2).state_dict(), r"missing .* and 18 more; unexpected weight, bias$")
    refused(good | {"encoder.encoder.0.bias": torch.ones(4)}, r"encoder\.encoder\.0\.bias \(4,\) instead of \(8,\)")
    refused(good | {"clustering.weights": torch.ones(8, 10)}, r"clustering\.weights \(8, 10\) instead of \(K, 9\)")
    refused(good | {"clustering.weights": torch.full((8, 9), torch.nan)}, r"not finite: clustering\.weights")
    refused({"epoch": 3}, "expected a state dict of tensors")
    refused(form, "not a PyTorch file of plain weights")
    path.write_bytes(b"not a weight file")
    with pytest.raises(WeightsError, match="not a PyTorch file of plain weights"):
        import_published(path)
    with pytest.raises(WeightsError, match="there is no such file"):
        import_published(tmp_path / "absent.pt")


@needs_published
def test_the_published_weights_reproduce_the_published_outputs() -> None:
    wanted = np.load(PUBLISHED / "outputs.npz")
    aec, dec = (import_published(PUBLISHED / f"{name}_Params_Final.pt") for name in ("AEC", "DEC"))
    x = torch.from_numpy(wanted["x"])
    with torch.inference_mode():
        found = dict(zip(("aec_reconstruction", "aec_latent"), aec(x), strict=True))
        found |= dict(zip(("dec_q", "dec_reconstruction", "dec_latent"), dec(x), strict=True))
    for name, value in found.items():
        np.testing.assert_allclose(value.numpy(), wanted[name], rtol=1e-4, atol=1e-6, err_msg=name)


def repacked(path: Path, change: Callable[[str, bytes], bytes], **options: int) -> None:
    """Write the archive again with changed members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def refused(path: Path, said: str) -> None:
    with pytest.raises(WeightsError, match=said) as caught:
        import_published(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_tensors_of_other_kinds_are_refused_by_name(written: Writer) -> None:
    path, form = written(4)
    good = form.state_dict()
    bias = "encoder.encoder.0.bias"
    sparse, meta = torch.ones(8).to_sparse(), torch.ones(8, device="meta")
    for value, said in (
        (torch.full((8,), 1e300, dtype=torch.float64), rf"not finite as float32: {bias}"),
        (torch.ones(8, dtype=torch.int64), rf"floating-point numbers are needed; there is {bias} of LongStorage"),
        (torch.ones(8, dtype=torch.complex64), rf"there is {bias} of ComplexFloatStorage"),
        (torch.ones(8, dtype=torch.bool), rf"there is {bias} of BoolStorage"),
        (torch.ones(1).expand(8), rf"more values than are stored: {bias}"),
        (sparse, "it holds a sparse tensor"),
        (meta, "it holds a tensor without values"),
        (torch.quantize_per_tensor(torch.ones(8), 0.1, 0, torch.qint8), "it holds a quantised tensor"),
        (_Spy(), r"it uses __builtin__\.print"),
        (torch.device("cpu"), r"it uses torch\.device"),
        (4, "expected a state dict of tensors by name"),
    ):
        torch.save(good | {bias: value}, path)
        refused(path, said)
    torch.save(good | {"clustering.weights": torch.ones(1, 9).expand(2**40, 9)}, path)
    refused(path, r"more values than are stored: clustering\.weights")


class _Spy:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it was run",)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_other_widths_become_float32(dtype: torch.dtype, written: Writer) -> None:
    path, form = written(None)
    torch.save({name: value.to(dtype) for name, value in form.state_dict().items()}, path)
    weight = import_published(path).state_dict()["encoder.0.weight"]
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, form.encoder.encoder[0].weight.to(dtype).float())


def test_parameters_as_they_are_and_shared_storages_are_read(written: Writer) -> None:
    path, form = written(None)
    torch.save(dict(form.named_parameters()), path)
    assert isinstance(import_published(path), Aec)


def test_archives_that_torch_does_not_write_are_refused_before_it_sees_them(
    written: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, form = written(None)
    whole = path.read_bytes()
    monkeypatch.setattr(torch, "load", None)

    repacked(path, lambda name, content: content, compression=zipfile.ZIP_DEFLATED)
    refused(path, "is packed; PyTorch stores weights as they are")
    path.write_bytes(whole)
    repacked(path, lambda name, content: b"x" * 2**20 + b"x" if name.endswith("data.pkl") else content)
    refused(path, "its data.pkl has 1048577 bytes; at most 1048576 are read")
    torch.save(form.state_dict(), path, _use_new_zipfile_serialization=False)
    refused(path, "since version 1.6; load it there and save it again")
    # The directory says that a member is greater than the file.
    path.write_bytes(whole)
    content = bytearray(whole)
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<II", content, at + 20, 2**31, 2**31)
    path.write_bytes(content)
    refused(path, "declares more than it holds")
    with path.open("wb") as file:
        file.truncate(2**28 + 1)
    refused(path, "it has 268435457 bytes; at most 268435456 are read")


@pytest.mark.parametrize(
    ("pickle", "said"),
    [
        (b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.", r"it uses os\.system"),
        (
            b"\x80\x02c__builtin__\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
            r"it uses __builtin__\.bytearray",
        ),
        # Tuples of tuples of tuples as a key: hashing it takes 2^60 steps.
        (b"\x80\x02}K\x01" + b"q\x01h\x01\x86" * 60 + b"K\x01s.", "names something otherwise than by a text"),
        (b"\x80\x02}(K\x01K\x02u.", "names something otherwise than by a text"),
        (b"\x80\x02" + b"(" * 500_000 + b"t" * 499_998 + b".", "expected a state dict|damaged"),
        (b"\x80\x02", "damaged"),
        (b"", "damaged"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "missing"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "does something .* that state dicts do not"),
        (b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.", "sets attributes"),
    ],
)
def test_pickles_that_are_no_state_dict_are_refused(pickle: bytes, said: str, written: Writer) -> None:
    path, _ = written(None)
    repacked(path, lambda name, content: pickle if name.endswith("data.pkl") else content)
    refused(path, said)


def test_names_that_lead_elsewhere_are_harmless(written: Writer, tmp_path: Path) -> None:
    path, _ = written(None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("weights/../../../outside", b"x")
        archive.writestr("/outside", b"x")
    import_published(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["weights.pt"]
