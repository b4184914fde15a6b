"""The decoder in a form for faster inference, with the same results except for rounding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ris_core.models.networks import Aec


class FastDecoder:
    """The decoder of an autoencoder, its transposed convolutions computed as convolutions.

    A transposed convolution of 3 × 3 and stride 2 has one set of weights for each of the four positions of an output
    pixel in a block of 2 × 2. As a convolution of 2 × 2 with four times the channels, which are then put in their
    positions (Shi et al. 2016, sub-pixel convolution), it takes a third to a half of the time on a CPU. The weights are
    those of the autoencoder when this object was made.

    Parameters
    ----------
    aec
        The autoencoder.
    """

    def __init__(self, aec: Aec) -> None:
        self._expand = aec.expand
        layers = [layer for layer in aec.decoder if isinstance(layer, nn.ConvTranspose2d)]
        self._channels = layers[0].in_channels
        self._layers = [_as_convolution(layer) for layer in layers]

    @torch.inference_mode()
    def __call__(self, z: Tensor) -> Tensor:
        """Return the reconstruction (B, 1, 87, 100) of latents (B, 9)."""
        maps: Tensor = self._expand(z).view(-1, self._channels, 3, 3).contiguous(memory_format=torch.channels_last)
        for number, (weight, bias, (rows, columns)) in enumerate(self._layers, start=1):
            height, width = (2 * size + 1 for size in maps.shape[-2:])
            maps = functional.conv2d(maps, weight, bias, padding=1)
            last = number == len(self._layers)
            # In the last layer four channels become one, which is faster channel by channel.
            maps = functional.pixel_shuffle(maps.contiguous() if last else maps, 2)
            maps = maps[:, :, rows : height - rows, columns : width - columns]
            maps = maps if last else maps.relu()
        return maps[:, :, 4:-4, 1:]  # as in `Aec.decode`


def _as_convolution(layer: nn.ConvTranspose2d) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """Return weight (4 · out, in, 2, 2), bias (4 · out) and the padding to remove."""
    if (layer.kernel_size, layer.stride, layer.output_padding) != ((3, 3), (2, 2), (0, 0)) or layer.bias is None:
        raise ValueError(f"{layer}: 3 x 3, stride 2 and a bias are expected")
    weight = layer.weight.detach()
    inputs, outputs = weight.shape[:2]
    # Padded to 4 x 4, index 2d + a along each axis: the share of the input pixel d earlier in the output pixel at a.
    blocks = functional.pad(weight, (0, 1, 0, 1)).reshape(inputs, outputs, 2, 2, 2, 2)
    kernel = blocks.permute(1, 3, 5, 0, 2, 4).flip(-1, -2).reshape(4 * outputs, inputs, 2, 2)
    rows, columns = (int(size) for size in layer.padding)
    return (
        kernel.contiguous(memory_format=torch.channels_last),
        layer.bias.detach().repeat_interleave(4),
        (rows, columns),
    )
