"""The autoencoder as a representation: its latents of normalised spectrograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.config import NormalisationSettings
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.labelled import DEC_WORDS
from ris_core.models.decoding import FastDecoder
from ris_core.models.inference import as_input, decode
from ris_core.models.networks import LATENT_DIM, Aec
from ris_core.representations.representation import FloatArray, Representation
from ris_core.section import Section
from ris_core.storage.tensors import Arrays
from ris_core.training.normalise import normalise


class FittedElsewhereError(TypeError):
    """A representation has a training of its own and is not fitted like others."""


class AecRepresentation(Representation):
    """The nine latents of a trained autoencoder.

    Parameters
    ----------
    network
        The autoencoder; it is moved to another device by `place`.
    normalisation
        How spectrograms are normalised for it.
    takes
        What it takes in.
    """

    kind: ClassVar[str] = "aec"
    error_words: ClassVar[str] = DEC_WORDS["reconstruction_error"]

    def __init__(self, network: Aec, normalisation: NormalisationSettings, takes: InputSpec) -> None:
        self.network, self.normalisation, self.input = network, normalisation, takes
        self._decoder: FastDecoder | None = None

    @classmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Raise `FittedElsewhereError`: trials train autoencoders, and one of them is chosen."""
        raise FittedElsewhereError("autoencoders are trained by trials (section aec), one of which is chosen")

    @property
    def dimensions(self) -> int:
        """Number of latents."""
        return LATENT_DIM

    @torch.inference_mode()
    def transform(self, events: Events) -> FloatArray:
        """Return the latents (n, 9); raises `SpectrogramError` for a spectrogram that cannot be normalised."""
        found: FloatArray = self.network.encode(self._inputs(events)).cpu().numpy()
        return found

    def decode(self, z: NDArray[Any]) -> FloatArray:
        """Return the spectrograms (n, F, T) or (n, C, F, T) of latents (n, 9)."""
        return decode(self.network, z)

    @torch.inference_mode()
    def reconstruction_error(self, events: Events, z: FloatArray) -> FloatArray:
        """Return the mean squared error over the pixels (n,) of each normalised spectrogram."""
        if self._decoder is None:
            self._decoder = FastDecoder(self.network)
        x = self._inputs(events)
        found: FloatArray = (
            (x - self._decoder(torch.from_numpy(z).to(x.device))).square().mean(dim=(1, 2, 3)).cpu().numpy()
        )
        return found

    def place(self, device: torch.device) -> None:
        """Move the network to a device."""
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._decoder = FastDecoder(self.network)

    def _inputs(self, events: Events) -> torch.Tensor:
        x = as_input(normalise(events.spectrogram, self.normalisation, events.event_id))
        return x.to(next(self.network.parameters()).device)

    def spec(self) -> Mapping[str, Any]:
        """Return activation and gain of the network, and the normalisation."""
        return {
            "latent": self.network.latent,
            "gain": self.network.gain,
            "normalisation": self.normalisation.model_dump(mode="json"),
        }

    def arrays(self) -> Arrays:
        """Return the weights."""
        return {name: np.array(value.detach().cpu().contiguous()) for name, value in self.network.state_dict().items()}

    @classmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the representation of stored weights; raises `ValueError` if they are of another network."""
        network = Aec(latent=spec["latent"], gain=float(spec["gain"]), shape=takes.network_shape)
        try:
            network.load_state_dict({name: torch.from_numpy(values) for name, values in arrays.items()})
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        return cls(network, NormalisationSettings.model_validate(spec["normalisation"]), takes)
