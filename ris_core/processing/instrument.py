"""The instrument's response as a gain: from counts to ground motion, for each epoch of a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Conditioning, Response, TraceKind
from ris_core.processing.filters import Gain, Samples, decimation_gain

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory.response import Response as ChannelResponse

Kind = TraceKind | Literal["peak_acceleration"]
"""What a trace is: of the settings, or the ground's acceleration with the anti-alias filter taken off as well."""

UNITS: dict[str, str] = {
    "counts": "counts",
    "velocity": "m/s",
    "acceleration": "m/s^2",
    "acceleration_water_level": "m/s^2",
    "peak_acceleration": "m/s^2",
}

_LOWEST_FILTER_GAIN = 10 ** (-30 / 20)
_KNOTS = 2000


class NoResponseError(ValueError):
    """There is no response that can be used; the message names the channel and why."""


@dataclass
class Instrument:
    """The responses of one channel by epoch.

    Attributes
    ----------
    code
        NET.STA.LOC.CHAN.
    epochs
        Start and end (ns since 1970 UTC) and response of each, in the order of the StationXML.
    """

    code: str
    epochs: list[tuple[int, int, ChannelResponse]]
    _gains: dict[tuple[object, ...], Gain] = field(default_factory=dict, repr=False)

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

    def at(self, time_ns: int) -> int:
        """Return which epoch holds at a time (ns since 1970 UTC), the last of those that do.

        Raises
        ------
        NoResponseError
            None does.
        """
        from obspy import UTCDateTime

        found = [i for i, (start, end, _) in enumerate(self.epochs) if start <= time_ns < end]
        if not found:
            raise NoResponseError(
                f"no valid response for {self.code}: none of its {len(self.epochs)} epoch(s) with a response in the "
                f"StationXML holds at {UTCDateTime(ns=time_ns)}"
            )
        return found[-1]

    def gain(
        self, kind: Kind, epoch: int, frequency: Samples, rate: float, conditioning: Conditioning, response: Response
    ) -> Gain:
        """Return the gain from counts to a kind of trace at frequencies in Hz.

        Velocity and acceleration are divided by the response alone (no water level) inside ``response.band_low`` …
        ``band_high`` and fall off within a tenth of the corners as a cosine. ``acceleration_water_level`` lifts the
        response as ObsPy's ``remove_response(water_level=…)`` does. ``peak_acceleration`` is acceleration divided by
        the causal decimation filter as well (its gain taken as −30 dB at least): size and time are the ground's.

        Raises
        ------
        NoResponseError
            The response is absent, zero, not finite, or cannot be evaluated.
        """
        key = (kind, epoch, frequency.size, float(frequency[-1]), rate, conditioning, response)
        if key not in self._gains:
            self._gains[key] = self._compute(kind, epoch, frequency, rate, conditioning, response)
        return self._gains[key]

    def _compute(
        self, kind: Kind, epoch: int, frequency: Samples, rate: float, conditioning: Conditioning, response: Response
    ) -> Gain:
        if kind == "acceleration_water_level":
            return self._under_water(epoch, frequency, rate, response.water_level)
        guard = cosine_band(frequency, response.band_low, response.band_high)
        inside = guard > 0
        knots = np.linspace(frequency[inside][0], frequency[inside][-1], _KNOTS)
        instrument = self._evaluate(epoch, knots, "VEL" if kind == "velocity" else "ACC")
        if kind == "peak_acceleration" and conditioning.decimation == "causal_chebyshev":
            lowpass = decimation_gain(knots, rate, conditioning)
            instrument = instrument * lowpass
            instrument *= np.maximum(1.0, _LOWEST_FILTER_GAIN / np.maximum(np.abs(lowpass), 1e-30))
        if not np.all(np.isfinite(instrument)) or np.any(instrument == 0):
            raise NoResponseError(f"no valid response for {self.code}: it is zero or not finite inside the band")
        magnitude = np.interp(frequency[inside], knots, np.abs(instrument))
        phase = np.interp(frequency[inside], knots, np.unwrap(np.angle(instrument)))
        gain = np.zeros(frequency.size, np.complex128)
        gain[inside] = guard[inside] / (magnitude * np.exp(1j * phase))
        return gain

    def _under_water(self, epoch: int, frequency: Samples, rate: float, level: float) -> Gain:
        everywhere = np.abs(self._evaluate(epoch, np.geomspace(1e-4, rate / 2, 4 * _KNOTS), "ACC"))
        instrument = self._evaluate(epoch, frequency[1:], "ACC")
        surface = everywhere.max() * 10 ** (-level / 20)
        magnitude = np.abs(instrument)
        if not np.isfinite(surface) or surface == 0 or not np.all(np.isfinite(magnitude)):
            raise NoResponseError(f"no valid response for {self.code}: it is zero or not finite")
        gain = np.zeros(frequency.size, np.complex128)
        gain[1:] = np.exp(-1j * np.angle(instrument)) / np.maximum(magnitude, surface)
        return gain

    def _evaluate(self, epoch: int, frequency: Samples, output: str) -> NDArray[np.complex128]:
        response = self.epochs[epoch][2]
        try:
            return np.asarray(response.get_evalresp_response_for_frequencies(frequency, output=output))
        except Exception as error:  # ObsPy raises bare exceptions of many kinds for a broken chain of stages
            raise NoResponseError(f"no valid response for {self.code}: {error}") from error


def cosine_band(frequency: Samples, low: float, high: float) -> Samples:
    """Return 1 between two corners (Hz), falling to 0 as a cosine within a tenth of each corner outside them."""
    rise = np.clip((frequency - 0.9 * low) / (0.1 * low), 0, 1)
    fall = np.clip((1.1 * high - frequency) / (0.1 * high), 0, 1)
    return np.asarray(0.25 * (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall)))
