"""Bringing the catalogue up to date: only months whose station-days have changed are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.catalogue.catalogue_reading import Month, months_on_disk
from ris_core.catalogue.catalogue_schema import ASSOCIATIONS_SCHEMA, CATALOGUE_SCHEMA, CLASS_ASSOCIATIONS_SCHEMA
from ris_core.catalogue.coincidences import added_up
from ris_core.catalogue.month_inputs import CatalogueInputs, catalogue_inputs
from ris_core.catalogue.month_rows import OF_DAY, Known, as_written, month_rows
from ris_core.catalogue.month_sources import MonthSources
from ris_core.catalogue.source_classes import source_classes
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
        made = _with_classes(stamps, _chosen(network, stamps))
        current = all(_is_written(layout, month, stamp) for month, stamp in made.items())
        return current and _associations_are(layout, _stamp_of_all(made))
    except (FileNotFoundError, DamagedFileError):
        return False


def update_catalogue(network: StationDays) -> CatalogueUpdate:
    """Write the months of the catalogue whose station-days, class names, reviews or settings have changed.

    Each file is written at once, so what a killed process has written counts. If other classes than before take part in
    sources, all months are written again.

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
    written: set[Month] = set()
    # Once with the classes of the months that are there, and again if all months together choose others.
    for _ in range(2):
        chosen = _chosen(network, stamps)
        made = _with_classes(stamps, chosen)
        wanted = [month for month, stamp in made.items() if not _is_written(layout, month, stamp)]
        for month in track(wanted, "catalogue", unit="month"):
            _write_month(network, inputs, month, stamps[month], chosen)
        written.update(wanted)
    chosen = _chosen(network, stamps)
    _write_associations(layout, _with_classes(stamps, chosen), chosen)
    summaries = [tables.read_summary(layout.catalogue(*month)) for month in stamps]
    return CatalogueUpdate(
        written=tuple(sorted(written)),
        removed=tuple(removed),
        kept=tuple(month for month in stamps if month not in written),
        events=sum(int(each["events"]) for each in summaries),
        unlabelled=sum(int(each["unlabelled"]) for each in summaries),
        left_out=inputs.left_out,
        content=catalogue_digest(layout),
    )


def catalogue_digest(layout: Layout) -> str:
    """Return the digest of the contents of all months, for what is made from them; raises `DamagedFileError`."""
    return digest_of([[*month, tables.read_stamp(layout.catalogue(*month))[1]] for month in months_on_disk(layout)])


def _chosen(network: StationDays, months: Iterable[Month]) -> tuple[int, ...] | None:
    """Return the classes that take part in sources by the coincidences of the months that are on disk."""
    parts = []
    for month in months:
        with suppress(FileNotFoundError, DamagedFileError, KeyError):
            parts.append(pd.DataFrame(tables.read_summary(network.layout.catalogue(*month))["classes"]))
    return source_classes(network.settings.catalogue, _of_classes(parts))


