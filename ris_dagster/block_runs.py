"""Runs one stage over many station-days in one run: records finished ones, then names failed ones.

A run is one stage over one block. Every successful station-day is recorded with its own metadata while the others are
still at work. If some fail, the check and the error name them and the run fails. Records are kept, so that a retry only
has to do the failed ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.running import StageTask, record_outcome
from ris_dagster.bindings import Binding
from ris_dagster.metadata import shown_at_a_glance
from ris_dagster.partitions import partition_key, station_day
from ris_dagster.recording import StepLog, recorded, recording
from ris_dagster.remedies import with_remedy
from ris_dagster.resources.compute import Compute
from ris_dagster.resources.data_store import DataStore

Describe = Callable[[Made[Any]], Mapping[str, Any]]
"""Turns the result of a station-day into the metadata of one asset."""

Check = Callable[[list[Outcome[Any]]], dg.AssetCheckResult]
"""Turns the outcomes of a block into one evaluation."""

AGAIN_TAG = "ris/again"
"""Tag of runs that request existing station-days again from the source."""
_NAMED_AT_MOST = 20


def run_block(
    context: dg.AssetExecutionContext,
    store: DataStore,
    compute: Compute,
    binding: Binding,
    describe: Mapping[dg.AssetKey, Describe],
    check: Check,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Run a stage for all station-days of this run.

    Parameters
    ----------
    context, store, compute
        As in the asset.
    binding
        The stage and its assets; their code version is their data version as well.
    describe
        For each asset of the stage, a function from a result to metadata.
    check
        Evaluates the whole block.

    Raises
    ------
    dagster.Failure
        At least one station-day failed; names them and their errors.
    """
    from ris_core.progress import bar

    days = store.station_days(binding.kinds)
    name, stage = binding.name, days.stages[binding.name]
    keys = [key for k in context.partition_keys if not stage.has_nothing_to_do(key := station_day(k))]
    again = AGAIN_TAG in context.run.tags
    task = StageTask(name, store.settings_json, store.root, again, binding.kinds)
    selected = {asset: stage.code_version for asset in describe if asset in context.selected_asset_keys}
    outcomes: list[Outcome[Any]] = []
    with recording(StepLog(context, selected)) as recorder, bar(len(keys), name, unit="station-day") as progress:
        for found in compute.map(task, keys, stage.most_at_once(keys)):
            progress.update(1)
            if found.made is None:
                outcome = replace(found, error=with_remedy(found.error))
                context.log.error(f"{outcome.key}: {outcome.error}\n{outcome.trace}")
            else:
                made = found.made
                partition = partition_key(found.key)
                described = {asset: describe[asset](made) for asset in selected}
                recorder.add(
                    partition,
                    {
                        asset: shown_at_a_glance(metadata, asset, context.run_id, partition)
                        for asset, metadata in described.items()
                    },
                )
                # They are recorded by now, and would fill the memory of a long run.
                outcome = replace(found, made=made.without_pictures())
            outcomes.append(outcome)
            try:
                record_outcome(days.journal, name, outcome)
            except OSError as error:
                # The work is done in any case; a full disk must not prevent the record of the others.
                context.log.warning(f"{outcome.key}: the outcome could not be recorded: {error}")
    outcomes.sort(key=lambda o: (o.key.day, o.key.station))
    failed = [o for o in outcomes if o.made is None]
    evaluation = check(outcomes)
    evaluated = {(c.asset_key, c.name) for c in context.selected_asset_check_keys}
    if not failed:
        for asset, version in selected.items():
            yield recorded(asset, version)
    if (evaluation.asset_key, evaluation.check_name) in evaluated:
        yield evaluation
    if failed:
        raise _failure(name, failed, len(keys))


def _failure(stage: str, failed: Sequence[Outcome[Any]], total: int) -> dg.Failure:
    lines = [f"{o.key}: {o.error}" for o in failed[:_NAMED_AT_MOST]]
    if len(failed) > _NAMED_AT_MOST:
        lines.append(f"... and {len(failed) - _NAMED_AT_MOST} more")
    return dg.Failure(
        description=f"{stage}: {len(failed)} of {total} station-days failed, the others are recorded\n"
        + "\n".join(lines),
        metadata={"failed": [str(o.key) for o in failed]},
        allow_retries=False,
    )


def results_of(outcomes: Sequence[Outcome[Any]]) -> list[tuple[StationDay, Any]]:
    """Return keys and results of the station-days that succeeded."""
    return [(o.key, o.made.result) for o in outcomes if o.made is not None]


def failed_keys(outcomes: Sequence[Outcome[Any]]) -> list[str]:
    """Return the names of the station-days that failed."""
    return [str(o.key) for o in outcomes if o.made is None]


def block_check(
    outcomes: Sequence[Outcome[Any]],
    asset: dg.AssetKey,
    name: str,
    wrong_is: str,
    is_wrong: Callable[[Any], bool],
    metadata: Mapping[str, Any],
) -> dg.AssetCheckResult:
    """Return the check of a block, which passes if no station-day failed and no result is wrong.

    Parameters
    ----------
    outcomes
        Outcomes of the station-days.
    asset, name
        The asset, and the name of its check.
    wrong_is
        Name of the metadata that lists the station-days with wrong results.
    is_wrong
        Whether a result is wrong.
    metadata
        Further metadata.
    """
    wrong = [str(key) for key, found in results_of(outcomes) if is_wrong(found)]
    failed = failed_keys(outcomes)
    return dg.AssetCheckResult(
        passed=not wrong and not failed,
        asset_key=asset,
        check_name=name,
        metadata={**metadata, wrong_is: wrong, "failed": failed},
    )
