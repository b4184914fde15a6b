"""The cost of operating: ``python -m bench.operations --stations 2 --days 30 --partitions 24820``.

A block of tiny station-days (two minutes of samples with one event, in an SDS archive) is acquired and processed in
three ways: by a backfill of the Dagster UI, by `ris backfill --inline`, and by `ris backfill` through the daemon with
two Dask workers; the products must be the same bytes. It also measures the cost of a killed run, the time to load the
code location, and the memory of the servers over a large record. All servers, workers and commands are processes of the
benchmark, on free ports of the loopback address, and end with it.

Orchestration per station-day is (wall time - W / lanes) / station-days: W is the sum of the seconds of the stages of
all station-days, from their metadata, and lanes is the number of station-days that are worked on at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.table import Table

from bench.archive import write_archive
from bench.operations_memory import STATIONS, with_many_recorded
from bench.operations_network import Network, clear_environment, first_days, network_of
from bench.operations_parts import (
    RUNS_AT_ONCE,
    WORKERS,
    after_kill,
    by_command_inline,
    by_command_on_dask,
    by_ui,
    load_seconds,
)

PARTS = ("backfills", "kill", "load", "memory")
_WAYS = {
    "backfill of the UI": by_ui,
    "ris backfill --inline": by_command_inline,
    "ris backfill, Dask": by_command_on_dask,
}


def run(folder: Path, parts: list[str], stations: int, days: int, partitions: int) -> dict[str, Any]:
    """Run the requested parts and return their figures, with the load of the machine before each.

    Raises
    ------
    RuntimeError
        One of the ways did not make the whole block, or made other bytes.
    """
    names, dates = [f"S{n:02d}" for n in range(1, stations + 1)], first_days(days)
    archive = folder / "archive"
    write_archive(archive, names, dates)

    def network(name: str) -> Network:
        return network_of(folder / name, archive, names, dates)

    found: dict[str, Any] = {"station_days": stations * days}
    products: dict[str, dict[str, bytes]] = {}
    if "backfills" in parts:
        found["backfills"] = {}
        for number, (way, fill) in enumerate(_WAYS.items()):
            _tell(way)
            filled, load = network(f"way{number}"), os.getloadavg()[0]
            found["backfills"][way] = _told(fill(filled) | {"load_average": load})
            products[way] = filled.products()
    if "kill" in parts:
        _tell("kill")
        filled, load = network("killed"), os.getloadavg()[0]
        found["kill"] = _told(after_kill(filled) | {"load_average": load})
        products["kill"] = filled.products()
    if products:
        first, *others = products.values()
        different = [name for name, made in zip(list(products)[1:], others, strict=True) if made != first]
        if different:
            raise RuntimeError(f"other bytes than by {next(iter(products))}: {', '.join(different)}")
        found["same_bytes"] = {"ways": list(products), "files": len(first)}
    if "load" in parts:
        _tell("load")
        whole = network_of(folder / "whole", archive, STATIONS, first_days(730))
        load = os.getloadavg()[0]
        found["load"] = _told({"seconds": load_seconds(whole, folder), "load_average": load})
    if "memory" in parts:
        _tell("memory")
        load = os.getloadavg()[0]
        found["memory"] = _told(with_many_recorded(folder / "large", partitions) | {"load_average": load})
    return found


def _tell(part: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {part}", file=sys.stderr, flush=True)


def _told(figures: dict[str, Any]) -> dict[str, Any]:
    # A part takes minutes: its figures must not be lost if a later part fails.
    _tell(json.dumps(figures))
    return figures


def tables_of(found: dict[str, Any]) -> list[Table]:
    """Return the figures as tables, one for each part."""
    tables = []
    if "backfills" in found:
        ways = found["backfills"]
        table = Table(f"{found['station_days']} station-days", *ways)
        for name, key, form in (
            ("wall time, s", "wall_s", ".1f"),
            ("until the last run had ended, s", "last_run_ended_s", ".1f"),
            ("runs", "runs", "d"),
            ("inside the stages, all station-days, s", "work_s", ".1f"),
            ("lanes", "lanes", "d"),
            ("orchestration per station-day, s", "orchestration_s_per_station_day", ".3f"),
            ("load average before", "load_average", ".1f"),
        ):
            table.add_row(name, *(format(way[key], form) for way in ways.values()))
        tables.append(table)
    if "kill" in found:
        kill = found["kill"]
        table = Table("a run killed with SIGKILL", "")
        table.add_row("station-days missing of all", f"{kill['missing_after_kill']} of {kill['station_days']}")
        table.add_row("until `ris backfill` ended and named them, s", f"{kill['command_ended_s']:.1f}")
        table.add_row("until nothing was missing, s", f"{kill['caught_up_s']:.1f}")
        table.add_row("repetitions of `ris backfill`", str(kill["repeated"]))
        table.add_row("runs of process in all", str(kill["process_runs"]))
        table.add_row("load average before", f"{kill['load_average']:.1f}")
        tables.append(table)
    if "load" in found:
        load = found["load"]
        table = Table("code location, 34 × 730 station-days", "")
        table.add_row("load, best of three processes, s", f"{min(load['seconds']):.1f}")
        table.add_row("load, all three, s", ", ".join(f"{s:.1f}" for s in load["seconds"]))
        table.add_row("load average before", f"{load['load_average']:.1f}")
        tables.append(table)
    if "memory" in found:
        memory = found["memory"]
        table = Table(f"{memory['partitions']:,} station-days recorded", "started, MB", "assets looked at, MB")
        for name, after in memory["page_loaded_rss_mb"].items():
            table.add_row(name, f"{memory['started_rss_mb'].get(name, 0):.0f}", f"{after:.0f}")
        table.add_row("GraphQL of three assets, s", "", f"{memory['page_s']:.1f}")
        table.add_row(f"database of {memory['events']:,} events, MB", "", f"{memory['database_mb']:.0f}")
        table.add_row("load average before", "", f"{memory['load_average']:.1f}")
        tables.append(table)
    return tables


def main() -> None:
    """Parse the command line, run, and print tables and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=2, help="stations of the network (default: %(default)s)")
    parser.add_argument("--days", type=int, default=30, help="days of each station (default: %(default)s)")
    parser.add_argument("--partitions", type=int, default=34 * 730, help="station-days recorded for the part memory")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure (default: all)")
    arguments = parser.parse_args()
    clear_environment()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ris-operations-") as folder:
        found = run(Path(folder), arguments.parts, arguments.stations, arguments.days, arguments.partitions)
    console = Console(width=120)
    for table in tables_of(found):
        console.print(table)
    if "same_bytes" in found:
        same = found["same_bytes"]
        console.print(f"{same['files']} products, byte-identical: {', '.join(same['ways'])}")
    console.print(
        f"{os.cpu_count()} cores, SQLite, at most {RUNS_AT_ONCE} runs at once, {WORKERS} Dask workers of one thread, "
        f"Dagster {dg.__version__}, Python {sys.version.split()[0]}; {time.monotonic() - started:.0f} s in all"
    )
    print("RESULT " + json.dumps({"cores": os.cpu_count(), "dagster": dg.__version__} | found))


if __name__ == "__main__":
    main()
