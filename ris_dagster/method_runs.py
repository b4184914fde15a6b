"""Runs the whole method in order: each stage as runs of its job, recorded in the persistent instance."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import dagster as dg

from ris_core.config import Settings, SyntheticSettings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.station_day import StationDay
from ris_core.environment.series_run import series_names
from ris_core.shipped_files import SHIPPED
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_dagster import jobs
from ris_dagster.adapter.launched_runs import runs_of_location
from ris_dagster.adapter.run_tags import never_retried, of_user, partition_of
from ris_dagster.analysis_jobs import ENVIRONMENT, analysis_is_current, analysis_jobs
from ris_dagster.bindings import Bindings
from ris_dagster.killed_runs import end_killed_runs
from ris_dagster.planning import plan
from ris_dagster.processes import PROCESS_TAG, this_process

_ENDED = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)
ENDED_BADLY = {dg.DagsterEventType.STEP_FAILURE, *_ENDED}
"""Events that say why a run did not succeed."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Run:
    """One run of a job: a block of station-days, one partition, or no partition."""

    job: str
    what: str
    tags: dict[str, str] = field(default_factory=dict)
    partition: str | None = None


@dataclass(frozen=True)
class Executed:
    """A run that has ended, and why it failed if it did."""

    run: Run
    run_id: str
    error: str = ""


class AtOnce(Protocol):
    """Executes several runs at once."""

    def executed(self, runs: Sequence[Run]) -> Iterator[Executed]:
        """Execute runs of one job and yield each when it has ended; raises `KeyboardInterrupt`."""


def _waiting(job: str, days: StationDays) -> dict[StationDay, str]:
    """Return the station-days of which a stage before has made nothing, and which stage that is."""
    waiting: dict[StationDay, str] = {}
    if job in days.stages:
        with days.look() as seen:
            stage = seen.stages[job]
            for key in seen.all():
                lacks = next((name for name in stage.inputs if not seen.stages[name].exists(key)), None)
                if lacks is not None and not stage.has_nothing_to_do(key):
                    waiting[key] = lacks
    return waiting


def _station_day_runs(job: str, days: StationDays, waiting: Collection[StationDay]) -> Iterator[Run]:
    wanted = set(days.all()).difference(waiting)
    for block in plan(wanted, days.stations, days.settings.operations.station_days_per_run):
        what = f"{len(block.stations)} stations, {block.first} ... {block.last}"
        yield Run(job, what, tags=block.tags())


def training_runs(job: str, days: StationDays, again: bool) -> list[Run]:
    """Return the runs that a job of training needs; what is current is left out unless ``again`` is set."""
    settings = days.settings
    if job == jobs.TRIALS:
        keys: list[str] = list(settings.aec.grid.trials())
    elif job in jobs.in_partitions(settings):
        keys = [str(k) for k in jobs.counts_of(job, settings)]
    elif job == ENVIRONMENT:
        keys = list(series_names(settings))
    else:
        return [] if not again and _is_current(job, days, "") else [Run(job, "")]
    return [Run(job, key, partition=key) for key in keys if again or not _is_current(job, days, key)]


def _is_current(job: str, days: StationDays, key: str) -> bool:
    """Return whether what a job makes exists and is what the present settings and inputs would give.

    What is damaged, or was made from something damaged, is made again.
    """
    with suppress(DamagedFileError):
        # What trains brings torch and scikit-learn: seconds, which an analysis does not need.
        is_current = analysis_is_current if job in analysis_jobs(days.settings) else _training_is_current
        return is_current(job, days, key)
    return False


