"""The decoder that labels is the decoder that was trained, only faster."""

import pytest
import torch
from torch import nn

from ris_core.models.decoding import FastDecoder
from ris_core.models.networks import Aec

SHAPES = [(1, 87, 100), (3, 87, 100), (1, 17, 17), (2, 31, 66), (3, 50, 33), (1, 96, 64), (1, 20, 130)]


@pytest.mark.parametrize("gain", [1.0, 93.3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_it_gives_what_the_networks_own_decoder_gives(
    memory_format: torch.memory_format, shape: tuple[int, int, int], gain: float
) -> None:
    aec = Aec(3, gain=gain, shape=shape)
    random = torch.Generator().manual_seed(0)
    for parameter in aec.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=random)
    aec = aec.to(memory_format=memory_format)
    z = torch.rand(5, 9, generator=random) * 3
    with torch.inference_mode():
        wanted = aec.decode(z)
    found = FastDecoder(aec)(z)
    assert found.shape == wanted.shape == (5, *shape)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


def test_of_no_events_there_are_no_reconstructions() -> None:
    assert FastDecoder(Aec(0))(torch.empty(0, 9)).shape == (0, 1, 87, 100)


def test_a_network_of_other_layers_is_refused() -> None:
    aec = Aec(0)
    aec.decoder[0] = nn.ConvTranspose2d(128, 64, 4, stride=2)
    with pytest.raises(ValueError, match="3 x 3, stride 2 and a bias are expected"):
        FastDecoder(aec)
