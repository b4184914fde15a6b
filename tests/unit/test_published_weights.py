from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ris_core.models.networks import Aec, Dec
from ris_core.models.published import import_published
from ris_core.models.weights import WeightsError

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
