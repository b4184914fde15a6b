"""An export: one pass over the selected months of the catalogue writes all that is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from ris_core.catalogue.catalogue_reading import Month
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.catalogue.catalogue_update import event_catalogue_is_current
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.exports.cutouts import CutoutOptions, Cutouts
from ris_core.exports.event_tables import CsvWriter, EventWriter, ParquetWriter
from ris_core.exports.export_dictionary import CSV, FILE, PARQUET, export_dictionary
from ris_core.exports.placing import Placing
from ris_core.exports.quakeml import QuakeMlWords, quakeml_pieces
from ris_core.exports.selection import NothingSelectedError, Selection
from ris_core.exports.station_layers import (
    GEOPACKAGE,
    GEOPARQUET,
    require_geopandas,
    station_table,
    write_geopackage,
    write_geoparquet,
)
from ris_core.progress import bar
from ris_core.rates.labelled_time import catalogue_fingerprint
from ris_core.station_days.station_days import StationDays
from ris_core.storage.json_records import to_text

Format = Literal["quakeml", "csv", "parquet", "stations", "miniseed"]
FORMATS: tuple[Format, ...] = get_args(Format)
RECORD = "export.json"
_NAMED = 5


class TooManyCutoutsError(ValueError):
    """More events are selected than files are to be written."""


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes
    ----------
    placing
        The files.
    events
        Selected events by class number.
    names
        Names of the classes.
    notes
        What was left out and why, and what a reader must know, in words.
    cutouts
        Number of events with a cut-out.
    """

    placing: Placing
    events: dict[int, int]
    names: dict[int, str]
    notes: tuple[str, ...]
    cutouts: int = 0

    @property
    def total(self) -> int:
        """Number of selected events."""
        return sum(self.events.values())


@dataclass
class _Pass:
    """What a pass over the events counts and writes."""

    network: StationDays
    placing: Placing
    words: QuakeMlWords | None
    writers: list[EventWriter]
    cutouts: Cutouts | None
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    names: dict[int, str] = field(default_factory=dict)

    def take(self, month: Month, events: pa.Table) -> None:
        """Count and write the rows of a month."""
        for writer in self.writers:
            writer.write(events)
        for row in events.group_by(["station", "label", "class_name"]).aggregate([([], "count_all")]).to_pylist():
            self.counts[row["station"], row["label"]] += row["count_all"]
            self.names[row["label"]] = row["class_name"]
        if self.words is not None:
            for station in sorted(pc.unique(events["station"]).to_pylist()):
                self._write_quakeml(station, f"{month[0]:04d}-{month[1]:02d}", events)
        if self.cutouts is not None:
            self.cutouts.write(self.network, events)

    def _write_quakeml(self, station: str, month: str, events: pa.Table) -> None:
        own = events.filter(pc.equal(events["station"], station))
        name = f"quakeml/{station}/{self.network.settings.network.code}.{station}.{month}.xml"
        with self.placing.writing(name) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            assert self.words is not None  # noqa: S101  # asked for by the caller
            file.writelines(quakeml_pieces(own, self.words, station, month))


