"""Spectrograms shifted in time at random, for training a denoising autoencoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def shift_in_time(x: Tensor, columns: int, generator: np.random.Generator) -> Tensor:
    """Shift every spectrogram by a whole number of columns of its own, drawn uniformly from -columns to columns.

    The column at an edge is repeated where the spectrogram has moved away from it. The L2 norm does not change. The
    centre of an event is its greatest power near the peak, and noise moves it by some columns. Latents should not
    depend on this shift (after the denoising autoencoder of Vincent et al. 2008, doi 10.1145/1390156.1390294).

    Parameters
    ----------
    x
        Spectrograms (B, C, F, T); all components of one are shifted alike.
    columns
        Greatest shift; 0 gives `x` itself.
    generator
        Draws the shifts.
    """
    if columns == 0:
        return x
    shifts = torch.from_numpy(generator.integers(-columns, columns, len(x), endpoint=True)).to(x.device)
    last = x.shape[3] - 1
    places = (torch.arange(last + 1, device=x.device) + shifts.unsqueeze(1)).clamp(0, last)
    shifted = x.gather(3, places[:, None, None, :].expand_as(x))
    before, after = (torch.linalg.vector_norm(v, dim=(1, 2, 3), keepdim=True) for v in (x, shifted))
    scaled: Tensor = shifted * (before / after.clamp(min=torch.finfo(x.dtype).tiny))
    return scaled
