"""Names, units and meanings of the attributes: the one list that tables, files and documents follow."""

from __future__ import annotations

from collections.abc import Sequence

from ris_core.config import AttributesSettings
from ris_core.contracts.attribute import Attribute
from ris_core.contracts.events import Events

JURKEVICS = "Jurkevics 1988, doi 10.1785/BSSA0780051725"

_SPECTRUM = (
    Attribute("centroid", "log2(Hz)", "mean of log2 f, weighted with the spectrum p(f)", "within the band"),
    Attribute("bandwidth", "log2(octaves)", "log2 of the deviation of log2 f around the centroid", "−6.6 and more"),
    Attribute("spectral_skewness", "", "third moment of log2 f around the centroid, by bandwidth³", "−10 to 10"),
    Attribute("spectral_entropy", "bits", "−Σ p log2 p, of p(f) that sums to 1", "0 to log2 F"),
    *(
        Attribute(
            f"frequency_{percent:02d}", "log2(Hz)", f"frequency below which {percent} % of the power lies", "band"
        )
        for percent in (5, 25, 50, 75, 95)
    ),
    Attribute("peak_frequency", "log2(Hz)", "frequency of the greatest power", "band"),
    Attribute("peakedness", "log2", "log2 of the greatest p(f) by its mean", "0 to log2 F"),
    Attribute("spectral_peaks", "log2(1 + n)", "number of maxima of p(f) of a fifth of the greatest or more", "0 to 5"),
    Attribute(
        "harmonicity",
        "log2",
        "greatest cosine part of log p(f) with 0.35 to 1.5 periods in 1 / (length of a short-time spectrum), by the "
        "root of all power of log p(f): regular maxima",
        "−10 to 1",
        "cepstrum: Bogert, Healy & Tukey 1963",
    ),
)
_ENVELOPE = (
    Attribute("crest", "log2", "log2 of the greatest value of the envelope e(t) by its mean", "0 to log2 T"),
    *(
        Attribute(
            f"{name}_{percent:02d}", "log2(s)", f"{what} with e(t) of {percent} % of its maximum or more", "log2 of s"
        )
        for percent in (50, 20, 5)
        for name, what in (
            ("duration", "log2 of the total time"),
            ("rise", "log2 of the time before the maximum, without a break,"),
            ("fall", "log2 of the time after the maximum, without a break,"),
        )
    ),
    Attribute("energy_80", "log2(s)", "log2 of the time from 10 to 90 % of the energy", "log2 of s"),
    Attribute("energy_50", "log2(s)", "log2 of the time from 25 to 75 % of the energy", "log2 of s"),
    Attribute(
        "asymmetry",
        "",
        "(t90 + t10 − 2 t of the maximum) / (t90 − t10) of the energy: above 0 if it falls slowly",
        "±1",
    ),
    Attribute("envelope_peaks_25", "log2(1 + n)", "number of maxima of e(t) of 25 % of the greatest or more", "0 to 6"),
    Attribute("envelope_peaks_05", "log2(1 + n)", "number of maxima of e(t) of 5 % of the greatest or more", "0 to 6"),
    Attribute(
        "roughness", "log2(octaves)", "log2 of the mean step of log2(e + 1 % of its maximum) between columns", "−8 to 2"
    ),
    Attribute("flatness", "octaves", "mean of log2(e + 1 % of its maximum) less log2 of the mean", "−7 to 0"),
)
_GLIDE = (
    Attribute(
        "glide",
        "octaves",
        "slope of the centroid of each column with time, weighted with e(t), times the deviation of time",
        "±2",
    ),
    Attribute("glide_correlation", "", "correlation of that centroid with time, weighted with e(t)", "−1 to 1"),
    Attribute(
        "centroid_spread", "log2(octaves)", "log2 of the deviation of that centroid, weighted with e(t)", "−6.6 …"
    ),
    Attribute("early_late", "octaves", "centroid from the maximum of e(t) on less that before it", "±3"),
    Attribute(
        "column_bandwidth",
        "log2(octaves)",
        "log2 of the mean bandwidth of single columns, weighted with e(t)",
        "−6.6 and more",
    ),
)
IN_WINDOW = (*_SPECTRUM, *_ENVELOPE, *_GLIDE)
"""The attributes of each window, in the order in which they are computed."""
POLARISATION = (
    Attribute("rectilinearity", "", "1 − (λ2 + λ3) / 2 λ1 of the covariance of three components", "0 to 1", JURKEVICS),
    Attribute("planarity", "", "1 − 2 λ3 / (λ1 + λ2)", "0 to 1", JURKEVICS),
    Attribute("incidence", "degrees", "angle of the first axis with the vertical", "0 to 90", JURKEVICS),
)
"""Those of three components, one of which is vertical (Z); λ1 ≥ λ2 ≥ λ3 are weighted with the power above the noise."""


def has_polarisation(components: Sequence[str]) -> bool:
    """Return whether three components have a vertical one, so that polarisation can be measured."""
    return len(components) == 3 and "Z" in components


def attribute_columns(
    settings: AttributesSettings | None = None, components: Sequence[str] = ("Z",), longest: float | None = None
) -> tuple[Attribute, ...]:
    """Return the attributes in the order of their columns.

    Parameters
    ----------
    settings
        With the windows; by default those of 4 and 10 s.
    components
        Letters of the events' components: three with a vertical one have polarisation.
    longest
        The longest window that the events hold, s, if shorter ones alone can be measured (`longest_window`).
    """
    settings = settings or AttributesSettings()
    of_window = IN_WINDOW + (POLARISATION if longest is None and has_polarisation(components) else ())
    return tuple(
        Attribute(f"{a.name}_{seconds:g}s", a.unit, a.meaning, a.range, a.source)
        for seconds in settings.windows
        if longest is None or seconds <= longest
        for a in of_window
    )


def columns_of(events: Events, settings: AttributesSettings | None = None) -> tuple[Attribute, ...]:
    """Return the attributes that events have: those of the windows that an imported event's spectrogram holds."""
    longest = None if events.context is not None else longest_window(events)
    return attribute_columns(settings, events.components, longest)


def longest_window(events: Events) -> float:
    """Return the length of the spectrograms, s: the longest window of events without a context."""
    return float(events.time.size * (events.time[1] - events.time[0])) * (1 + 1e-9)
