"""Deep embedded clustering as a model that labels: one network for latents, memberships and reconstruction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ris_core.clustering.cluster_model import ClusterModel, Describe, Described, FloatArray
from ris_core.config import NormalisationSettings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.labelled import DEC_WORDS
from ris_core.models.decoding import FastDecoder
from ris_core.models.inference import as_input, decode
from ris_core.models.model_file import ModelDescription
from ris_core.models.networks import Dec
from ris_core.models.weights import new_network, save_model, weights_digest
from ris_core.storage.tensors import Arrays
from ris_core.training.normalise import normalise


class DecModel(ClusterModel):
    """A trained DEC.

    Parameters
    ----------
    network
        The network; a describer moves it to its device.
    normalisation
        How spectrograms are normalised for it.
    takes
        What it takes in.
    """

    name = AEC_DEC
    needs: tuple[Part, ...] = ("spectrogram",)
    membership_words = DEC_WORDS["probability"]
    error_words = DEC_WORDS["reconstruction_error"]

    def __init__(self, network: Dec, normalisation: NormalisationSettings, takes: InputSpec) -> None:
        self.network, self.normalisation, self.input = network, normalisation, takes

    @classmethod
    def build(cls, description: ModelDescription, arrays: Arrays) -> DecModel:
        """Return the model of stored weights; raises `ValueError` or `KeyError` if they are of another network."""
        network = new_network(description)
        if not isinstance(network, Dec) or len(arrays["clustering.centroids"]) != network.n_clusters:
            raise ValueError(f"it has not {description.n_clusters} centroids")
        try:
            network.load_state_dict({name: torch.from_numpy(values) for name, values in arrays.items()})
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        normalisation = NormalisationSettings.model_validate(description.metadata.get("normalisation", {}))
        return cls(network, normalisation, description.input)

    @property
    def n_clusters(self) -> int:
        """K, the number of clusters."""
        return self.network.n_clusters

    @property
    def dimensions(self) -> int:
        """Number of latents."""
        return int(self.network.clustering.centroids.shape[1])

    @property
    def digest(self) -> str:
        """Digest of the weights."""
        return weights_digest(self.network)

    @property
    def version(self) -> str:
        """K and the digest of the weights."""
        return f"k{self.n_clusters}-{self.digest}"

    @property
    def centroids(self) -> NDArray[np.float32]:
        """The centroids (K, 9)."""
        found: NDArray[np.float32] = self.network.clustering.centroids.detach().cpu().numpy()
        return found

    def describer(self, device: torch.device, reconstruction: bool) -> Describe:
        """Return a function that describes blocks of events; see `ClusterModel`.

        It raises `SpectrogramError` for a spectrogram that cannot be normalised.
        """
        network = self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        decoder = FastDecoder(network.aec) if reconstruction else None

        @torch.inference_mode()
        def describe(events: Events) -> Described:
            x = as_input(normalise(events.spectrogram, self.normalisation, events.event_id)).to(device)
            z = network.encode(x)
            error = None if decoder is None else (x - decoder(z)).square().mean(dim=(1, 2, 3)).cpu().numpy()
            return Described(network.assign(z).cpu().numpy(), z.cpu().numpy(), error)

        return describe

    def decode(self, z: NDArray[Any]) -> FloatArray:
        """Return the spectrograms (n, F, T) or (n, C, F, T) of latents (n, 9)."""
        return decode(self.network, z)

    def save(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        """Write weights and description to a folder."""
        save_model(folder, self.network, metadata, self.input)
