"""Runs of commands that were killed: only a later command on the same machine can tell Dagster that they ended."""

import dagster as dg

from ris_dagster.processes import executing_process, has_ended
from ris_dagster.records import AT_WORK

_ENDED = (
    "The process that executed this run has ended without a word: it was killed, ran out of memory, or the machine "
    "stopped. What was finished is kept; the same command makes the rest."
)


def end_killed_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Report runs as failed that a command executed on this machine until its process ended, and return them."""
    working = instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK)))
    ended = [run.run_id for run in working if has_ended(executing_process(run))]
    # Read again: some may have ended well before their process did, since the first look.
    killed = [run for run in map(instance.get_run_by_id, ended) if run is not None and run.status in AT_WORK]
    for run in killed:
        instance.report_run_failed(run, _ENDED)
    return killed
