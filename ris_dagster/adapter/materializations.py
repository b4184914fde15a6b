"""Materializations that are logged while a step runs, or without a run, with the tags that Dagster itself gives."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
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
    from dagster._core.events import DagsterEventBatchMetadata, StepMaterializationData
    from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID


class InputVersion(NamedTuple):
    """What an asset was made from.

    Attributes
    ----------
    data_version
        Data version of the input.
    record
        Number of the input's latest record; None if there is none.
    """

    data_version: str
    record: int | None


def version_tags(version: str, inputs: Mapping[dg.AssetKey, InputVersion]) -> dict[str, str]:
    """Return the tags by which Dagster tells whether an asset is out of date.

    Parameters
    ----------
    version
        The asset's code version, which is its data version as well.
    inputs
        What it was made from.
    """
    tags = {CODE_VERSION_TAG: version, DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
    for asset, (data_version, record) in inputs.items():
        tags[get_input_data_version_tag(asset)] = data_version
        tags[get_input_event_pointer_tag(asset)] = NULL_EVENT_POINTER if record is None else str(record)
    return tags


def partition_tags(key: dg.MultiPartitionKey) -> dict[str, str]:
    """Return the tags by which Dagster finds a materialization by one dimension of its partition."""
    return dict(get_tags_from_multi_partition_key(key))


def data_version_of(materialization: dg.AssetMaterialization) -> str:
    """Return the data version that a materialization was recorded with; empty if it has none."""
    return str((materialization.tags or {}).get(DATA_VERSION_TAG, ""))


@relying_on("dagster", __name__)
def inputs_of_step(context: dg.AssetExecutionContext, asset: dg.AssetKey) -> dict[dg.AssetKey, InputVersion]:
    """Return what the running step makes an asset from, as Dagster saw it when the step first asked."""
    step = context.get_step_execution_context()
    found = {}
    for upstream in step.job_def.asset_layer.get(asset).parent_keys:
        info = step.maybe_fetch_and_get_input_asset_version_info(upstream)
        data_version = (info.data_version if info else None) or DEFAULT_DATA_VERSION
        found[upstream] = InputVersion(data_version.value, info.storage_id if info else None)
    return found


@relying_on("dagster", __name__)
def log_in_step(context: dg.AssetExecutionContext, made: Sequence[dg.AssetMaterialization]) -> None:
    """Log materializations of the running step now, together where the storage takes batches."""
    step = context.get_step_execution_context()
    for materialization, batch in zip(made, _batch(len(made)), strict=True):
        dg.DagsterEvent.asset_materialization(step, materialization, batch)


@relying_on("dagster", __name__)
def log_without_run(instance: dg.DagsterInstance, made: Sequence[dg.AssetMaterialization]) -> None:
    """Log materializations as `report_runless_asset_event` does, but together where the storage takes batches."""
    for materialization, batch in zip(made, _batch(len(made)), strict=True):
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            event_specific_data=StepMaterializationData(materialization),
            job_name=RUNLESS_JOB_NAME,
        )
        instance.report_dagster_event(event, RUNLESS_RUN_ID, batch_metadata=batch)


def already_logged() -> dict[str, Any]:
    """Return the metadata of an output for which Dagster logs no event, since it was logged while the step ran."""
    # Dagster has this mark for observations of source assets, which log their events in the same way.
    return {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}


def _batch(size: int) -> list[DagsterEventBatchMetadata]:
    name = uuid.uuid4().hex
    return [DagsterEventBatchMetadata(name, number == size) for number in range(1, size + 1)]
