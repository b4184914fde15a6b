"""Tests whether counts can be turned into ground motion by a channel's response, with errors that say why not."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from obspy.core.inventory.response import Response as ChannelResponse

# Metres in a unit of length, in the spellings of SEED and StationXML; volumes and strains are not ground motion.
_METRES = {"M": 1.0, "CM": 1e-2, "MM": 1e-3, "UM": 1e-6, "NM": 1e-9}
_COUNTS = {"COUNT", "COUNTS", "CNT", "CNTS", "DIGITALCOUNT", "DIGITALCOUNTS"}
# The overall sensitivity is often stated for a frequency at which it is invalid; by this factor, a stage is missing.
_LARGEST_MISMATCH, _NOTED_MISMATCH = 3.0, 0.05
# Wide limits for the counts per m/s² of any instrument; single precision can hold the inverse.
_LEAST_GAIN, _GREATEST_GAIN = 1e-6, 1e24


class UnusableResponseError(ValueError):
    """A response cannot be used; the message says why, without the channel."""


@dataclass(frozen=True)
class UsableResponse:
    """A response whose stages and units are in order.

    Attributes
    ----------
    described
        As in the StationXML, except that the first stage has m, m/s or m/s² in ObsPy's spelling.
    per_metre
        Number of the StationXML's units of length in a metre: the factor from its gain to one in SI units.
    listed
        Lowest and highest frequency (Hz) of its response lists; without lists (0, inf).
    stated
        Its stated gain over all stages, in SI units, the frequency (Hz), and the ObsPy output they belong to; none if
        it states no gain.
    sampling_rate
        Sampling rate after its last stage, Hz; none if it does not state one.
    remark
        An unusual property that does not prevent its use.
    """

    described: ChannelResponse
    per_metre: float
    listed: tuple[float, float]
    stated: tuple[float, float, str] | None
    sampling_rate: float | None
    remark: str = ""

    def evaluate(self, frequency: NDArray[np.float64], output: str) -> NDArray[np.complex128]:
        """Return counts per m, m/s or m/s² (``output`` DISP, VEL, ACC) at frequencies in Hz.

        Beyond its response lists the response is constant, because a spline would diverge there.

        Raises
        ------
        UnusableResponseError
            ObsPy cannot evaluate the response.
        """
        inside = np.clip(frequency, *self.listed)
        try:
            # The caller refuses values that overflow.
            with np.errstate(all="ignore"):
                found = self.described.get_evalresp_response_for_frequencies(
                    inside, output=output, hide_sensitivity_mismatch_warning=True
                )
        except Exception as error:  # ObsPy raises bare exceptions of many kinds for a broken chain of stages
            raise UnusableResponseError(f"ObsPy cannot evaluate it ({error})") from error
        return np.asarray(found, dtype=np.complex128) * self.per_metre


def usable(response: ChannelResponse, low: float, high: float) -> UsableResponse:
    """Check a response for a band between two frequencies (Hz) and return it ready for use.

    Raises
    ------
    UnusableResponseError
        There are no stages, or one is missing; the response does not lead from ground motion to counts; a gain is zero,
        absurd, or contradicts the overall sensitivity; a digital filter does not state its sampling rate; a list does
        not cover the band.
    """
    stages = sorted(response.response_stages, key=lambda stage: int(stage.stage_sequence_number))
    overall = response.instrument_sensitivity or response.instrument_polynomial
    if not stages:
        raise UnusableResponseError("it has no stages" + (", only an overall sensitivity" if overall else ""))
    _check_stages(stages)
    unit, per_metre = _input_unit(stages[0].input_units, getattr(overall, "input_units", None))
    _check_output(stages, getattr(overall, "output_units", None))
    described = copy.deepcopy(response)
    first = min(described.response_stages, key=lambda stage: int(stage.stage_sequence_number))
    first.input_units = unit
    output = {"M": "DISP", "M/S": "VEL", "M/S**2": "ACC"}[unit]
    stated = _stated(stages, overall, per_metre, output)
    found = UsableResponse(described, per_metre, _listed(stages, low, high), stated, _sampling_rate(stages))
    return replace(found, remark=_check_gain(found, low, high))


def ground_unit(name: str | None) -> tuple[str, float] | None:
    """Return a unit of ground motion as (M, M/S or M/S**2; number of its units of length in a metre), else none."""
    text = (name or "").replace("µ", "U").replace("μ", "U").upper()
    for old, new in ((" ", ""), ("(", ""), (")", ""), ("^", "**"), ("SEC", "S"), ("/S/S", "/S**2"), ("/S2", "/S**2")):
        text = text.replace(old, new)
    length, slash, rest = text.partition("/")
    if length not in _METRES or slash + rest not in ("", "/S", "/S**2"):
        return None
    return "M" + slash + rest, 1 / _METRES[length]


def _input_unit(first: str | None, overall: str | None) -> tuple[str, float]:
    # As in ObsPy: a first stage without a unit has that of the overall sensitivity.
    name = first or overall
    found = ground_unit(name)
    if found is None:
        what = f"'{name}', which is" if name else "not given:"
        raise UnusableResponseError(f"its input unit is {what} no unit of ground motion (m, m/s, m/s**2)")
    if overall and ground_unit(overall) != found:
        raise UnusableResponseError(
            f"its input unit is '{first}' in the first stage and '{overall}' in the overall sensitivity"
        )
    return found


def _check_output(stages: list[Any], overall: str | None) -> None:
    """Refuse a chain that does not end in counts: the digitiser's stage is missing."""
    # A stage with only a gain has no units; then the overall sensitivity gives the output unit.
    name = stages[-1].output_units or overall
    if (name or "").upper().replace(" ", "").replace("_", "") not in _COUNTS:
        what = f"'{name}'" if name else "not given"
        raise UnusableResponseError(f"its output unit is {what}, not counts: the digitiser's stage is missing")


