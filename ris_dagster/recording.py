"""Records the station-days of a running step as they finish, a few at a time, each as one materialization.

Dagster itself records the partitions of a step when the step ends: all at once, from metadata that it keeps in memory
until then, and none if the step fails or is killed. Here the events are logged while the step runs, with the tags that
Dagster would give them, and the step's own result says that its events are already there (`recorded`).
"""

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.partitions.utils import get_tags_from_multi_partition_key
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.events import DagsterEventBatchMetadata

# A killed run loses what was not recorded yet: at most this many station-days, and of slow ones none.
KEYS_AT_MOST = 50
SECONDS_AT_MOST = 2.0


class Recorder:
    """Collects materializations and writes them in batches, one batch per asset."""

    def __init__(self, context: dg.AssetExecutionContext, versions: Mapping[dg.AssetKey, str]) -> None:
        self._step = context.get_step_execution_context()
        self._tags = {asset: self._versions(asset, version) for asset, version in versions.items()}
        self._waiting: dict[dg.AssetKey, list[dg.AssetMaterialization]] = {asset: [] for asset in versions}
        self._written = time.monotonic()

    def add(self, key: dg.MultiPartitionKey, metadata: Mapping[dg.AssetKey, Mapping[str, Any]]) -> None:
        """Take up a finished partition with the metadata of each of its assets, and write if it is time to."""
        for asset, values in metadata.items():
            tags = {**self._tags[asset], **get_tags_from_multi_partition_key(key)}
            self._waiting[asset].append(dg.AssetMaterialization(asset, partition=key, metadata=values, tags=tags))
        full = max(map(len, self._waiting.values()), default=0) >= KEYS_AT_MOST
        if full or time.monotonic() - self._written >= SECONDS_AT_MOST:
            self.write()

    def write(self) -> None:
        """Write what waits."""
        for asset, waiting in self._waiting.items():
            batch, last = uuid.uuid4().hex, len(waiting) - 1
            for number, materialization in enumerate(waiting):
                dg.DagsterEvent.asset_materialization(
                    self._step, materialization, DagsterEventBatchMetadata(batch, number == last)
                )
            self._waiting[asset] = []
        self._written = time.monotonic()

    def _versions(self, asset: dg.AssetKey, version: str) -> dict[str, str]:
        """Return code, data and input versions as Dagster tags them; what is out of date is told by them."""
        tags = {CODE_VERSION_TAG: version, DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
        for upstream in self._step.job_def.asset_layer.get(asset).parent_keys:
            info = self._step.maybe_fetch_and_get_input_asset_version_info(upstream)
            data_version = (info.data_version if info else None) or DEFAULT_DATA_VERSION
            tags[get_input_data_version_tag(upstream)] = data_version.value
            tags[get_input_event_pointer_tag(upstream)] = str(info.storage_id) if info else NULL_EVENT_POINTER
        return tags


@contextmanager
def recording(context: dg.AssetExecutionContext, versions: Mapping[dg.AssetKey, str]) -> Iterator[Recorder]:
    """Give a recorder of the step; what waits at the end is written, also if the body fails or is interrupted."""
    recorder = Recorder(context, versions)
    try:
        yield recorder
    finally:
        recorder.write()


def recorded(asset: dg.AssetKey, version: str) -> dg.MaterializeResult[Any]:
    """Return the result of an asset whose partitions are recorded: steps that need it may start, nothing is logged."""
    # With this mark Dagster logs no events for an output; it made it for assets that log theirs while they run.
    return dg.MaterializeResult(
        asset_key=asset,
        metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True},
        data_version=dg.DataVersion(version),
    )
