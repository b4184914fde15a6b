"""Records finished station-days in Dagster, a few at a time, each as one materialization of each asset.

Dagster itself records the partitions of a step when the step ends: all at once, from metadata that it keeps in memory
until then, and none if the step fails or is killed. Here the materializations are logged while the step runs, with the
tags that Dagster would give them. The step's own result says that they are already logged (`recorded`). An import
records its station-days in the same way, without a run.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import dagster as dg

from ris_dagster.adapter.asset_graph import AssetGraph, code_version_of, parents_of
from ris_dagster.adapter.materializations import (
    InputVersion,
    already_logged,
    inputs_of_step,
    log_in_step,
    log_without_run,
    partition_tags,
    version_tags,
)

# A killed run loses unrecorded station-days: at most this many, and no slow ones.
KEYS_AT_MOST = 50
SECONDS_AT_MOST = 2.0


class Log(Protocol):
    """The log to which a recorder writes.

    Attributes
    ----------
    assets
        The recorded assets, each after its parents.
    """

    assets: tuple[dg.AssetKey, ...]

    def tags_of(self, asset: dg.AssetKey) -> Mapping[str, str]:
        """Return Dagster's tags for code, data and input versions of an asset."""

    def write(self, made: Sequence[dg.AssetMaterialization]) -> None:
        """Log materializations together."""


class StepLog:
    """Logs in the running step; inputs are those at the start of the step.

    Parameters
    ----------
    context
        The step.
    versions
        Code versions of the assets that it makes.
    """

    def __init__(self, context: dg.AssetExecutionContext, versions: Mapping[dg.AssetKey, str]) -> None:
        self._context, self.assets = context, tuple(versions)
        self._tags = {asset: version_tags(v, inputs_of_step(context, asset)) for asset, v in versions.items()}

    def tags_of(self, asset: dg.AssetKey) -> Mapping[str, str]:
        """Return the tags of an asset that this step makes."""
        return self._tags[asset]

    def write(self, made: Sequence[dg.AssetMaterialization]) -> None:
        """Log materializations of this step."""
        log_in_step(self._context, made)


class RunlessLog:
    """Logs without a run; inputs are the latest recorded ones.

    Parameters
    ----------
    instance
        Where to log.
    graph
        All assets, for their versions and parents.
    assets
        The recorded assets, each after its parents.
    """

    def __init__(self, instance: dg.DagsterInstance, graph: AssetGraph, assets: Sequence[dg.AssetKey]) -> None:
        self._instance, self._graph, self.assets = instance, graph, tuple(assets)

    def tags_of(self, asset: dg.AssetKey) -> Mapping[str, str]:
        """Return the tags of an asset, made from the latest record of each parent."""
        inputs = {}
        for parent in parents_of(self._graph, asset):
            latest = self._instance.fetch_materializations(parent, limit=1).records
            record = latest[0].storage_id if latest else None
            inputs[parent] = InputVersion(code_version_of(self._graph, parent), record)
        return version_tags(code_version_of(self._graph, asset), inputs)

    def write(self, made: Sequence[dg.AssetMaterialization]) -> None:
        """Log materializations."""
        log_without_run(self._instance, made)


class Recorder:
    """Collects materializations and writes them to a log in batches, one batch for each asset."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[dg.AssetKey, list[tuple[dg.MultiPartitionKey, Mapping[str, Any]]]]
        self._waiting = {asset: [] for asset in log.assets}
        self._written = time.monotonic()

    def add(self, key: dg.MultiPartitionKey, metadata: Mapping[dg.AssetKey, Mapping[str, Any]]) -> None:
        """Add a finished partition with the metadata of each of its assets, and write the batch if it is due."""
        for asset, values in metadata.items():
            self._waiting[asset].append((key, values))
        full = max(map(len, self._waiting.values()), default=0) >= KEYS_AT_MOST
        if full or time.monotonic() - self._written >= SECONDS_AT_MOST:
            self.write()

    def write(self) -> None:
        """Write the waiting materializations, asset by asset."""
        for asset, waiting in self._waiting.items():
            if not waiting:
                continue
            versions = self._log.tags_of(asset)
            self._waiting[asset] = []
            self._log.write(
                [
                    dg.AssetMaterialization(
                        asset, partition=key, metadata=metadata, tags={**versions, **partition_tags(key)}
                    )
                    for key, metadata in waiting
                ]
            )
        self._written = time.monotonic()


@contextmanager
def recording(log: Log) -> Iterator[Recorder]:
    """Yield a recorder; at the end waiting materializations are written, even if the body fails or is interrupted."""
    recorder = Recorder(log)
    try:
        yield recorder
    finally:
        recorder.write()


def recorded(asset: dg.AssetKey, version: str) -> dg.MaterializeResult[Any]:
    """Return the result of an asset whose partitions are recorded: steps that need it may start, nothing is logged."""
    return dg.MaterializeResult(asset_key=asset, metadata=already_logged(), data_version=dg.DataVersion(version))
