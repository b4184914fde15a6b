"""Import of published data: files become station-days and models, and each station-day is recorded in Dagster."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_dagster.adapter.asset_graph import AssetGraph, asset_graph_of, code_version_of
from ris_dagster.adapter.materializations import data_version_of
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS, describe_waveforms
from ris_dagster.assets.station_day_events import DETECTIONS, SPECTROGRAMS, describe_detections, describe_spectrograms
from ris_dagster.partitions import partition_key
from ris_dagster.recording import RunlessLog, recording

if TYPE_CHECKING:
    from ris_core.published.importing import Import

_ASSETS = (RAW_WAVEFORMS, DETECTIONS, SPECTROGRAMS)
_PAGE = 1000


def import_published(
    days: StationDays,
    path: Path | None,
    table: Path | None,
    weights: Sequence[Path],
    replace: bool = False,
    leave_out: bool = False,
) -> Iterator[str]:
    """Import events and weights, as far as they are given, and yield what was done, line by line.

    Everything is read and checked before anything is written.

    Parameters
    ----------
    days
        The station-days of the network.
    path, table
        The file of events, and the CSV beside it; by default ``FILE.csv`` if there is one.
    weights
        Weight files.
    replace
        Whether station-days that were imported with other events are replaced.
    leave_out
        Whether events that cannot be used are left out (see `ris_core.published.importing.prepare`).

    Raises
    ------
    ris_core.storage.published_file.PublishedFileError
        The file or the table cannot be used, or the settings do not cover it.
    ris_core.models.model_file.WeightsError
        A weight file cannot be used.
    """
    from ris_core.models.imported_models import is_kept, keep_weights, read_weights
    from ris_core.published.importing import prepare

    models = [read_weights(each) for each in weights]
    kept = [is_kept(days.layout, each) for each in models]
    found = None
    if path is not None:
        found = prepare(days, path, beside(path, table), replace, leave_out)
    for each, was_there in zip(models, kept, strict=True):
        keep_weights(days.layout, each)
        place = days.layout.relative(days.layout.imported(each.name))
        yield f"model {each.name}: " + ("was there already" if was_there else f"kept in {place}")
    if found is not None:
        yield from _import_events(days, found)


def beside(path: Path, table: Path | None) -> Path | None:
    """Return the CSV table of a file: the one that is named, else ``FILE.csv`` if there is one."""
    usual = path.with_name(path.name + ".csv")
    return table if table is not None or not usual.exists() else usual


def write_config(path: Path, table: Path | None, config: Path) -> str:
    """Write settings that cover a file, and return what they describe; raises `PublishedFileError`."""
    from ris_core.config import load_settings
    from ris_core.processing.spectrograms import plan
    from ris_core.published.covering import EXAMPLE, write_settings
    from ris_core.published.importing import open_events
    from ris_core.published.published_catalogue import read_catalogue

    example = load_settings(EXAMPLE)
    with open_events(path, plan(example.spectrogram, example.conditioning)) as file:
        catalogue = read_catalogue(file, beside(path, table))
    settings = write_settings(catalogue, config)
    return (
        f"{config}: network {settings.network.code}, {len(settings.stations)} stations, {settings.first_day} ... "
        f"{settings.last_day}. Now: ris import-h5 {path} -c {config}"
    )


def _import_events(days: StationDays, found: "Import") -> Iterator[str]:
    from ris_dagster.definitions import build_definitions
    from ris_dagster.instance import open_instance

    written = recorded = 0
    graph = asset_graph_of(build_definitions(days.settings))
    with open_instance(days.layout) as instance:
        imported = _ImportedDays(days, instance, graph)
        # Spectrograms come last, since by them a station-day counts as recorded.
        with recording(RunlessLog(instance, graph, _ASSETS)) as recorder:
            for key, was_written in found.write():
                written += was_written
                if metadata := imported.unrecorded(key):
                    recorder.add(partition_key(key), metadata)
                    recorded += 1
    total, events = len(found.station_days), len(found.catalogue) - found.left_out
    yield (
        f"{found.path}: {events} events of {total} station-days: {written} written, "
        f"{total - written} were there already; {recorded} recorded in Dagster"
    )
    if found.left_out:
        yield f"{found.left_out} events are left out: they repeat an earlier one, or are not finite or zero everywhere"
    if found.scalograms:
        yield f"{found.scalograms} scalograms are not kept"


class _ImportedDays:
    """Describes imported station-days, and knows which of them Dagster has recorded as they are now."""

    def __init__(self, days: StationDays, instance: dg.DagsterInstance, graph: AssetGraph) -> None:
        self._days, self._version = days, code_version_of(graph, SPECTROGRAMS)
        self._recorded = _latest_contents(instance)

    def unrecorded(self, key: StationDay) -> dict[dg.AssetKey, Mapping[str, Any]]:
        """Return the metadata of each asset of a station-day; empty if it is recorded with this content and version."""
        # Both are there and current, so nothing is computed.
        acquired, processed = self._days.acquire.run(key), self._days.process.run(key)
        if self._recorded.get(str(partition_key(key))) == (self._version, processed.result.spectrograms_content):
            return {}
        return {
            RAW_WAVEFORMS: describe_waveforms(acquired),
            DETECTIONS: describe_detections(processed),
            SPECTROGRAMS: describe_spectrograms(processed),
        }


def _latest_contents(instance: dg.DagsterInstance) -> dict[str, tuple[str, str]]:
    """Return data version and content of every partition's latest record."""
    found: dict[str, tuple[str, str]] = {}
    cursor = None
    while True:
        page = instance.fetch_materializations(SPECTROGRAMS, limit=_PAGE, cursor=cursor, ascending=True)
        for record in page.records:
            materialization = record.asset_materialization
            if record.partition_key and materialization is not None and "content" in materialization.metadata:
                content = str(materialization.metadata["content"].value)
                found[record.partition_key] = data_version_of(materialization), content
        if not page.has_more:
            return found
        cursor = page.cursor
