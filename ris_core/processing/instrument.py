"""The instrument's response as a gain: from counts to ground motion, for each epoch of a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from ris_core.config import ResponseSettings, TraceKind
from ris_core.processing.filters import Gain, Samples
from ris_core.processing.usable_response import UnusableResponseError, UsableResponse, usable

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory.response import Response as ChannelResponse

Kind = TraceKind | Literal["peak_acceleration"]
"""The kind of a trace: one of the settings, or ground acceleration with only the deconvolution's band as filter."""

UNITS: dict[str, str] = {
    "counts": "counts",
    "velocity": "m/s",
    "acceleration": "m/s^2",
    "acceleration_water_level": "m/s^2",
    "peak_acceleration": "m/s^2",
}

_KNOTS = 2000
# Counts per m/s or m/s²; single precision holds the inverse.
_LEAST = 1e-12
# Responses that agree to this relative difference count as the same in two epochs.
_SAME = 1e-3
_SAME_RATE = 1e-3


class NoResponseError(ValueError):
    """There is no usable response; the message names the channel and the reason."""


@dataclass(frozen=True)
class Span:
    """A span of time (ns since 1970 UTC) and the epoch with its valid response; or none, and the reason."""

    start_ns: int
    end_ns: int
    epoch: int | None
    why: str = ""