def _check_stages(stages: list[Any]) -> None:
    from obspy.core.inventory.response import FIRResponseStage

    numbers = [int(stage.stage_sequence_number) for stage in stages]
    # If the last number is absurd, not all missing numbers before it are listed.
    missing = sorted(set(range(1, min(numbers[-1], len(numbers)) + 1)) - set(numbers))
    if missing:
        raise UnusableResponseError(f"stage {', '.join(map(str, missing))} of {numbers[-1]} is missing")
    for number, stage in zip(numbers, stages, strict=True):
        if stage.stage_gain is not None and (stage.stage_gain == 0 or not math.isfinite(stage.stage_gain)):
            raise UnusableResponseError(f"stage {number} has a gain of {stage.stage_gain:g}")
        taps = stage.coefficients if isinstance(stage, FIRResponseStage) else None
        if (taps or getattr(stage, "numerator", None)) and not stage.decimation_input_sample_rate:
            raise UnusableResponseError(
                f"stage {number} is a digital filter that does not say its sampling rate (Decimation)"
            )


def _listed(stages: list[Any], low: float, high: float) -> tuple[float, float]:
    lowest, highest = 0.0, math.inf
    for stage in stages:
        frequencies = [float(e.frequency) for e in getattr(stage, "response_list_elements", None) or []]
        if frequencies:
            lowest, highest = max(lowest, min(frequencies)), min(highest, max(frequencies))
    if lowest > low or highest < high:
        raise UnusableResponseError(
            f"its list of responses covers {lowest:g}-{highest:g} Hz, and the band {low:g}-{high:g} Hz is needed"
        )
    return lowest, highest


def _stated(stages: list[Any], overall: Any, per_metre: float, output: str) -> tuple[float, float, str] | None:
    """Return the overall sensitivity; without one, the product of the stages' gains if they have one frequency."""
    from obspy.core.inventory.response import PolynomialResponseStage

    value, frequency = getattr(overall, "value", None), getattr(overall, "frequency", None)
    if not value or not frequency:
        frequencies = {stage.stage_gain_frequency for stage in stages}
        if len(frequencies) != 1 or None in {stage.stage_gain for stage in stages}:
            return None
        (frequency,), value = frequencies, math.prod(float(stage.stage_gain) for stage in stages)
    if not frequency or not math.isfinite(value) or any(isinstance(s, PolynomialResponseStage) for s in stages):
        return None
    return abs(float(value)) * per_metre, float(frequency), output


def _sampling_rate(stages: list[Any]) -> float | None:
    for stage in reversed(stages):
        if stage.decimation_input_sample_rate and stage.decimation_factor:
            return float(stage.decimation_input_sample_rate) / float(stage.decimation_factor)
    return None


def _check_gain(response: UsableResponse, low: float, high: float) -> str:
    """Refuse a gain that is impossible or far from the stated one; return a remark for a small difference."""
    band = np.linspace(low, high, 50)
    gain = np.abs(response.evaluate(band, "ACC"))
    # A filter may be zero near its Nyquist frequency; this does not influence the median.
    if not np.all(np.isfinite(gain)) or not _LEAST_GAIN <= np.median(gain) <= _GREATEST_GAIN:
        raise UnusableResponseError(f"its gain is absurd: {np.median(gain):.3g} counts per m/s^2 in the band")
    if response.stated is None:
        return ""
    value, frequency, output = response.stated
    found = np.abs(response.evaluate(np.append(band, frequency), output))
    said = (
        f"its stages give {found[-1]:.4g} counts per unit of ground motion at {frequency:g} Hz, it states {value:.4g}"
    )
    if not found.min() / _LARGEST_MISMATCH <= value <= found.max() * _LARGEST_MISMATCH:
        raise UnusableResponseError(f"{said}: a stage is missing or wrong")
    return said if abs(found[-1] - value) > _NOTED_MISMATCH * value else ""
