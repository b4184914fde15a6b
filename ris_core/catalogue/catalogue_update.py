"""Bringing the catalogue up to date: only months whose station-days have changed are written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from ris_core import versions
from ris_core.catalogue.catalogue_reading import Month, months_on_disk
from ris_core.catalogue.catalogue_schema import ASSOCIATIONS_SCHEMA, CATALOGUE_SCHEMA, CLASS_ASSOCIATIONS_SCHEMA
from ris_core.catalogue.coincidences import added_up
from ris_core.catalogue.month_inputs import CatalogueInputs, catalogue_inputs
from ris_core.catalogue.month_rows import Measured, month_rows
from ris_core.catalogue.month_sources import MonthSources
from ris_core.catalogue.spectral_columns import SPECTRAL
from ris_core.contracts.stamp import Stamp
from ris_core.progress import track
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

ASSOCIATIONS, CLASS_ASSOCIATIONS = "associations.parquet", "class_associations.parquet"
"""Names of the tables of coincidences among the files of the analysis."""


class NothingProcessedError(FileNotFoundError):
    """No station-day has events that a catalogue could hold."""


@dataclass(frozen=True)
class CatalogueUpdate:
    """What an update of the catalogue did.

    Attributes
    ----------
    written, removed, kept
        Months whose file was written, or removed since nothing is left of them, and that were current.
    events, unlabelled
        Rows of the whole catalogue, and those without a label.
    left_out
        Station-days that are not in it, each with why and what to do.
    content
        Digest of the contents of all months.
    """

    written: tuple[Month, ...]
    removed: tuple[Month, ...]
    kept: tuple[Month, ...]
    events: int
    unlabelled: int
    left_out: tuple[str, ...]
    content: str


def event_catalogue_is_current(network: StationDays) -> bool:
    """Return whether all months are undamaged and of the files that there are now, and no other month is there."""
    try:
        stamps = catalogue_inputs(network).stamps()
        layout = network.layout
        if not stamps or months_on_disk(layout) != list(stamps):
            return False
        current = all(_is_written(layout, month, stamp) for month, stamp in stamps.items())
        return current and _associations_are(layout, _stamp_of_all(stamps))
    except (FileNotFoundError, DamagedFileError):
        return False


def update_catalogue(network: StationDays) -> CatalogueUpdate:
    """Write the months of the catalogue whose station-days, class names, reviews or settings have changed.

    Each file is written at once, so what a killed process has written counts.

    Raises
    ------
    NothingProcessedError
        No station-day is processed.
    DamagedFileError
        A file of a station-day is damaged in its data, which are read only where they are needed.
    """
    layout = network.layout
    inputs = catalogue_inputs(network)
    stamps = inputs.stamps()
    if not stamps:
        raise NothingProcessedError(
            "; ".join([f"{layout.root}: no station-day is processed; `ris run` does it", *inputs.left_out])
        )
    removed = [month for month in months_on_disk(layout) if month not in stamps]
    for month in removed:
        layout.catalogue(*month).unlink()
    wanted = [month for month, stamp in stamps.items() if not _is_written(layout, month, stamp)]
    for month in track(wanted, "catalogue", unit="month"):
        _write_month(network, inputs, month, stamps[month])
    _write_associations(layout, stamps)
    summaries = [tables.read_summary(layout.catalogue(*month)) for month in stamps]
    return CatalogueUpdate(
        written=tuple(wanted),
        removed=tuple(removed),
        kept=tuple(month for month in stamps if month not in wanted),
        events=sum(int(each["events"]) for each in summaries),
        unlabelled=sum(int(each["unlabelled"]) for each in summaries),
        left_out=inputs.left_out,
        content=catalogue_digest(layout),
    )


def catalogue_digest(layout: Layout) -> str:
    """Return the digest of the contents of all months, for what is made from them; raises `DamagedFileError`."""
    return digest_of([[*month, tables.read_stamp(layout.catalogue(*month))[1]] for month in months_on_disk(layout)])


def _is_written(layout: Layout, month: Month, stamp: Stamp) -> bool:
    with suppress(FileNotFoundError, DamagedFileError):
        return tables.read_stamp(layout.catalogue(*month))[0] == stamp
    return False


def _stamp_of_all(stamps: dict[Month, Stamp]) -> Stamp:
    of_months = [[*month, stamp.as_dict()] for month, stamp in stamps.items()]
    return Stamp(next(iter(stamps.values())).settings, versions.CATALOGUE, digest_of(of_months))


def _write_month(network: StationDays, inputs: CatalogueInputs, month: Month, stamp: Stamp) -> None:
    layout, settings = network.layout, network.settings
    days = inputs.of_month(month)
    quantile = settings.context.noise_quantile
    rows = month_rows(layout, inputs, days, quantile, _measured(layout, month, quantile))
    rows["source_id"], found = MonthSources(network, inputs).of_month(month, rows)
    summary = {
        "events": len(rows),
        "unlabelled": int((rows["label"] < 0).sum()),
        "measured": {str(each.key): each.spectrograms for each in days},
        "measured_with": _measured_with(quantile),
        "pairs": found.pairs.to_dict("list"),
        "classes": found.classes.to_dict("list"),
    }
    tables.write_table(layout.catalogue(*month), rows, CATALOGUE_SCHEMA, stamp, summary)


def _measured_with(quantile: float) -> str:
    return digest_of([versions.CATALOGUE, quantile])


def _measured(layout: Layout, month: Month, quantile: float) -> Measured:
    """Return what an earlier file of the month knows of spectrograms; nothing if there is none or it is damaged."""
    path = layout.catalogue(*month)
    with suppress(FileNotFoundError, DamagedFileError, KeyError):
        summary = tables.read_summary(path)
        if summary["measured_with"] == _measured_with(quantile):
            return Measured(summary["measured"], tables.read_table(path, ["event_id", *SPECTRAL]))
    return Measured()


def _write_associations(layout: Layout, stamps: dict[Month, Stamp]) -> None:
    stamp = _stamp_of_all(stamps)
    if _associations_are(layout, stamp):
        return
    parts = [tables.read_summary(layout.catalogue(*month)) for month in stamps]
    pairs = added_up(
        [pd.DataFrame(part["pairs"]) for part in parts],
        ["station_a", "station_b"],
        ["distance", "longest_difference"],
    )
    classes = added_up([pd.DataFrame(part["classes"]) for part in parts], ["label"], ["class_name"])
    # The pairs come last: they say that both are written.
    tables.write_table(
        layout.analysis(CLASS_ASSOCIATIONS), classes.sort_values("label"), CLASS_ASSOCIATIONS_SCHEMA, stamp
    )
    tables.write_table(layout.analysis(ASSOCIATIONS), pairs, ASSOCIATIONS_SCHEMA, stamp)


def _associations_are(layout: Layout, stamp: Stamp) -> bool:
    with suppress(FileNotFoundError, DamagedFileError):
        return all(tables.read_stamp(layout.analysis(name))[0] == stamp for name in (CLASS_ASSOCIATIONS, ASSOCIATIONS))
    return False
