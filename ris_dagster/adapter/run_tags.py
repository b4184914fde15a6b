"""Dagster's tags for the partitions of a run, who requested it, and how it is treated."""

from collections.abc import Mapping

import dagster as dg

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.storage.tags import (
        ASSET_PARTITION_RANGE_END_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
        MAX_RETRIES_TAG,
        PARTITION_NAME_TAG,
        PRIORITY_TAG,
        SENSOR_NAME_TAG,
        USER_TAG,
        WILL_RETRY_TAG,
    )


def of_partition(partition: str) -> dict[str, str]:
    """Return the tag of a run over one partition."""
    return {PARTITION_NAME_TAG: partition}


def partition_of(tags: Mapping[str, str]) -> str:
    """Return the partition that a run is over; empty if it is over none, or over a range."""
    return tags.get(PARTITION_NAME_TAG, "")


def of_partition_range(first: str, last: str) -> dict[str, str]:
    """Return the tags of a run over all partitions between two, both included."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def partition_range_of(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition of a run over a range; None for other runs."""
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    return (first, last) if first and last else None


def of_sensor(sensor: str) -> dict[str, str]:
    """Return the tag that Dagster gives to the runs that a sensor requests."""
    return {SENSOR_NAME_TAG: sensor}


def of_user(name: str) -> dict[str, str]:
    """Return the tag of who launched a run, which the UI shows in the column *Launched by*."""
    return {USER_TAG: name}


def with_priority(priority: int) -> dict[str, str]:
    """Return the tag of a priority: of runs that wait, Dagster starts the greatest first; without the tag it is 0."""
    return {PRIORITY_TAG: str(priority)}


def never_retried() -> dict[str, str]:
    """Return the tag of a run that Dagster never starts again after a failure; it overrides dagster.yaml."""
    return {MAX_RETRIES_TAG: "0"}


def will_be_retried(run: dg.DagsterRun) -> bool:
    """Return whether a run has failed and Dagster is going to start it again."""
    return run.status == dg.DagsterRunStatus.FAILURE and run.tags.get(WILL_RETRY_TAG) == "true"
