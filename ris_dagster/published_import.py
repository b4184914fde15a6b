"""Import of published data: files become station-days and models, and Dagster hears of each station-day."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.partitions.utils import get_tags_from_multi_partition_key
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, DagsterEventType, StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

from ris_core.contracts.station_day import StationDay
from ris_core.storage.store import Store
from ris_dagster.assets.events import DETECTIONS, SPECTROGRAMS, describe_detections, describe_spectrograms
from ris_dagster.assets.raw_waveforms import RAW_WAVEFORMS, describe_waveforms
from ris_dagster.partitions import partition_key
from ris_dagster.recording import KEYS_AT_MOST, SECONDS_AT_MOST

if TYPE_CHECKING:
    from ris_core.published.importing import Import

_ASSETS = (RAW_WAVEFORMS, DETECTIONS, SPECTROGRAMS)
_PAGE = 1000


def import_published(
    store: Store,
    path: Path | None,
    table: Path | None,
    weights: Sequence[Path],
    replace: bool = False,
    leave_out: bool = False,
) -> Iterator[str]:
    """Import events and weights, whichever are given, and yield what was done, line by line.

    All is read and checked before anything is written.

    Parameters
    ----------
    store
        Where to.
    path, table
        The file of events, and the CSV beside it; by default ``FILE.csv`` if there is one.
    weights
        Weight files.
    replace
        Whether station-days that stand with other events are replaced.
    leave_out
        Whether events that cannot be used are left out (see `ris_core.published.importing.prepare`).

    Raises
    ------
    ris_core.storage.published_file.PublishedFileError
        The file or the table cannot be used, or the settings do not cover it.
    ris_core.models.weights.WeightsError
        A weight file cannot be used.
    """
    from ris_core.models.imported_models import is_kept, keep_weights, read_weights
    from ris_core.published.importing import prepare

    models = [read_weights(each) for each in weights]
    kept = [is_kept(store, name, metadata) for name, _, metadata in models]
    found = prepare(store, path, beside(path, table), replace, leave_out) if path is not None else None
    for (name, model, metadata), was_there in zip(models, kept, strict=True):
        keep_weights(store, name, model, metadata)
        yield f"model {name}: " + ("stood already" if was_there else f"kept in {store.relative(store.imported(name))}")
    if found is not None:
        yield from _import_events(store, found)


def beside(path: Path, table: Path | None) -> Path | None:
    """Return the CSV table of a file: the one that is named, else ``FILE.csv`` if it lies there."""
    usual = path.with_name(path.name + ".csv")
    return table if table is not None or not usual.exists() else usual


def write_config(path: Path, table: Path | None, config: Path) -> str:
    """Write settings that cover a file, and return what they describe; raises `PublishedFileError`."""
    from ris_core.published.covering import write_settings
    from ris_core.published.published_catalogue import read_catalogue
    from ris_core.storage.published_file import open_published

    with open_published(path, (87, 100), 199) as file:
        catalogue = read_catalogue(file, beside(path, table))
    values = write_settings(catalogue, config)
    return (
        f"{config}: network {values['network']['code']}, {len(values['stations'])} stations, {values['first_day']} ... "
        f"{values['last_day']}. Now: ris import-h5 {path} -c {config}"
    )


def _import_events(store: Store, found: "Import") -> Iterator[str]:
    from ris_dagster.definitions import build_definitions
    from ris_dagster.instance import open_instance

    written = 0
    with open_instance(store) as instance:
        recorder = ImportRecorder(store, instance, build_definitions(store.settings))
        try:
            for key, was_written in found.write():
                recorder.add(key)
                written += was_written
        finally:
            recorder.write()
    total, events = len(found.station_days), len(found.catalogue) - found.left_out
    yield (
        f"{found.path}: {events} events of {total} station-days: {written} written, {total - written} stood already; "
        f"{recorder.recorded} recorded in Dagster"
    )
    if found.left_out:
        yield f"{found.left_out} events are left out: they repeat an earlier one, or are not finite or zero everywhere"
    if found.scalograms:
        yield f"{found.scalograms} scalograms are not kept"


class ImportRecorder:
    """Records imported station-days in Dagster, a few at a time, with the tags that a run would give them.

    A station-day is recorded unless its latest record is of the content and version that it has now.
    """

    def __init__(self, store: Store, instance: dg.DagsterInstance, definitions: dg.Definitions) -> None:
        self._store, self._instance = store, instance
        graph = definitions.resolve_asset_graph()
        self._versions = {asset: str(graph.get(asset).code_version) for asset in _ASSETS}
        self._parents = {asset: sorted(graph.get(asset).parent_keys) for asset in _ASSETS}
        self._known = self._latest()
        self._waiting: dict[dg.AssetKey, list[tuple[dg.MultiPartitionKey, Mapping[str, Any]]]] = {
            asset: [] for asset in _ASSETS
        }
        self._written = time.monotonic()
        self.recorded = 0

    def add(self, key: StationDay) -> None:
        """Take up an imported station-day, and write if it is time to."""
        from ris_core.processing.process import process_station_day
        from ris_core.waveforms.acquire import acquire_station_day

        # Both stand and are current, so that they say what they are.
        acquired, processed = acquire_station_day(self._store, key), process_station_day(self._store, key)
        partition = partition_key(key)
        if self._known.get(str(partition)) == (self._versions[SPECTROGRAMS], processed["content"]):
            return
        self._waiting[RAW_WAVEFORMS].append((partition, describe_waveforms(acquired)))
        self._waiting[DETECTIONS].append((partition, describe_detections(processed)))
        self._waiting[SPECTROGRAMS].append((partition, describe_spectrograms(processed)))
        self.recorded += 1
        if len(self._waiting[SPECTROGRAMS]) >= KEYS_AT_MOST or time.monotonic() - self._written >= SECONDS_AT_MOST:
            self.write()

    def write(self) -> None:
        """Write what waits; spectrograms come last, since by them a station-day counts as recorded."""
        for asset in _ASSETS:
            waiting, self._waiting[asset] = self._waiting[asset], []
            batch, versions = uuid.uuid4().hex, self._version_tags(asset) if waiting else {}
            for number, (partition, metadata) in enumerate(waiting, start=1):
                tags = {**versions, **get_tags_from_multi_partition_key(partition)}
                materialization = dg.AssetMaterialization(asset, partition=partition, metadata=metadata, tags=tags)
                event = DagsterEvent(
                    event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
                    event_specific_data=StepMaterializationData(materialization),
                    job_name=RUNLESS_JOB_NAME,
                )
                # As `report_runless_asset_event` does, but many in one transaction.
                self._instance.report_dagster_event(
                    event, RUNLESS_RUN_ID, batch_metadata=DagsterEventBatchMetadata(batch, number == len(waiting))
                )
        self._written = time.monotonic()

    def _version_tags(self, asset: dg.AssetKey) -> dict[str, str]:
        version = self._versions[asset]
        tags = {CODE_VERSION_TAG: version, DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
        for upstream in self._parents[asset]:
            latest = self._instance.fetch_materializations(upstream, limit=1).records
            tags[get_input_data_version_tag(upstream)] = self._versions[upstream]
            tags[get_input_event_pointer_tag(upstream)] = str(latest[0].storage_id) if latest else NULL_EVENT_POINTER
        return tags

    def _latest(self) -> dict[str, tuple[str, str]]:
        """Return data version and content of every partition's latest record."""
        found: dict[str, tuple[str, str]] = {}
        cursor = None
        while True:
            page = self._instance.fetch_materializations(SPECTROGRAMS, limit=_PAGE, cursor=cursor, ascending=True)
            for record in page.records:
                materialization = record.asset_materialization
                if record.partition_key and materialization is not None and "content" in materialization.metadata:
                    version = str((materialization.tags or {}).get(DATA_VERSION_TAG, ""))
                    found[record.partition_key] = version, str(materialization.metadata["content"].value)
            if not page.has_more:
                return found
            cursor = page.cursor
