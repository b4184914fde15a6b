"""Links against the truth: ``python -m bench.analysis --seeds 20``.

The synthetic network's catalogue of two years at three stations, drawn at the rate of the published archive and at
five times that, with five classes that have no cause: Poisson with a season, swarms (30 events in 6 h), episodes (150
in 2 days), season times hour of the day, and swarms with a season. Events are found by chance, by their SNR against the
noise of the hour. Live time lacks a tenth at random, half of the stormy hours, and an hour each day. Each class is
tested against each series by the settings' defaults; the claims are compared with the laws of the generator. Then a
fifth of the labels are made wrong, and counts are used as labelled, and unmixed with a confusion from 500 tested events
of each class.

The seed is the unit: stations share the weather. Settings were tuned on seeds 1 to 50. Finished runs are kept in a file
of JSON lines; an interrupted benchmark continues from there.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.runs import Row, Task, plain, quiet_threads, run_all
from ris_core import versions
from ris_core.config.links import LinksSettings
from ris_core.section import digest_of

VERSION = 1
CACHE = Path(tempfile.gettempdir()) / "ris_bench"


def tasks_of(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks, each with everything that influences its result."""
    links = LinksSettings.model_validate(arguments.links).model_dump(mode="json")
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for rate in arguments.rates:
            yield {
                "seed": seed,
                "events_per_day": rate,
                "wrong": arguments.wrong,
                "tested": arguments.tested,
                "late_hours": arguments.late_hours,
                "links": links,
            }


def key_of(task: Task) -> str:
    """Return the digest under which a task's result is kept."""
    return digest_of([VERSION, versions.LINKS, task])


def _run(task: Task, cache: str) -> list[Row]:
    from bench.analysis_run import run

    return run(task, cache)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="number of generator seeds")
    parser.add_argument("--first-seed", type=int, default=101, help="the first; 1-50 are for tuning")
    parser.add_argument("--rates", type=float, nargs="+", default=[42.0, 210.0], help="true events per station-day")
    parser.add_argument("--wrong", type=float, default=0.2, help="share of wrong labels; 0: right labels alone")
    parser.add_argument("--tested", type=int, default=500, help="tested events of each class, for the confusion")
    parser.add_argument("--late-hours", type=float, default=0.0, help="error of the times of all series, h")
    parser.add_argument("--links", type=json.loads, default={}, help="JSON: other values of the section links")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once")
    parser.add_argument("--results", type=Path, default=CACHE / "analysis.jsonl", help="file of finished runs")
    return parser.parse_args()


def main() -> None:
    """Parse the command line, run, and print conditions, tables and RESULT."""
    quiet_threads()
    arguments = _arguments()
    console = Console(width=max(Console().width, 160))
    tasks = list(tasks_of(arguments))
    keys = [key_of(task) for task in tasks]
    rows = run_all(_run, tasks, keys, arguments.results, arguments.results.parent, arguments.workers)
    from bench.analysis_tables import report

    result: dict[str, Any] = report(rows, console)
    names = ("seeds", "first_seed", "rates", "wrong", "tested", "late_hours", "links")
    result["conditions"] = {name: getattr(arguments, name) for name in names} | {"cores": os.cpu_count()}
    console.print(f"load average {os.getloadavg()[0]:.1f}")
    console.print("Conditions: " + json.dumps(result["conditions"]))
    print("RESULT " + json.dumps(plain(result), allow_nan=False))


if __name__ == "__main__":
    main()
