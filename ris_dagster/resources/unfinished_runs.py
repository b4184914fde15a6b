"""MLflow runs that a process left unfinished: which of them goes on, and which are ended."""

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
import psutil

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ASSET_TAG, PARTITION_TAG, CONFIGURATION_TAG = "ris.asset", "ris.partition", "ris.configuration"
DAGSTER_RUN_TAG, PROCESS_TAG, ATTEMPTS_TAG = "dagster.run_id", "ris.process", "ris.attempts"
_CLOCK_S = 2.0


@dataclass(frozen=True)
class Attempt:
    """One execution of an asset's body.

    Attributes
    ----------
    asset, partition
        What is made; the partition is empty where there is none.
    configuration
        Digest of all that decides about the result.
    dagster_run
        Identifier of the Dagster run.
    """

    asset: str
    partition: str
    configuration: str
    dagster_run: str

    def tags(self, attempts: int) -> dict[str, str]:
        """Return the tags by which a later attempt finds the MLflow run of this one."""
        return {
            ASSET_TAG: self.asset,
            PARTITION_TAG: self.partition,
            CONFIGURATION_TAG: self.configuration,
            DAGSTER_RUN_TAG: self.dagster_run,
            PROCESS_TAG: this_process(),
            ATTEMPTS_TAG: str(attempts),
        }


def this_process() -> str:
    """Return host, process id and start (s since 1970) of this process."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def take_over(client: "MlflowClient", experiment: str, attempt: Attempt, instance: dg.DagsterInstance) -> "Run | None":
    """Return the MLflow run that an attempt goes on with, or None; what dead processes left RUNNING is ended KILLED.

    It is the latest unfinished run of the same asset, partition and configuration, if none has finished since and no
    living process writes to it.
    """
    query = f"tags.`{ASSET_TAG}` = '{attempt.asset}' and tags.`{PARTITION_TAG}` = '{attempt.partition}'"
    found: Run | None = None
    done = False
    for run in client.search_runs([experiment], query, order_by=["attributes.start_time DESC"]):
        same = run.data.tags.get(CONFIGURATION_TAG) == attempt.configuration
        if run.info.status == "FINISHED":
            done = done or same
        elif run.info.status == "RUNNING" and _is_alive(run.data.tags, attempt, instance):
            continue
        elif same and found is None and not done:
            found = run
        elif run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
    return found


def _is_alive(tags: dict[str, str], attempt: Attempt, instance: dg.DagsterInstance) -> bool:
    """Return whether a living process may write to a run.

    Dagster believes for a while, or for ever, that a run whose process was killed is in progress; so on this machine
    the process itself is looked for as well.
    """
    dagster_run = tags.get(DAGSTER_RUN_TAG)
    if dagster_run is None or dagster_run == attempt.dagster_run:
        return False  # not ours; or an attempt before this one of the same step
    known = instance.get_run_by_id(dagster_run)
    if known is not None and known.is_finished:
        return False
    return not _has_ended(tags.get(PROCESS_TAG, ""))


def _has_ended(process: str) -> bool:
    """Return whether a process ran on this machine and does not any more."""
    host, _, rest = process.partition(" ")
    if host != socket.gethostname():
        return False
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        # Killed but not yet waited for by its parent; or another process that has got the same number since.
        return bool(found.status() == psutil.STATUS_ZOMBIE) or abs(found.create_time() - float(started)) > _CLOCK_S
    except psutil.NoSuchProcess:
        return True