def _of_classes(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    empty = CLASS_ASSOCIATIONS_SCHEMA.empty_table().to_pandas().drop(columns="takes_part")
    return added_up([part for part in parts if len(part)] or [empty], ["label"], ["class_name"]).sort_values("label")


def _with_classes(stamps: Mapping[Month, Stamp], chosen: tuple[int, ...] | None) -> dict[Month, Stamp]:
    """Return the stamps of the months' files, in which certain classes take part in sources."""
    return {
        month: replace(stamp, settings=digest_of([stamp.settings, chosen if chosen is None else list(chosen)]))
        for month, stamp in stamps.items()
    }


def _is_written(layout: Layout, month: Month, stamp: Stamp) -> bool:
    path = layout.catalogue(*month)
    with suppress(FileNotFoundError, DamagedFileError):
        if tables.read_stamp(path)[0] == stamp:
            tables.read_arrow(path, ["event_id"])  # compares all bytes
            return True
    return False


def _stamp_of_all(stamps: Mapping[Month, Stamp]) -> Stamp:
    of_months = [[*month, stamp.as_dict()] for month, stamp in stamps.items()]
    return Stamp(next(iter(stamps.values())).settings, versions.CATALOGUE, digest_of(of_months))


def _write_month(
    network: StationDays, inputs: CatalogueInputs, month: Month, stamp: Stamp, chosen: tuple[int, ...] | None
) -> None:
    layout, quantile = network.layout, network.settings.context.noise_quantile
    days = inputs.of_month(month)
    rows = _same_rows(layout, month, stamp)
    if rows is None:
        rows = month_rows(layout, inputs, days, quantile, _known(layout, month, quantile))
    rows["source_id"], found = MonthSources(network, inputs).of_month(month, rows, chosen)
    number = {str(each.key): place for place, each in enumerate(days)}
    summary = {
        "day_of_row": rows[OF_DAY].map(number).tolist(),
        "events": len(rows),
        "unlabelled": int((rows["label"] < 0).sum()),
        "made_of": stamp.as_dict(),
        "measured": {str(each.key): each.spectrograms for each in days},
        "days": list(number),
        "tables": {str(each.key): each.tables for each in days},
        "measured_with": _measured_with(quantile),
        "pairs": found.pairs.to_dict("list"),
        "classes": found.classes.to_dict("list"),
    }
    made = _with_classes({month: stamp}, chosen)[month]
    tables.write_table(layout.catalogue(*month), rows, CATALOGUE_SCHEMA, made, summary)


def _same_rows(layout: Layout, month: Month, stamp: Stamp) -> pd.DataFrame | None:
    """Return the rows of a month's file if only the classes that take part in sources are others; else none."""
    path = layout.catalogue(*month)
    with suppress(FileNotFoundError, DamagedFileError):
        summary = tables.read_summary(path)
        if summary.get("made_of") == stamp.as_dict():
            return as_written(_rows_of(path, summary))
    return None


def _measured_with(quantile: float) -> str:
    return digest_of([versions.CATALOGUE, quantile])


def _known(layout: Layout, month: Month, quantile: float) -> Known:
    """Return what an earlier file of the month says; nothing if there is none or it is damaged."""
    path = layout.catalogue(*month)
    with suppress(FileNotFoundError, DamagedFileError, KeyError):
        summary = tables.read_summary(path)
        if summary["measured_with"] == _measured_with(quantile):
            return Known(summary["measured"], summary["tables"], _rows_of(path, summary))
    return Known()


def _rows_of(path: Path, summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of a month's file with their station-days."""
    days = np.array(list(summary["days"]), dtype=object)
    return tables.read_table(path).assign(**{OF_DAY: days[np.array(summary["day_of_row"], dtype=np.int64)]})


def _write_associations(layout: Layout, stamps: Mapping[Month, Stamp], chosen: tuple[int, ...] | None) -> None:
    stamp = _stamp_of_all(stamps)
    if _associations_are(layout, stamp):
        return
    parts = [tables.read_summary(layout.catalogue(*month)) for month in stamps]
    pairs = added_up(
        [pd.DataFrame(part["pairs"]) for part in parts],
        ["station_a", "station_b"],
        ["distance", "longest_difference"],
    )
    classes = _of_classes([pd.DataFrame(part["classes"]) for part in parts])
    classes["takes_part"] = True if chosen is None else classes["label"].isin(chosen)
    # The pairs come last: they say that both are written.
    tables.write_table(layout.analysis(CLASS_ASSOCIATIONS), classes, CLASS_ASSOCIATIONS_SCHEMA, stamp)
    tables.write_table(layout.analysis(ASSOCIATIONS), pairs, ASSOCIATIONS_SCHEMA, stamp)


def _associations_are(layout: Layout, stamp: Stamp) -> bool:
    with suppress(FileNotFoundError, DamagedFileError):
        return all(tables.read_stamp(layout.analysis(name))[0] == stamp for name in (CLASS_ASSOCIATIONS, ASSOCIATIONS))
    return False
