"""Runs one stage over many station-days in one run: records what finished, then names what failed.

A run is one stage over one block. Every station-day that succeeds is recorded with its own metadata while the others
are still at work. If some fail, they are named in the check and in the error and the run fails; what is recorded stays,
so that a retry has only those left to do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from ris_core.contracts.station_day import StationDay
from ris_core.stages import Outcome, StageTask, is_left_out, most_at_once, record_outcome
from ris_core.storage.store import Stage
from ris_dagster.partitions import partition_key, station_day
from ris_dagster.recording import StepLog, recorded, recording
from ris_dagster.remedies import with_remedy
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

Describe = Callable[[dict[str, Any]], Mapping[str, Any]]
"""From a station-day's result to the metadata of one asset."""

Check = Callable[[list[Outcome]], dg.AssetCheckResult]
"""From the outcomes of a block to one evaluation."""

AGAIN_TAG = "ris/again"
"""Tag of runs that ask the source again for station-days that stand."""
_NAMED_AT_MOST = 20


def run_block(
    context: dg.AssetExecutionContext,
    store: DataStore,
    compute: Compute,
    stage: Stage,
    describe: Mapping[dg.AssetKey, Describe],
    code_versions: Mapping[dg.AssetKey, str],
    check: Check,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Run a stage for all station-days of this run.

    Parameters
    ----------
    context, store, compute
        As given to the asset.
    stage
        ``acquire``, ``process`` or ``label``.
    describe
        For each asset that the stage makes, how a result becomes metadata.
    code_versions
        The assets' code versions, which are their data versions as well.
    check
        Sums up the block.

    Raises
    ------
    dagster.Failure
        At least one station-day failed; names them and their errors.
    """
    from ris_core.progress import bar

    opened = store.open()
    keys = [key for k in context.partition_keys if not is_left_out(stage, opened, key := station_day(k))]
    task = StageTask(stage, store.settings_json, store.root, again=AGAIN_TAG in context.run.tags)
    selected = {asset: code_versions[asset] for asset in describe if asset in context.selected_asset_keys}
    outcomes: list[Outcome] = []
    with recording(StepLog(context, selected)) as recorder, bar(len(keys), stage, unit="station-day") as progress:
        for outcome in compute.map(task, keys, most_at_once(stage, opened, keys)):
            progress.update(1)
            if outcome.result is None:
                context.log.error(f"{outcome.key}: {outcome.error}\n{outcome.trace}")
            else:
                result = outcome.result
                recorder.add(partition_key(outcome.key), {asset: describe[asset](result) for asset in selected})
            outcomes.append(_without_pictures(outcome))
            try:
                record_outcome(opened, stage, outcome)
            except OSError as error:
                # What was done stands all the same; a full disk must not keep the others from being recorded.
                context.log.warning(f"{outcome.key}: the outcome could not be noted: {error}")
    outcomes.sort(key=lambda o: (o.key.day, o.key.station))
    failed = [o for o in outcomes if o.result is None]
    evaluation = check(outcomes)
    evaluated = {(c.asset_key, c.name) for c in context.selected_asset_check_keys}
    if not failed:
        for asset, version in selected.items():
            yield recorded(asset, version)
    if (evaluation.asset_key, evaluation.check_name) in evaluated:
        yield evaluation
    if failed:
        raise _failure(stage, failed, len(keys))


def _without_pictures(outcome: Outcome) -> Outcome:
    """Return an outcome to keep until the block ends: pictures are recorded by then and would fill the memory."""
    if outcome.result is None:
        return outcome
    return replace(outcome, result={n: v for n, v in outcome.result.items() if not isinstance(v, bytes)})


def _failure(stage: str, failed: Sequence[Outcome], total: int) -> dg.Failure:
    lines = [f"{o.key}: {with_remedy(o.error)}" for o in failed[:_NAMED_AT_MOST]]
    if len(failed) > _NAMED_AT_MOST:
        lines.append(f"... and {len(failed) - _NAMED_AT_MOST} more")
    return dg.Failure(
        description=f"{stage}: {len(failed)} of {total} station-days failed, the others are recorded\n"
        + "\n".join(lines),
        metadata={"failed": [str(o.key) for o in failed]},
        allow_retries=False,
    )


def results_of(outcomes: Sequence[Outcome]) -> list[tuple[StationDay, dict[str, Any]]]:
    """Return keys and results of the station-days that succeeded."""
    return [(o.key, o.result) for o in outcomes if o.result is not None]


def failed_keys(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of the station-days that failed."""
    return [str(o.key) for o in outcomes if o.result is None]
