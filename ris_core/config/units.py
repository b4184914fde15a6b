"""Units of environmental quantities: the one that each kind is kept in, and what is converted to it."""

from __future__ import annotations

from collections.abc import Mapping

KEPT_IN: Mapping[str, str] = {
    "temperature": "degC",
    "wind": "m/s",
    "ice": "%",
    "wave_height": "m",
    "tide": "m",
    "tilt": "urad",
    "melt": "W/m2",
    "radiation": "W/m2",
    "pressure": "hPa",
}
"""The unit of the values of each kind after reading; `other` keeps the unit that the settings state."""

PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "temperature": (-95.0, 60.0),
    "wind": (0.0, 115.0),
    "ice": (0.0, 100.0),
    "wave_height": (0.0, 40.0),
    "tide": (-15.0, 15.0),
    "tilt": (-1e4, 1e4),
    "melt": (-1500.0, 1500.0),
    "radiation": (-1500.0, 1500.0),
    "pressure": (300.0, 1100.0),
}
"""Least and greatest value of each kind, in the unit that it is kept in (ours: records of nature, and room above)."""

# By spelling: the unit in which it is kept, and scale and offset that lead there.
_SPELLINGS: dict[str, tuple[str, float, float]] = {}
_SHOWN: dict[str, list[str]] = {}


def _spell(kept: str, scale: float, offset: float, *spellings: str) -> None:
    _SHOWN.setdefault(kept, []).append(spellings[0])
    for spelling in spellings:
        _SPELLINGS[spelling.lower()] = (kept, scale, offset)


_spell("degC", 1, 0, "degC", "°C", "C", "celsius", "degree_celsius", "degrees_celsius", "deg C")
_spell("degC", 1, -273.15, "K", "kelvin", "degK")
_spell("degC", 5 / 9, -160 / 9, "degF", "°F", "fahrenheit")
_spell("m/s", 1, 0, "m/s", "m s-1", "m s**-1", "m s^-1", "m.s-1", "ms-1")
_spell("m/s", 1 / 3.6, 0, "km/h", "km h-1", "kph")
_spell("m/s", 1852 / 3600, 0, "knot", "knots", "kt", "kn")
_spell("%", 1, 0, "%", "percent")
_spell("%", 100, 0, "1", "fraction", "(0 - 1)", "0-1")
_spell("m", 1, 0, "m", "metre", "metres", "meter", "meters")
_spell("m", 0.01, 0, "cm", "centimetre", "centimeter")
_spell("m", 0.001, 0, "mm", "millimetre", "millimeter")
_spell("urad", 1, 0, "urad", "µrad", "μrad", "microrad", "microradian")
_spell("urad", 1e-3, 0, "nrad", "nanoradian")
_spell("urad", 1e6, 0, "rad", "radian", "radians")
_spell("W/m2", 1, 0, "W/m2", "W/m^2", "W/m²", "W m-2", "W m**-2", "W m^-2")
_spell("J/m2", 1, 0, "J/m2", "J/m^2", "J/m²", "J m-2", "J m**-2", "J m^-2")
_spell("hPa", 1, 0, "hPa", "mbar", "mb", "millibar")
_spell("hPa", 0.01, 0, "Pa", "pascal")
_spell("hPa", 10, 0, "kPa")


class UnitError(ValueError):
    """Values have a unit that cannot be converted to that of their kind."""


def accumulated(unit: str) -> bool:
    """Return whether a unit is one of energy that was added up over a time, like J/m2."""
    return _SPELLINGS.get(unit.strip().lower(), ("", 1, 0))[0] == "J/m2"


def conversion(kind: str, unit: str) -> tuple[str, float, float]:
    """Return the unit in which a kind is kept, and scale and offset: kept = scale · value + offset.

    Parameters
    ----------
    kind
        Kind of the quantity.
    unit
        Unit of the values, in one of its usual spellings.

    Raises
    ------
    UnitError
        The unit is empty, not known, or of another quantity.
    """
    text = unit.strip()
    if kind == "other":
        if not text:
            raise UnitError("a series of kind other needs its unit; write 1 for a number without one")
        return text, 1.0, 0.0
    kept, scale, offset = _SPELLINGS.get(text.lower(), ("", 1.0, 0.0))
    if kept != KEPT_IN[kind]:
        known = ", ".join(_SHOWN[KEPT_IN[kind]])
        said = f"unit {text!r} is not one of {kind}" if text else f"the unit of {kind} is not stated"
        more = "; energy per area needs `accumulated`, the time over which it was added up" if kept == "J/m2" else ""
        raise UnitError(f"{said}; known: {known}{more}")
    return kept, float(scale), float(offset)
