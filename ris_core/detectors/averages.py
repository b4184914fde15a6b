"""Detectors that compare a short average with a long one, by pairs of such averages with their thresholds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import Field, model_validator

from ris_core.detectors.detector import Detector, Samples, Trigger, crossings
from ris_core.section import Seconds, Section


class AveragesSettings(Section):
    """One pair of averages with its thresholds."""

    sta: Seconds = Field(0.5, gt=0, description="Short-term average, s (J21: 0.5).")
    lta: Seconds = Field(30.0, gt=0, description="Long-term average, s (J21: 30).")
    threshold_on: float = Field(15.0, description="Trigger on at this value of the characteristic function (J21: 15).")
    threshold_off: float = Field(10.0, description="Trigger off below this value (J21: 10).")

    @model_validator(mode="after")
    def _consistent(self) -> AveragesSettings:
        if self.sta >= self.lta:
            raise ValueError(f"sta ({self.sta:g} s) must be shorter than lta ({self.lta:g} s)")
        if self.threshold_off > self.threshold_on:
            raise ValueError(
                f"threshold_off ({self.threshold_off:g}) must not exceed threshold_on ({self.threshold_on:g})"
            )
        return self


class AveragesDetector(AveragesSettings, Detector):
    """A detector with one pair of averages or several."""

    further_pairs: tuple[AveragesSettings, ...] = Field(
        (), max_length=8, description="Further pairs that are searched for; an event names its pair (ours)."
    )

    @abstractmethod
    def characteristic(self, samples: Samples, sta: int, lta: int, after_gap: bool) -> Samples:
        """Return the characteristic function, which is compared with the thresholds, shape (n,).

        Parameters
        ----------
        samples
            Conditioned trace, shape (n,), longer than both averages together.
        sta, lta
            Lengths of the averages in samples.
        after_gap
            As in `Detector.triggers`.
        """

    @property
    def pairs(self) -> tuple[AveragesSettings, ...]:
        """All pairs, the first one first."""
        first = AveragesSettings(**{name: getattr(self, name) for name in AveragesSettings.model_fields})
        return (first, *self.further_pairs)

    @property
    def warm_up(self) -> float:
        """The longest long average, s."""
        return max(pair.lta for pair in self.pairs)

    @property
    def lead(self) -> float:
        """The longest short average, s: an average rises up to its length after the cause."""
        return max(pair.sta for pair in self.pairs)

    def triggers(self, samples: Samples, rate: float, after_gap: bool) -> Iterator[Trigger]:
        """Yield the triggers of all pairs; a part of the trace may trigger once for each."""
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        for pair in self.pairs:
            short, long = round(pair.sta * rate), round(pair.lta * rate)
            if samples.size <= long + short + 1:
                continue
            values = self.characteristic(samples, short, long, after_gap)
            for on, off in crossings(values, pair.threshold_on, pair.threshold_off).tolist():
                yield Trigger(
                    on=on,
                    off=off,
                    value=float(values[on : off + 1].max()),
                    found_by=pair_name(self.method, pair),
                    signal=(on, max(off, on + short) + 1),
                    noise=(on - short - long, on - short),
                    average=short,
                )

    def check(self, rate: float) -> None:
        """Raise `ValueError` if a short average is shorter than one sample."""
        shortest = min(pair.sta for pair in self.pairs)
        if shortest * rate < 1:
            raise ValueError(f"detector.sta ({shortest:g} s) is shorter than one sample at {rate:g} Hz")

    def parameters(self, found_by: str) -> Mapping[str, float]:
        """Return averages (s) and thresholds of a pair: ``sta``, ``lta``, ``threshold_on``, ``threshold_off``."""
        for pair in self.pairs:
            if pair_name(self.method, pair) == found_by:
                return {name: float(value) for name, value in pair.model_dump().items()}
        return {}

    @model_validator(mode="after")
    def _each_pair_once(self) -> AveragesDetector:
        spans = [(pair.sta, pair.lta) for pair in self.pairs]
        twice = sorted({f"{sta:g}/{lta:g} s" for sta, lta in spans if spans.count((sta, lta)) > 1})
        if twice:
            raise ValueError(
                f"further_pairs: {', '.join(twice)} is given more than once; every pair may be given only once"
            )
        return self


def pair_name(method: str, pair: AveragesSettings) -> str:
    """Return the name of a detector's pair of averages, like ``recursive 0.5/30 s``."""
    return f"{method} {pair.sta:g}/{pair.lta:g} s"