def export(
    network: StationDays,
    folder: Path,
    selection: Selection,
    formats: tuple[Format, ...],
    cut: CutoutOptions | None = None,
    most: int = 10_000,
    force: bool = False,
) -> Exported:
    """Export the selected events of the catalogue to a folder.

    A file that is there with other bytes is left as it is unless `force`. The same catalogue and selection give the
    same bytes.

    Parameters
    ----------
    network, folder, selection
        What, and where to.
    formats
        Which of `FORMATS`.
    cut
        What miniSEED cut-outs are of.
    most
        Cut-outs at most.
    force
        Whether files that differ are replaced.

    Raises
    ------
    NothingSelectedError
        No event is selected, or only cut-outs are wanted, and there are no waveforms.
    TooManyCutoutsError
        Cut-outs are wanted of more than `most` events.
    MissingReleaseExtraError
        Stations are wanted, and geopandas is not installed.
    NoCatalogueError
        There is no catalogue.
    DamagedFileError
        A file of the catalogue is damaged.
    CannotWriteError
        The folder cannot be written.
    """
    if "stations" in formats:
        require_geopandas()
    placing = Placing(folder, force)
    cutouts = Cutouts(placing, cut or CutoutOptions()) if "miniseed" in formats else None
    total = sum(events.num_rows for _, events in selection.months(network))
    if not total:
        raise selection.nothing(network)
    if cutouts is not None and total > most:
        raise TooManyCutoutsError(
            f"{total:,} events are selected, and each would be a miniSEED file: select fewer, or allow them with "
            f"--most {total}"
        )
    made_by = f"ris-dagster {version('ris-dagster')}"
    release, said = network.settings.release, _said(network, selection, made_by)
    with ExitStack() as stack, bar(total, "export", unit="event") as progress:
        writers: list[EventWriter] = []
        if "csv" in formats:
            writers.append(stack.enter_context(CsvWriter(stack.enter_context(placing.writing(CSV)))))
        if "parquet" in formats:
            path = stack.enter_context(placing.writing(PARQUET))
            writers.append(stack.enter_context(ParquetWriter(path, {"ris": to_text(said)})))
        words = QuakeMlWords(network.settings.network.name, release.authority, release.event_types, made_by)
        run = _Pass(network, placing, words if "quakeml" in formats else None, writers, cutouts)
        for month, events in selection.months(network):
            run.take(month, events)
            progress.update(events.num_rows)
    known = class_names(network.settings.champion, _numbers(network), champion_or_none(network.layout)) | run.names
    names = {number: name for number, name in known.items() if selection.takes_class(number, name)}
    notes = list(_doubts(network))
    if "stations" in formats:
        notes += _write_stations(run, selection, names)
    if cutouts is not None:
        if not cutouts.events and formats == ("miniseed",):
            reason = "; ".join(why for why, _ in cutouts.left_out.most_common(_NAMED))
            raise NothingSelectedError(f"there is no waveform of any selected event: {reason}")
        cutouts.finish()
        notes += list(_of_cutouts(cutouts))
    placing.write_text(FILE, export_dictionary(names))
    counted = Counter[int]()
    for (_, number), n in run.counts.items():
        counted[number] += n
    events_of = {number: counted[number] for number in sorted(counted)}
    by_class = [{"label": n, "class_name": names[n], "events": events_of[n]} for n in events_of]
    placing.write_text(RECORD, to_text(said | {"events": total, "classes": by_class}))
    return Exported(placing, events_of, names, tuple(notes), 0 if cutouts is None else cutouts.events)


def _numbers(network: StationDays) -> list[int]:
    champion = champion_or_none(network.layout)
    return [] if champion is None else [number for number in champion.classes if number != NO_LABEL]


def _said(network: StationDays, selection: Selection, made_by: str) -> dict[str, Any]:
    settings, champion = network.settings, champion_or_none(network.layout)
    return {
        "made_by": made_by,
        "network": {"name": settings.network.name, "code": settings.network.code, "title": settings.network.title},
        "selection": selection.as_record(),
        "catalogue": catalogue_fingerprint(network.layout),
        "settings": settings.digest(),
        "model": None if champion is None else {"version": champion.model_version, "digest": champion.digest},
    }


def _doubts(network: StationDays) -> Iterator[str]:
    if not event_catalogue_is_current(network):
        yield (
            "the catalogue is not that of the present detections and labels: `ris run --only update_catalogue` brings "
            "it up to date"
        )


def _write_stations(run: _Pass, selection: Selection, names: dict[int, str]) -> tuple[str, ...]:
    table = station_table(run.network, selection, run.counts, names)
    with run.placing.writing(GEOPARQUET) as temporary:
        write_geoparquet(table, temporary)
    with run.placing.writing(GEOPACKAGE) as temporary:
        write_geopackage(table, temporary)
    return table.notes


def _of_cutouts(cutouts: Cutouts) -> Iterator[str]:
    if cutouts.without_context:
        yield (
            f"{cutouts.without_context:,} events have no context (imported, or made by an earlier version): their "
            "cut-outs are the samples of the spectrogram alone"
        )
    for number, (why, n) in enumerate(cutouts.left_out.most_common()):
        if number == _NAMED:
            yield f"{len(cutouts.left_out) - _NAMED} more reasons left events without cut-outs"
            return
        yield f"{n:,} events have no cut-out: {why}"
