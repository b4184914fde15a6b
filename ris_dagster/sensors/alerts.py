"""The sensor `failure_alert`: failed runs are logged and sent to the addresses in the environment."""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_dagster.adapter.run_tags import partition_of, partition_range_of, will_be_retried
from ris_dagster.alerting import Alert, send, without_secrets
from ris_dagster.bindings import Bindings
from ris_dagster.links import DAGSTER_UI
from ris_dagster.method_runs import error_of_step
from ris_dagster.processes import executing_process
from ris_dagster.resources.data_store import DataStore

_LONGEST_ERROR = 4000


def build_failure_alert(settings: Settings, bindings: Bindings) -> dg.SensorDefinition:
    """Return the sensor that reports failed runs of this network."""
    running = settings.operations.failure_alert

    @dg.run_failure_sensor(
        name="failure_alert",
        description="Logs every failed run with what to do, and sends it to RIS_ALERT_WEBHOOK or by RIS_ALERT_SMTP_URL "
        "if they are set. Runs that a command executes itself, like `ris run`, are not among them: it says what fails.",
        default_status=dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED,
    )
    def failure_alert(context: dg.RunFailureSensorContext) -> None:
        if executing_process(context.dagster_run):
            return
        failures = list(context.get_step_failure_events())
        run, message = context.dagster_run, context.failure_event.message
        alert = alert_of(
            settings.network.name, run, failures, message, _given_up(DataStore.of(settings), bindings, run)
        )
        context.log.error(without_secrets(f"{alert.subject}\n{alert.text}"))
        for address in send(alert):
            context.log.info(f"told {address}")

    return failure_alert


def _given_up(store: DataStore, bindings: Bindings, run: dg.DagsterRun) -> set[str]:
    """Return the station-days of a run's stages that are given up by now."""
    stages = bindings.of_run(run)
    if not stages:
        return set()
    days = store.station_days(bindings.kinds)
    return {str(key) for stage, key in days.given_up() if stage in stages}


def alert_of(
    network: str,
    run: dg.DagsterRun,
    failures: Sequence[dg.DagsterEvent],
    message: str | None,
    left_alone: Collection[str] = (),
) -> Alert:
    """Return the alert for a failed run.

    Parameters
    ----------
    network
        Name of the network.
    run
        The run.
    failures
        Its step failures; none if its process died or never started.
    message
        Dagster's message about the failure.
    left_alone
        Station-days that are given up; the alert names those that failed in this run.
    """
    block = block_of(run.tags)
    errors = [error_of_step(event) for event in failures] or [message or "no reason is known"]
    # Masked before it is shortened, which could cut an address in half.
    error = without_secrets("\n".join(errors))[:_LONGEST_ERROR]
    failed = [key for event in failures for key in _failed_keys(event)]
    again = will_be_retried(run)
    ui = os.environ.get(DAGSTER_UI, "").rstrip("/")
    url = f"{ui}/runs/{run.run_id}" if ui else ""
    lines = [
        f"network: {network}",
        f"job: {run.job_name}" + (f", {block}" if block else ""),
        f"run: {url or run.run_id}",
        f"error: {error}",
        f"what to do: {_advice(bool(failures), bool(failed), again)}",
    ]
    left = [key for key in failed if key in left_alone]
    if left:
        lines.append(f"given up: {', '.join(left)}; no sensor requests them until `ris reset`")
    details: dict[str, Any] = {
        "network": network,
        "job": run.job_name,
        "run_id": run.run_id,
        "block": block,
        "failed": failed,
        "given_up": left,
        "error": error,
        "started_again": again,
        "url": url,
    }
    what = f"{len(failed)} station-day(s) failed" if failed else "the run failed"
    return Alert(f"[{network}] {run.job_name}: {what}", "\n".join(lines), details)


def block_of(tags: Mapping[str, str]) -> str:
    """Return the partition or the block of station-days that a run is over, in words; empty if it has none."""
    ends = partition_range_of(tags)
    return " ... ".join(ends) if ends else partition_of(tags)


def _failed_keys(event: dg.DagsterEvent) -> list[str]:
    data = event.step_failure_data.user_failure_data
    found = data.metadata.get("failed") if data is not None else None
    value = found.value if found is not None else None
    return [str(key) for key in value] if isinstance(value, list) else []


def _advice(reported: bool, keys: bool, again: bool) -> str:
    if again:
        return "nothing yet: Dagster starts it again automatically"
    if not reported:
        return (
            "its process ended or never started: look at memory and disk of the machine and at the run's log; "
            "finished work is kept, and the same run continues from there"
        )
    if keys:
        return (
            "the other station-days of the block are done. `ris status` lists what failed and why; if `catch_up` runs, "
            "it repeats them, else repair the cause and materialize them"
        )
    return "repair what the error names and start the run again (Re-execute in the UI); finished work is not repeated"
