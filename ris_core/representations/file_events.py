"""The events of a spectrogram file as what representations are fitted to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec
from ris_core.storage import spectrogram_file
from ris_core.storage.opened_file import open_checked

_LOWER_QUARTILE = 0.25
_BLOCK = 1024


class FileEvents:
    """The events of a spectrogram file, all or some of them; an `EventSource`.

    Parameters
    ----------
    path
        The file.
    mask
        (N,) bool: which events; by default all.
    """

    def __init__(self, path: Path, mask: NDArray[np.bool_] | None = None) -> None:
        self._path, self._mask = path, mask

    @property
    def input(self) -> InputSpec:
        """What the events are to a model."""
        return spectrogram_file.input_spec_of(self._path)

    @property
    def noise_quantile(self) -> float:
        """The quantile of the noise spectra, by the settings in the file."""
        with open_checked(self._path) as file, file.reading():
            made_with = json.loads(file.attributes.get("settings_json", "{}"))
            return float(made_with.get("context", {}).get("noise_quantile", _LOWER_QUARTILE))

    def __len__(self) -> int:
        return spectrogram_file.read_info(self._path).events if self._mask is None else int(self._mask.sum())

    def blocks(self, parts: Sequence[Part]) -> Iterator[Events]:
        """Iterate over the events in order, with these arrays; raises `MissingPartError` naming the file."""
        start = 0
        for block in spectrogram_file.iterate_events(self._path, _BLOCK, parts):
            block.require(*parts, where=str(self._path))
            stop = start + len(block)
            yield block if self._mask is None else block.take(self._mask[start:stop])
            start = stop
