"""Unfinished MLflow runs of ended processes: which one is continued, and which ones are ended."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

import dagster as dg

from ris_dagster.mlflow_adapter.mlflow_tags import NOTE
from ris_dagster.processes import has_ended, is_of_this_host, this_process

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ASSET_TAG, PARTITION_TAG, CONFIGURATION_TAG = "ris.asset", "ris.partition", "ris.configuration"
DAGSTER_RUN_TAG, WRITER_TAG, ATTEMPTS_TAG = "dagster.run_id", "ris.process", "ris.attempts"
ALIVE_TAG = "ris.alive"
"""Tag with the latest heartbeat of the process that writes to a run, in seconds since 1970."""
BEAT_S = 60.0
SILENT_S = 600.0
"""A process of another host without a heartbeat for this long counts as ended; clocks must differ by less than this."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One execution of an asset's body.

    Attributes
    ----------
    asset, partition
        What is made; the partition is empty if there is none.
    configuration
        Digest of everything that influences the result.
    dagster_run
        Identifier of the Dagster run.
    """

    asset: str
    partition: str
    configuration: str
    dagster_run: str

    def tags(self, attempts: int) -> dict[str, str]:
        """Return the tags with which a later attempt finds the MLflow run of this one."""
        return {
            ASSET_TAG: self.asset,
            PARTITION_TAG: self.partition,
            CONFIGURATION_TAG: self.configuration,
            DAGSTER_RUN_TAG: self.dagster_run,
            WRITER_TAG: this_process(),
            ATTEMPTS_TAG: str(attempts),
            ALIVE_TAG: _now(),
        }


@contextmanager
def heartbeat(client: "MlflowClient", run_id: str, every_s: float = BEAT_S) -> Iterator[None]:
    """Write the time into a tag of a run at regular intervals while the block works."""
    from mlflow.exceptions import MlflowException

    ended = Event()

    def beat() -> None:
        while not ended.wait(every_s):
            try:
                client.set_tag(run_id, ALIVE_TAG, _now())
            except MlflowException as error:
                # Errors of the training's own logging show whether MLflow is permanently unreachable.
                logger.warning("run %s: the heartbeat could not be written: %s", run_id, error)

    thread = Thread(target=beat, name="mlflow-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(BEAT_S)


def take_over(client: "MlflowClient", experiment: str, attempt: Attempt, instance: dg.DagsterInstance) -> "Run | None":
    """Return the MLflow run that an attempt continues, or None; end runs of dead processes as KILLED.

    It is the latest unfinished run of the same asset, partition and configuration, if no later one has finished and no
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


def go_on_or_begin(
    client: "MlflowClient",
    experiment: str,
    name: str,
    earlier: "Run | None",
    attempt: Attempt,
    tags: dict[str, str],
    link: str,
) -> "Run":
    """Return a run that is RUNNING: a continued one, or a new one; a link to the Dagster run is in its description."""
    from mlflow.entities import RunTag

    if earlier is None:
        return client.create_run(experiment, run_name=name, tags=attempt.tags(attempts=1) | tags | {NOTE: link})
    run_id = earlier.info.run_id
    attempts = int(earlier.data.tags.get(ATTEMPTS_TAG, 1)) + 1
    client.update_run(run_id, status="RUNNING")
    # A description that a person has written stays.
    said = earlier.data.tags.get(NOTE, "")
    note = said if link in said else f"{said}\n\n{link}".lstrip()
    changed = attempt.tags(attempts) | tags | {NOTE: note}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in changed.items()])
    return client.get_run(run_id)


def _is_alive(tags: dict[str, str], attempt: Attempt, instance: dg.DagsterInstance) -> bool:
    """Return whether a living process may write to a run.

    For a while, or for ever, Dagster counts a run as in progress although its process was killed. So on this machine
    the process itself is looked up, and on other machines its heartbeat must not be older than `SILENT_S`.
    """
    dagster_run = tags.get(DAGSTER_RUN_TAG)
    if dagster_run is None or dagster_run == attempt.dagster_run:
        return False  # not ours, or an earlier attempt of the same step
    known = instance.get_run_by_id(dagster_run)
    if known is not None and known.is_finished:
        return False
    process = tags.get(WRITER_TAG, "")
    if is_of_this_host(process):
        return not has_ended(process)
    return time.time() - float(tags.get(ALIVE_TAG, "0")) < SILENT_S


def _now() -> str:
    return f"{time.time():.0f}"