def _training_is_current(job: str, days: StationDays, key: str) -> bool:
    from ris_core.clustering.candidate_models import candidate_is_current
    from ris_core.clustering.criteria_run import criteria_are_current
    from ris_core.clustering.dec_models import dec_is_current
    from ris_core.clustering.features import features_are_current
    from ris_core.clustering.initial_clusters import clusters_are_current
    from ris_core.clustering.latents import latents_are_current
    from ris_core.clustering.ranking_file import ranking_is_current
    from ris_core.clustering.reviewed.class_model_files import class_model_is_current
    from ris_core.clustering.stability_run import stability_is_current
    from ris_core.review.class_model_run import review_digest
    from ris_core.review.pool import processed_events
    from ris_core.review.queue_file import queue_is_current
    from ris_core.review.state import read_state
    from ris_core.training.aec_choice import choice_is_current
    from ris_core.training.event_sources import is_current, sources_of
    from ris_core.training.trials import trial_is_current

    settings, layout = days.settings, days.layout
    dec, normalisation, count = settings.dec, settings.normalisation, settings.cluster_count

    def training_set_is_current() -> bool:
        with days.look() as seen:
            sources = sources_of(seen.process, seen.all(), settings.training_set)
        return is_current(layout, sources, settings.training_set)

    def suggestions_are_current() -> bool:
        with days.look() as seen:
            processed = processed_events(seen.process, seen.all())
        return queue_is_current(layout, settings, processed)

    def criteria_of_are_current(representation: str) -> bool:
        other = representation != settings.criteria_representation
        return other or criteria_are_current(layout, count, normalisation, representation)

    def fit_is_current(representation: str) -> bool:
        return features_are_current(layout, representation, settings, normalisation) and criteria_of_are_current(
            representation
        )

    current: dict[str, Callable[[], bool]] = {
        jobs.DRAW: training_set_is_current,
        jobs.TRIALS: lambda: trial_is_current(layout, key, settings.aec, normalisation),
        jobs.ENCODE: lambda: (
            choice_is_current(layout, settings.aec, normalisation)
            and latents_are_current(layout, normalisation)
            and criteria_of_are_current(AEC_DEC.representation)
        ),
        jobs.CLUSTERS: lambda: clusters_are_current(layout, int(key), dec, normalisation),
        jobs.DEC: lambda: dec_is_current(layout, int(key), dec, normalisation),
        jobs.RANK: lambda: ranking_is_current(layout, settings),
        jobs.QUEUE: suggestions_are_current,
        jobs.CLASS_MODEL: lambda: class_model_is_current(
            layout, settings, review_digest(read_state(layout, settings.review))
        ),
        jobs.ASSESS: lambda: stability_is_current(layout, settings),
    }
    for name in settings.fitted_representations:
        current[jobs.fit_job(name)] = partial(fit_is_current, name)
    for candidate in settings.candidate_names:
        if candidate != AEC_DEC and job == jobs.candidate_job(candidate):
            current[job] = partial(candidate_is_current, layout, candidate, int(key), settings, normalisation)
    return job in current and current[job]()


def all_jobs(settings: Settings, bindings: Bindings, reviewed: bool = False) -> list[str]:
    """Return the names of all jobs in the order of the method; those of the reviews only if there are any."""
    # Stages that need waveforms do nothing for imported station-days.
    possible = [b for b in bindings.wanted_by(settings) if not (settings.imported and b.stage.reads_waveforms)]
    names = [
        *(binding.name for binding in possible if not binding.after_training),
        *jobs.training_jobs(settings, reviewed),
        *(binding.name for binding in possible if binding.after_training),
        jobs.QUEUE,
        jobs.ASSESS,
        *analysis_jobs(settings),
    ]
    return [*names, jobs.SCORE] if isinstance(settings.source, SyntheticSettings) else names


