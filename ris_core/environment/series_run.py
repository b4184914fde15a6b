"""One series read, put in order and written; and whether what is written is what would be read now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.config import Settings
from ris_core.config.environment import READERS, HarmonicsSeriesSettings, SeriesSettings
from ris_core.contracts.stamp import Stamp
from ris_core.environment.reader import FaultySeriesError, SeriesReader, Surroundings
from ris_core.environment.series import SERIES_SCHEMA, Series
from ris_core.environment.tidying import Faults, tidy
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

LITTLE = 0.5
"""Share of the network's hours below which a series is said to cover little of them."""


@dataclass(frozen=True)
class MadeSeries:
    """A series that was read and written.

    Attributes
    ----------
    series
        Its values.
    faults
        What was not kept as it stands in the files.
    converted
        The conversion of units in words; empty if there was none.
    notes
        What a user should know about the way to these values.
    covered
        Share of the hours of the network's days that have a value.
    span
        Begin and end of the network's days, ns since 1970 UTC.
    content
        Digest of the table.
    """

    series: Series
    faults: Faults
    converted: str
    notes: tuple[str, ...]
    covered: float
    span: tuple[int, int]
    content: str


def series_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of all series, so ordered that each follows those that it is made from."""
    late = [one.name for one in settings.environment if isinstance(one, HarmonicsSeriesSettings)]
    return (*(one.name for one in settings.environment if one.name not in late), *late)


def series_settings(settings: Settings, name: str) -> SeriesSettings:
    """Return the section of a series; raises `KeyError` with the names that there are."""
    for one in settings.environment:
        if one.name == name:
            return one
    raise KeyError(f"series {name} is not in the settings; known: {', '.join(series_names(settings)) or 'none'}")


def series_stamp(layout: Layout, settings: Settings, name: str) -> Stamp:
    """Return the stamp of a table that is read now; raises the errors of `SeriesReader.inputs`."""
    series = series_settings(settings, name)
    return Stamp(_settings_digest(series), versions.ENVIRONMENT, digest_of(_reader(layout, settings, series).inputs()))


def series_is_current(layout: Layout, settings: Settings, name: str) -> bool:
    """Return whether the table of a series is undamaged and of the settings and files that there are now.

    Files are compared by name, size and time of change.
    """
    path = layout.environment(name)
    try:
        tables.read_table(path)
        return tables.read_stamp(path)[0] == series_stamp(layout, settings, name)
    except (FileNotFoundError, DamagedFileError, FaultySeriesError):
        return False


def series_are_current(layout: Layout, settings: Settings) -> bool:
    """Return whether all series of the settings are current; so they are if there are none."""
    return all(series_is_current(layout, settings, name) for name in series_names(settings))


def make_series(layout: Layout, settings: Settings, name: str) -> MadeSeries:
    """Read a series and write its table.

    Raises
    ------
    KeyError
        There is no such series in the settings.
    NoSourceError, FaultySeriesError, DamagedFileError, MissingExtraError
        As `ris_core.environment.reader.SeriesReader.read`; the earlier table is kept.
    """
    section = series_settings(settings, name)
    reader = _reader(layout, settings, section)
    stamp = series_stamp(layout, settings, name)
    found = reader.read()
    tidied = tidy(section, found)
    series = Series(
        name,
        section.kind,
        tidied.unit,
        tidied.time,
        tidied.value,
        found.source,
        section.noise_covariate,
        section.longest_gap * 3600.0,
    )
    first, stop = reader.around.span()
    hours = series.hourly(np.arange(first, stop + 1, 3_600_000_000_000, dtype=np.int64))
    covered = float(np.isfinite(hours).mean())
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(series.time, utc=True),
            "value": series.value,
            "unit": series.unit,
            "source": series.source,
            "sha256": found.sha256,
        }
    )
    summary = {
        "kind": series.kind,
        "unit": series.unit,
        "source": series.source,
        "noise_covariate": series.noise_covariate,
        "longest_gap": series.longest_gap,
        "converted": tidied.converted,
        "faults": tidied.faults.as_dict(),
        "notes": list(found.notes),
        "covered": covered,
    }
    content = tables.write_table(layout.environment(name), frame, SERIES_SCHEMA, stamp, summary)
    return MadeSeries(series, tidied.faults, tidied.converted, found.notes, covered, (first, stop), content)


def _reader(layout: Layout, settings: Settings, section: SeriesSettings) -> SeriesReader[SeriesSettings]:
    kind = READERS.load(READERS.kind_of(section), SeriesReader)  # type: ignore[type-abstract]  # a member is concrete
    return kind(section, Surroundings(layout, settings))


def _settings_digest(section: SeriesSettings) -> str:
    values = section.model_dump(mode="json")
    if (plugin := READERS.plugin(READERS.kind_of(section))) is not None:
        values["plugin"] = str(plugin)
    return digest_of(values)
