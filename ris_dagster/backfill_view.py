"""`ris backfill` in a terminal: the plan, the progress, and the result."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ris_core.config import OperationsSettings
from ris_core.contracts.station_day import StationDay
from ris_core.masking import masked
from ris_core.station_days.station_days import StationDays
from ris_dagster.adapter.asset_graph import asset_graph_of
from ris_dagster.adapter.queueing import queue_is_served
from ris_dagster.backfill import Asked, Backfill, Failure, outstanding, plan_blocks
from ris_dagster.bindings import Bindings
from ris_dagster.definitions import build_definitions
from ris_dagster.launching import Launcher, LaunchError, inline, queue
from ris_dagster.planning import Block
from ris_dagster.terminal_table import TerminalTable

_ROWS_AT_MOST = 20
EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 2, 130


def run_backfill(
    console: Console,
    days: StationDays,
    bindings: Bindings,
    instance: dg.DagsterInstance,
    asked: Asked,
    *,
    workspace: Path | None,
    at_once: int,
    confirm: Callable[[int], bool],
) -> int:
    """Show the plan, start it, follow it, and say what failed.

    Parameters
    ----------
    console
        The terminal.
    days, bindings, instance
        The network, its stages, and its Dagster instance.
    asked
        The request.
    workspace
        The workspace file of daemon and webserver; None: the runs are executed in this process.
    at_once
        Most runs that wait or work at once.
    confirm
        Called with the number of blocks; returns whether to begin.

    Returns
    -------
    int
        Exit code: 0, 1 if station-days failed, 2 if it could not begin, 130 after Ctrl-C.
    """
    todo = outstanding(days, bindings, instance, asked)
    blocks = plan_blocks(days, todo)
    console.print(stages_table(asked, todo))
    if not blocks:
        console.print("Everything is current; there is nothing to do.")
        return 0
    console.print(blocks_table(blocks, todo))
    if not confirm(len(blocks)):
        return 0
    way: AbstractContextManager[Launcher] = (
        inline(days.settings, instance) if workspace is None else queue(instance, workspace)
    )
    graph = asset_graph_of(build_definitions(days.settings, bindings=bindings))
    try:
        with way as launcher:
            backfill = Backfill(days, bindings, instance, graph, launcher, asked, todo, at_once if workspace else 1)
            try:
                _follow(console, instance, backfill, todo, live=workspace is not None)
            except KeyboardInterrupt:
                _interrupted(console, backfill)
                return EXIT_INTERRUPTED
    except LaunchError as error:
        console.print(masked(str(error)), style="red", soft_wrap=True)
        return EXIT_REFUSED
    return _conclude(console, days.settings.operations, backfill)


def stages_table(asked: Asked, todo: Mapping[str, set[StationDay]]) -> TerminalTable:
    """Return how much of each stage is to be done."""
    out = TerminalTable("stage", "to do", "current", title=f"{len(asked.keys)} station-days", title_justify="left")
    before = False
    for stage, keys in todo.items():
        # Later stages of an acquisition are only known to be out of date when it is done.
        upper = "at most " if before and keys else ""
        out.add_row(stage, f"{upper}{len(keys)}", str(len(asked.keys) - len(keys)))
        before = before or bool(keys)
    return out


def blocks_table(blocks: Sequence[Block], todo: Mapping[str, Collection[StationDay]]) -> TerminalTable:
    """Return the first blocks of a plan, with what each stage has to do in them."""
    out = TerminalTable(
        "block", "stations × days", *todo, title=f"{len(blocks)} blocks, oldest first", title_justify="left"
    )
    for block in blocks[:_ROWS_AT_MOST]:
        keys = set(block.keys())
        size = f"{len(block.stations)} × {len(block) // len(block.stations)}"
        out.add_row(str(block), size, *(str(len(keys.intersection(todo[stage]))) for stage in todo))
    if len(blocks) > _ROWS_AT_MOST:
        out.add_row(f"and {len(blocks) - _ROWS_AT_MOST} more, up to {max(b.last for b in blocks)}")
    return out


class _Rate(ProgressColumn):
    """Station-days per minute."""

    def render(self, task: Task) -> Text:
        """Return the rate, or a dash before anything is done."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed * 60:.1f}/min" if speed else "-/min")


def _follow(
    console: Console,
    instance: dg.DagsterInstance,
    backfill: Backfill,
    todo: Mapping[str, set[StationDay]],
    live: bool,
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    # For runs in this process the bar of each block is shown instead.
    progress = Progress(*columns, console=console, disable=not live, speed_estimate_period=600)
    tasks = {stage: progress.add_task(stage, total=len(keys)) for stage, keys in todo.items()}
    told = False

    def look(going: Backfill) -> None:
        nonlocal told
        for stage, count in going.done().items():
            progress.update(tasks[stage], completed=count)
        served = not live or queue_is_served(instance)
        if not served and not told:
            progress.console.print(
                "No daemon takes runs from the queue: they wait until one is started (`make ui`). Ctrl-C leaves them "
                "in the queue.",
                style="red",
            )
        told = not served

    with progress:
        backfill.run(look, lambda line: progress.console.print(line, soft_wrap=True))
        look(backfill)


def _interrupted(console: Console, backfill: Backfill) -> None:
    console.print("Stopped: nothing more is started. Finished work is kept; the same command continues from there.")
    for run_id, work in backfill.report.working.items():
        console.print(f"  continues: {work.group.stage} {work.block} (run {run_id})", soft_wrap=True)
    if backfill.report.working:
        console.print("The daemon works on these; they can be terminated in the Dagster UI, under Runs.")


def _conclude(console: Console, operations: OperationsSettings, backfill: Backfill) -> int:
    report = backfill.report
    if report.left_out:
        console.print(
            f"{len(report.left_out)} station-days were left to other runs that work on them; when those are over, the "
            "same command makes what is still missing."
        )
    if not report.failures:
        console.print("Done.")
        return 0
    console.print(f"{len(report.failures)} failed:", style="red")
    for failure in report.failures[:_ROWS_AT_MOST]:
        console.print(_line(failure), soft_wrap=True)
    if len(report.failures) > _ROWS_AT_MOST:
        console.print(f"  ... and {len(report.failures) - _ROWS_AT_MOST} more; `ris status` lists them all")
    console.print(
        "Repair what the errors name and repeat the command: only what is missing is done. After "
        f"{operations.attempts} attempts `catch_up` gives a station-day up, until `ris reset`.",
        soft_wrap=True,
    )
    return EXIT_FAILED


def _line(failure: Failure) -> str:
    return f"  {failure.stage} {failure.key}: {failure.error}"
