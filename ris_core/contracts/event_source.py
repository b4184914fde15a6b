"""Events that representations are fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec


class EventSource(Protocol):
    """Events that are read in blocks."""

    @property
    def input(self) -> InputSpec:
        """What they are to a model."""

    @property
    def noise_quantile(self) -> float:
        """The quantile of the short-time spectra that `Events.noise_psd` is."""

    def __len__(self) -> int: ...

    def blocks(self, parts: Sequence[Part]) -> Iterator[Events]:
        """Iterate over all events in order, with these great arrays; raises `MissingPartError` if there is none."""
