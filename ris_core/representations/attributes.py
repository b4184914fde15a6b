"""Standardised attributes of events: what each looks like above its noise, in numbers with a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.attributes.columns import attribute_columns
from ris_core.attributes.short_time import ContextTooShortError, spectrum_width
from ris_core.attributes.table import attribute_values
from ris_core.config import AttributesSettings
from ris_core.contracts.attribute import Attribute
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputMismatchError, InputSpec
from ris_core.representations.representation import FloatArray, Representation
from ris_core.section import Section
from ris_core.storage.tensors import Arrays

# Divides what is the same in all events, and so tells nothing, to 0.
_NEVER = 1e30


class AttributesRepresentation(Representation):
    """Attributes (`ris_core.attributes`), less their mean and divided by their deviation in the training set.

    Parameters
    ----------
    takes
        What it takes in.
    settings
        Windows, and what counts as above the noise.
    noise_quantile
        The quantile that the noise spectra are.
    width
        Samples of a short-time spectrum.
    mean, deviation
        (D,) of the attributes, in the order of `columns`. One that is the same in all events is 0 everywhere.
    """

    kind: ClassVar[str] = "attributes"
    needs: ClassVar[tuple[Part, ...]] = ("context", "noise_psd")

    def __init__(
        self,
        takes: InputSpec,
        settings: AttributesSettings,
        noise_quantile: float,
        width: int,
        mean: NDArray[np.float64],
        deviation: NDArray[np.float64],
    ) -> None:
        self.columns: tuple[Attribute, ...] = attribute_columns(settings, takes.components)
        if mean.shape != (len(self.columns),) or mean.shape != deviation.shape or not (deviation > 0).all():
            raise ValueError(
                f"{len(self.columns)} means and deviations above 0 are needed, got {mean.shape} and {deviation.shape}"
            )
        if not 0 < noise_quantile < 1:
            raise ValueError(f"noise_quantile is {noise_quantile}; it must lie between 0 and 1")
        self.input, self._settings, self._noise_quantile, self._width = takes, settings, noise_quantile, width
        self._mean, self._deviation = mean, deviation

    @classmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Fit mean and deviation of the attributes; see `Representation`.

        Raises
        ------
        MissingPartError
            The events have no context and noise spectra.
        ValueError
            There are fewer than two events, or their context does not hold a window.
        """
        if not isinstance(settings, AttributesSettings):
            raise TypeError(f"settings of the kind attributes are needed, got {type(settings).__name__}")
        if len(events) < 2:
            raise ValueError(
                f"{len(events)} event(s) are too few to standardise attributes; draw a larger training set"
            )
        widths, found = set(), []
        for block in events.blocks(cls.needs):
            widths.add(spectrum_width(block))
            found.append(attribute_values(block, settings, events.noise_quantile))
        values = np.concatenate(found).astype(np.float64)
        deviation = values.std(axis=0)
        deviation = np.where(deviation > 1e-6, deviation, _NEVER)
        return cls(events.input, settings, events.noise_quantile, widths.pop(), values.mean(axis=0), deviation)

    @property
    def dimensions(self) -> int:
        """Number of attributes."""
        return self._mean.size

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events and the quantile of their noise spectra are those of the fit."""
        super().require(events)
        if events.noise_quantile != self._noise_quantile:
            raise InputMismatchError(
                self.input,
                events.input,
                f"context.noise_quantile: the model takes {self._noise_quantile:g}, the data have "
                f"{events.noise_quantile:g}",
            )

    def transform(self, events: Events) -> FloatArray:
        """Return the standardised attributes (n, D) of n events, limited to `clip` deviations.

        Raises
        ------
        InputMismatchError
            The short-time spectra of the events have another length, or their context does not hold a window.
        MissingPartError
            The events have no context and noise spectra, or these were not read.
        """
        events.require(*self.needs)
        width = spectrum_width(events)
        if width != self._width:
            raise InputMismatchError(
                self.input,
                self.input,
                f"spectrogram.window: the model takes {self._width} samples, the data have {width}",
            )
        try:
            values = attribute_values(events, self._settings, self._noise_quantile)
        except ContextTooShortError as error:
            raise InputMismatchError(self.input, self.input, f"the context: {error}") from error
        limit = self._settings.clip
        return np.asarray(np.clip((values - self._mean) / self._deviation, -limit, limit), dtype=np.float32)

    def spec(self) -> Mapping[str, Any]:
        """Return settings, quantile and length of the short-time spectra."""
        return {
            "settings": self._settings.model_dump(mode="json"),
            "noise_quantile": self._noise_quantile,
            "width": self._width,
        }

    def arrays(self) -> Arrays:
        """Return mean and deviation."""
        return {"mean": self._mean, "deviation": self._deviation}

    @classmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored representation."""
        settings = AttributesSettings.model_validate(spec["settings"])
        quantile, width = float(spec["noise_quantile"]), int(spec["width"])
        return cls(takes, settings, quantile, width, arrays["mean"], arrays["deviation"])