@dataclass
class Instrument:
    """The responses of one channel by epoch.

    Attributes
    ----------
    code
        NET.STA.LOC.CHAN.
    epochs
        Start and end (ns since 1970 UTC) and response of each, in the order of the StationXML.
    remarks
        Unusual properties of the responses that were used.
    """

    code: str
    epochs: list[tuple[int, int, ChannelResponse]]
    remarks: set[str] = field(default_factory=set)
    _gains: dict[tuple[object, ...], Gain] = field(default_factory=dict, repr=False)
    _usable: dict[tuple[object, ...], UsableResponse | UnusableResponseError] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, inventory: Inventory, code: str) -> Instrument:
        """Return the epochs of a channel that have a response."""
        epochs = []
        network, station, location, channel = code.split(".")
        for of_network in inventory:
            for of_station in of_network:
                for found in of_station:
                    where = of_network.code, of_station.code, found.location_code, found.code
                    if where == (network, station, location, channel) and found.response is not None:
                        start = -(1 << 62) if found.start_date is None else int(found.start_date.ns)
                        end = 1 << 62 if found.end_date is None else int(found.end_date.ns)
                        epochs.append((start, end, found.response))
        return cls(code, epochs)

    def at(self, time_ns: int, band: ResponseSettings) -> int:
        """Return the epoch that is valid at a time (ns since 1970 UTC), the last one if several agree.

        Raises
        ------
        NoResponseError
            No epoch is valid, or several are valid and their responses differ.
        """
        from obspy import UTCDateTime

        found = [i for i, (start, end, _) in enumerate(self.epochs) if start <= time_ns < end]
        if not found:
            raise NoResponseError(
                f"no valid response for {self.code}: none of its {len(self.epochs)} epoch(s) with a response in the "
                f"StationXML holds at {UTCDateTime(ns=time_ns)}"
            )
        if len(found) > 1 and not self._agree(found, band):
            starts = ", ".join(str(UTCDateTime(ns=max(self.epochs[i][0], 0))) for i in found)
            raise NoResponseError(
                f"no valid response for {self.code}: {len(found)} epochs with different responses hold at "
                f"{UTCDateTime(ns=time_ns)}, begun {starts}; end one of them in the StationXML"
            )
        return found[-1]

    def _agree(self, epochs: list[int], band: ResponseSettings) -> bool:
        frequency = np.linspace(band.band_low, band.band_high, 16)
        one, *others = (self._response(epoch, band).evaluate(frequency, "ACC") for epoch in epochs)
        return all(bool(np.all(np.abs(other - one) <= _SAME * np.abs(one))) for other in others)

    def spans(self, start_ns: int, end_ns: int, band: ResponseSettings) -> list[Span]:
        """Return the valid epochs between two times (ns since 1970 UTC), without a hole."""
        bounds = {time for start, end, _ in self.epochs for time in (start, end) if start_ns < time < end_ns}
        spans: list[Span] = []
        for start, end in pairwise(sorted({start_ns, end_ns} | bounds)):
            try:
                here = Span(start, end, self.at((start + end) // 2, band))
            except NoResponseError as error:
                here = Span(start, end, None, str(error))
            if spans and here.epoch is not None and spans[-1].epoch == here.epoch:
                here = Span(spans.pop().start_ns, end, here.epoch)
            spans.append(here)
        return spans

    def _response(self, epoch: int, band: ResponseSettings) -> UsableResponse:
        key = (epoch, band.band_low, band.band_high)
        if key not in self._usable:
            try:
                self._usable[key] = usable(self.epochs[epoch][2], band.band_low, band.band_high)
            except UnusableResponseError as error:
                self._usable[key] = error
        found = self._usable[key]
        if isinstance(found, UnusableResponseError):
            raise NoResponseError(f"no valid response for {self.code}: {found}") from found
        return found

    def gain(self, kind: Kind, epoch: int, frequency: Samples, rate: float, response: ResponseSettings) -> Gain:
        """Return the gain from counts to a kind of trace at frequencies in Hz.

        For velocity and acceleration the gain is the inverse response (no water level) inside ``response.band_low`` …
        ``band_high``, and falls to 0 as a cosine within a tenth of each corner. The upper corner is at most nine tenths
        of the greatest frequency, so that its flank is complete. ``acceleration_water_level`` lifts the response as
        ObsPy's ``remove_response(water_level=…)`` does.

        Parameters
        ----------
        kind, epoch
            The kind of trace, and the epoch of the response.
        frequency, rate
            Frequencies (n,) from 0 to the trace's Nyquist frequency; rate of the raw samples. Hz.
        response
            The band and the water level.

        Raises
        ------
        NoResponseError
            The response is absent, zero, not finite, contradicts itself, or cannot be evaluated.
        """
        key = (kind, epoch, frequency.size, float(frequency[-1]), rate, response)
        if key not in self._gains:
            self._gains[key] = self._compute(kind, epoch, frequency, rate, response)
        return self._gains[key]

    def _compute(self, kind: Kind, epoch: int, frequency: Samples, rate: float, response: ResponseSettings) -> Gain:
        self._remark(self._response(epoch, response), rate)
        if kind == "acceleration_water_level":
            return self._under_water(epoch, frequency, rate, response)
        guard = cosine_band(frequency, response.band_low, min(response.band_high, 0.9 * float(frequency[-1])))
        inside = guard > 0
        knots = np.linspace(frequency[inside][0], frequency[inside][-1], _KNOTS)
        instrument = self._evaluate(epoch, knots, "VEL" if kind == "velocity" else "ACC", response)
        if np.abs(instrument).min() < _LEAST:
            raise NoResponseError(f"no valid response for {self.code}: it is zero inside the band")
        magnitude = np.interp(frequency[inside], knots, np.abs(instrument))
        phase = np.interp(frequency[inside], knots, np.unwrap(np.angle(instrument)))
        gain = np.zeros(frequency.size, np.complex128)
        gain[inside] = guard[inside] / (magnitude * np.exp(1j * phase))
        return gain

    def _remark(self, used: UsableResponse, rate: float) -> None:
        if used.remark:
            self.remarks.add(f"response of {self.code}: {used.remark}")
        # Measured rates of one clock differ by a few parts in a million; rates of another channel differ by far more.
        if used.sampling_rate and abs(used.sampling_rate - rate) > _SAME_RATE * rate:
            self.remarks.add(
                f"response of {self.code}: it is one for {used.sampling_rate:g} Hz, and the samples come at {rate:g} Hz"
            )

    def _under_water(self, epoch: int, frequency: Samples, rate: float, response: ResponseSettings) -> Gain:
        everywhere = np.abs(self._evaluate(epoch, np.geomspace(1e-4, rate / 2, 4 * _KNOTS), "ACC", response))
        instrument = self._evaluate(epoch, frequency[1:], "ACC", response)
        surface = everywhere.max() * 10 ** (-response.water_level / 20)
        gain = np.zeros(frequency.size, np.complex128)
        gain[1:] = np.exp(-1j * np.angle(instrument)) / np.maximum(np.abs(instrument), surface)
        return gain

    def _evaluate(self, epoch: int, frequency: Samples, output: str, band: ResponseSettings) -> Gain:
        try:
            found = self._response(epoch, band).evaluate(frequency, output)
        except UnusableResponseError as error:
            raise NoResponseError(f"no valid response for {self.code}: {error}") from error
        if not np.all(np.isfinite(found)):
            raise NoResponseError(f"no valid response for {self.code}: it is not finite at some frequencies")
        return found


def cosine_band(frequency: Samples, low: float, high: float) -> Samples:
    """Return 1 between two corners (Hz), falling to 0 as a cosine within a tenth of each corner outside them."""
    rise = np.clip((frequency - 0.9 * low) / (0.1 * low), 0, 1)
    fall = np.clip((1.1 * high - frequency) / (0.1 * high), 0, 1)
    return np.asarray(0.25 * (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall)))