def run_jobs(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    days: StationDays,
    names: Sequence[str],
    again: bool = False,
    report: Callable[[str], None] = print,
    at_once: AtOnce | None = None,
) -> list[Executed]:
    """Run jobs in order in this process and return what failed.

    With `at_once`, trials and numbers of clusters are trained by it, several of a job at once.

    A block with failed station-days does not stop the rest, nor does one of several trials or numbers of clusters, nor
    a candidate that is not to be champion. Any other failed training does: what follows needs it. Clusters of features
    that could not be made are left out: they would fail for no reason of their own.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C or SIGTERM; what was finished stays.
    """
    failed: list[Executed] = []
    for number, name in enumerate(names, start=1):
        before = jobs.input_of(name, days.settings)
        if before and any(done.run.job == before for done in failed):
            report(f"[{number}/{len(names)}] {name}: left out, since {before} failed")
            continue
        waiting = _waiting(name, days)
        is_of_days = name in days.stages
        runs = list(_station_day_runs(name, days, waiting)) if is_of_days else training_runs(name, days, again)
        nothing = "nothing can be done" if waiting else "everything is current"
        report(f"[{number}/{len(names)}] {name}: " + (f"{len(runs)} run(s)" if runs else nothing))
        if waiting:
            lacks = list(dict.fromkeys(waiting.values()))
            lack = " or ".join(f"not {days.stages[before].done}" for before in lacks)
            left_out = f"{len(waiting)} station-day(s) {lack}, and left out: {_named(list(waiting))}"
            report(f"    {left_out}")
            # Where the stage before was run as well, its failures say why.
            if not runs and not set(lacks) & set(names):
                failed.append(Executed(Run(name, ""), "no run", left_out))
        together = at_once if len(runs) > 1 and name in jobs.in_partitions(days.settings) else None
        for done in together.executed(runs) if together else _one_by_one(definitions, instance, runs, report):
            if together:
                report(f"    {done.run.what}")
            if done.error:
                failed.append(done)
                report(f"    FAILED {done.error}")
        for run in end_killed_runs(instance) if together else []:
            report(f"    {run.job_name} {partition_of(run.tags)}: failed in Dagster too, since its process was killed")
        all_needed = jobs.needed(days.settings, jobs.CLASS_MODEL in names) - jobs.in_partitions(days.settings)
        if failed and failed[-1].run.job == name and name in all_needed:
            break
    return failed


def _one_by_one(
    definitions: dg.Definitions, instance: dg.DagsterInstance, runs: Sequence[Run], report: Callable[[str], None]
) -> Iterator[Executed]:
    for run in runs:
        if run.what:
            report(f"    {run.what}")
        yield execute(definitions, instance, run)


def _named(keys: Sequence[StationDay]) -> str:
    more = ", ..." if len(keys) > _NAMED_AT_MOST else ""
    return ", ".join(str(key) for key in keys[:_NAMED_AT_MOST]) + more


def execute(definitions: dg.Definitions, instance: dg.DagsterInstance, run: Run) -> Executed:
    """Execute one run in this process, recorded as a run of its job in the code location of the servers.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C or SIGTERM; what was finished stays.
    """
    # The command says what failed, and its user decides what is run again.
    tags = of_user("ris run") | run.tags | never_retried() | {PROCESS_TAG: this_process()}
    with runs_of_location(instance, SHIPPED / "workspace.yaml"):
        result = definitions.resolve_job_def(run.job).execute_in_process(
            run_config=_QUIET,
            instance=instance,
            partition_key=run.partition,
            tags=tags,
            raise_on_error=False,
        )
    if result.success:
        return Executed(run, result.run_id)
    if _was_interrupted(result):
        raise KeyboardInterrupt
    return Executed(run, result.run_id, error_of(result.all_events))


def _was_interrupted(result: Any) -> bool:
    """Return whether Ctrl-C or SIGTERM ended the run; Dagster turns them into a step failure."""
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return any(e is not None and e.cls_name == "DagsterExecutionInterruptedError" for e in errors)


def error_of_step(event: dg.DagsterEvent) -> str:
    """Return why a step failed."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    return str((error.cause or error).message).strip() if error else "no reason is known"


def error_of(events: Iterable[dg.DagsterEvent]) -> str:
    """Return why a run failed, from its events."""
    ended = ""
    for event in events:
        if event.is_step_failure:
            return error_of_step(event)
        if event.event_type in _ENDED:
            ended = event.message or ended
    return ended or "the run failed before its first step; see its log in the Dagster UI"
