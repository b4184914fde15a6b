"""The text of a new network's settings file: values with comments, and what one may want to change first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ris_core.config import Settings, SettingsError, load_settings
from ris_core.new_network.positions import Position
from ris_core.section import Section
from ris_core.storage.atomic import replacing

_OFTEN_CHANGED: dict[str, tuple[str, ...]] = {
    "conditioning": ("band_low", "band_high"),
    "detector": ("method", "sta", "lta", "threshold_on", "threshold_off"),
    "spectrogram": ("frequency_low", "frequency_high", "duration"),
    "training_set": ("events",),
    "dec": ("k",),
    "retention": ("raw",),
}
_HIGHEST = 0.4
"""Upper corner of the band as a multiple of a low sampling rate: eight tenths of its Nyquist frequency."""


@dataclass(frozen=True)
class NewNetwork:
    """What the settings of a new network say.

    Attributes
    ----------
    name
        Name of the data root.
    preset
        A preset; none: the profile `recommended` alone.
    network, location, channels, stations
        Codes.
    positions
        By station, where they are known.
    first_day, last_day
        UTC; no last day if the network still records.
    source
        Values of the section `source`.
    sampling_rate
        Lowest rate of the samples, Hz; none if it is not known.
    beside
        Comments on the source: what was found and is not used.
    """

    name: str
    preset: str | None
    network: str
    location: str
    channels: tuple[str, ...]
    stations: tuple[str, ...]
    first_day: date
    last_day: date | None
    source: Mapping[str, str]
    positions: Mapping[str, Position] = field(default_factory=dict)
    sampling_rate: float | None = None
    beside: tuple[str, ...] = ()


def write_settings_of(new: NewNetwork, path: Path) -> Settings:
    """Write a commented settings file and return what it says.

    Raises
    ------
    SettingsError
        There is a file at `path` already, or the values do not fit each other; the message says which.
    """
    if path.exists() or path.is_symlink():
        raise SettingsError(f"{path}: it exists already and is not overwritten; choose another name, or --output FILE")
    with replacing(path) as temporary:
        try:
            temporary.write_text("\n".join(_lines(new, None)) + "\n", "utf-8")
            settings = load_settings(temporary)
            temporary.write_text("\n".join(_lines(new, settings)) + "\n", "utf-8")
            return load_settings(temporary)
        except SettingsError as error:
            raise SettingsError(str(error).replace(str(temporary), str(path))) from error


def without_response(new: NewNetwork, why: str) -> NewNetwork:
    """Return a network whose StationXML is named in a comment alone."""
    source = {key: value for key, value in new.source.items() if key != "inventory"}
    return replace(new, source=source, beside=(*new.beside, f"inventory: {_text(new.source['inventory'])}", why))


def _lines(new: NewNetwork, settings: Settings | None) -> Iterator[str]:
    """Yield the lines of a file; those on what may be changed only if its settings are known."""
    yield f"# Settings of the network {new.name}, written by `ris init`. Values that are not here have their defaults."
    yield "# Codes stand in quotes, since YAML reads some as numbers or words. Quantities may have their unit: 30 s."
    yield "# After a change: ris check-config"
    if new.preset is None:
        yield "# Our defaults in place of the paper's. For other bands and rates, presets: docs/method.md"
        yield "profile: recommended"
    else:
        yield "# Values for one kind of network, above those of the profile `recommended`: docs/method.md"
        yield f"preset: {new.preset}"
    yield "network:"
    yield "  # Products lie in RIS_DATA/NAME, by default ./data/NAME."
    yield f"  name: {new.name}"
    yield f"  code: {_text(new.network)}"
    yield f"  title: {_text(f'{new.network}, {len(new.stations)} stations')}"
    yield "# Add new stations at the end."
    if without := [code for code in new.stations if code not in new.positions]:
        many = "the stations" if len(without) == len(new.stations) else ", ".join(without)
        yield f"# The positions of {many} are not known. Maps and environmental series need them; write them like this:"
        yield f'#   - {{code: "{without[0]}", latitude: -21.2486, longitude: 55.7141, elevation: 2523}}  # degrees, m'
    yield "stations:"
    yield from (f"  - {_station(code, new.positions.get(code))}" for code in new.stations)
    yield f"channels: [{', '.join(map(_text, new.channels))}]"
    yield f"location: {_text(new.location or '--')}"
    yield "# UTC, both included. Take last_day out while the network still records."
    yield f"first_day: {new.first_day}"
    if new.last_day is not None:
        yield f"last_day: {new.last_day}"
    yield "source:"
    yield from (f"  {key}: {_text(value)}" for key, value in new.source.items())
    yield from (f"  # {line}" for line in new.beside)
    fitted = _fitted(new)
    if fitted:
        yield f"# The samples have {new.sampling_rate:g} Hz, less than the default; the band ends at 0.4 of it."
    for section, values in fitted.items():
        yield f"{section}:"
        yield from (f"  {key}: {value:g}" for key, value in values.items())
    if settings is not None:
        yield "# What you may want to change first, with the values that hold now. To change one, take out the first"
        yield "# '# ' of its line and of its section's."
        yield from (f"# {line}" for line in _often_changed(settings, fitted))


def _fitted(new: NewNetwork) -> dict[str, dict[str, float]]:
    """Return the values that a low sampling rate needs; none if the defaults fit or the rate is not known."""
    rate = new.sampling_rate
    if rate is None:
        return {}
    start = {"preset": new.preset} if new.preset else {"profile": "recommended"}
    usual = Settings.model_validate(
        start
        | {
            "network": {"name": "usual", "code": "XX"},
            "stations": [{"code": "A"}],
            "first_day": new.first_day,
            "source": {"kind": "fdsn"},
        }
    )
    if usual.conditioning.sampling_rate <= rate:
        return {}
    highest = round(_HIGHEST * rate, 3)
    fitted = {"conditioning": {"sampling_rate": rate}, "spectrogram": {}}
    if usual.conditioning.band_high > highest:
        fitted["conditioning"]["band_high"] = highest
    if usual.spectrogram.frequency_high > highest:
        fitted["spectrogram"]["frequency_high"] = highest
    return {section: values for section, values in fitted.items() if values}


def _often_changed(settings: Settings, given: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    said = settings.model_dump(mode="json")
    for name, keys in _OFTEN_CHANGED.items():
        section: Section = getattr(settings, name)
        there = [key for key in keys if key in type(section).model_fields and name not in given]
        if there:
            yield f"{name}:"
        for key in there:
            yield f"  # {type(section).model_fields[key].description or 'See docs/method.md.'}"
            yield f"  {key}: {_plain(said[name][key])}"
    yield "# Models that are trained and ranked; the best one labels."
    yield f"candidates: {_plain(list(settings.candidates))}"


def _plain(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _text(value: str) -> str:
    """Return a text in double quotes, in which YAML reads it as it is."""
    return json.dumps(value, ensure_ascii=False)


def _station(code: str, position: Position | None) -> str:
    if position is None:
        return f"{{code: {_text(code)}}}"
    latitude, longitude, elevation = position
    return f"{{code: {_text(code)}, latitude: {latitude:.8g}, longitude: {longitude:.8g}, elevation: {elevation:.6g}}}"
