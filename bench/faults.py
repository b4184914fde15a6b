"""Damaged and hostile files against all readers: ``python -m bench.faults --fuzz 20000``.

Files of every kind that the platform reads are damaged (bits, bytes, blocks, cuts; numbers, words and nesting of text).
Then the functions of commands and runs read them in separate processes: a process that dies or exceeds the time limit
is counted, and another takes its place. The same seed damages the same files in the same way.

Outcomes: *same*, everything that was read is unchanged; *noted*, a note says what is left out, and the rest is right;
*error*, an error of the platform that names the file; *changed*, other values that cannot be detected in such a file (a
number of the settings, a time in a miniSEED header). The other outcomes are bad: *other*, any other error; *silent*,
other values that could be detected; *hang*; *crash*.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.faults_registry import all_targets
from bench.faults_targets import BAD, OUTCOMES
from bench.faults_workers import Case, Originals, Registry, Tried, make_originals, run_cases

SECONDS_PER_INPUT = 20.0


class Count:
    """The outcomes of the cases of each target."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of = {name: Counter[str]() for name in names}
        self.seconds = dict.fromkeys(names, 0.0)
        self.slowest = dict.fromkeys(names, 0.0)

    def add(self, tried: Tried) -> None:
        """Count a case."""
        name = tried.case.target
        self.of[name][tried.outcome] += 1
        self.seconds[name] += tried.seconds
        self.slowest[name] = max(self.slowest[name], tried.seconds)

    def table(self) -> Table:
        """Return one row for each target, and their sum."""
        table = Table("target", "inputs", *OUTCOMES, "s", "slowest, s", title="damaged files")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, found in self.of.items():
            shown = (_shown(outcome, found[outcome]) for outcome in OUTCOMES)
            table.add_row(name, f"{found.total():,}", *shown, f"{self.seconds[name]:.1f}", f"{self.slowest[name]:.2f}")
        total = sum(self.of.values(), Counter[str]())
        shown = (_shown(outcome, total[outcome]) for outcome in OUTCOMES)
        table.add_section()
        table.add_row("all", f"{total.total():,}", *shown, f"{sum(self.seconds.values()):.1f}", "")
        return table

    def result(self) -> dict[str, object]:
        """Return the figures by their names."""
        total = sum(self.of.values(), Counter[str]())
        return {"inputs": total.total(), **_named(total), "targets": {n: _named(found) for n, found in self.of.items()}}


def _shown(outcome: str, count: int) -> str:
    return f"[red]{count}[/red]" if outcome in BAD and count else f"{count:,}"


def _named(found: Counter[str]) -> dict[str, int]:
    plural = {"hang": "hangs", "crash": "crashes", "error": "errors"}
    return {plural.get(outcome, outcome): found[outcome] for outcome in OUTCOMES}


def cases(names: Sequence[str], count: int, first: int) -> Iterator[Case]:
    """Iterate over a number of cases, the targets in turn."""
    for number in range(count):
        yield Case(names[number % len(names)], first + number // len(names))


def keep(folder: Path, tried: Tried, seed: int, originals: Originals) -> None:
    """Write a damaged file, and beside it the damage, the outcome, and the command that repeats it."""
    case, folder = tried.case, folder / tried.case.target.replace(" ", "_").replace(",", "")
    path, content, done = originals.spoilt(seed, case)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{tried.outcome}-{seed}-{case.number}"
    (folder / f"{stem}-{path.name}").write_bytes(content)
    again = f"python -m bench.faults --seed {seed} --targets '{case.target}' --first {case.number} --fuzz 1"
    text = f"{tried.outcome}: {path.name}: {done}\n{tried.said}\n\n{again}\n"
    (folder / f"{stem}.txt").write_text(text, encoding="utf-8")


def run(
    names: Sequence[str],
    count: int,
    seed: int = 0,
    first: int = 0,
    workers: int = 1,
    limit: float = SECONDS_PER_INPUT,
    kept: Path | None = None,
    registry: Registry = all_targets,
) -> tuple[Count, list[Tried]]:
    """Try a number of cases of the targets of a registry; returns the counts and the bad cases."""
    found, bad = Count(names), []
    with tempfile.TemporaryDirectory(prefix="ris-faults-") as scratch:
        originals = make_originals(registry, Path(scratch) / "originals", names)
        for tried in run_cases(cases(names, count, first), seed, originals, workers, limit):
            found.add(tried)
            if tried.outcome in BAD:
                bad.append(tried)
                if kept is not None:
                    keep(kept, tried, seed, originals)
    return found, bad


def main() -> None:
    """Parse the command line, run, and print table and RESULT; the exit status is 1 after a bad outcome."""
    known = list(all_targets())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", type=int, default=20_000, metavar="N", help="damaged files, over all targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", nargs="+", choices=known, default=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each target")
    parser.add_argument("--seconds-per-input", type=float, default=SECONDS_PER_INPUT, help="longer is a hang")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the files of bad outcomes there")
    parser.add_argument("--show", type=int, default=10, help="bad outcomes that are printed")
    arguments = parser.parse_args()
    if min(arguments.fuzz, arguments.workers) < 1 or arguments.seconds_per_input <= 0:
        parser.error("--fuzz, --workers and --seconds-per-input must be greater than 0")
    for name in [name for name in os.environ if name.startswith("RIS_")]:
        del os.environ[name]
    # One thread each; config/undervolc.yaml asks for a folder. Inherited by the workers.
    os.environ |= {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "RIS_ARCHIVE": "/nowhere"}
    began = time.perf_counter()
    found, bad = run(
        arguments.targets,
        arguments.fuzz,
        arguments.seed,
        arguments.first,
        arguments.workers,
        arguments.seconds_per_input,
        arguments.keep,
    )
    console = Console(width=140)
    for tried in bad[: arguments.show]:
        console.print(f"{tried.outcome}: {tried.case.target} {tried.case.number}: {tried.said}", markup=False)
    console.print(found.table())
    console.print(f"{time.perf_counter() - began:.0f} s in {arguments.workers} process(es), seed {arguments.seed}")
    print("RESULT " + json.dumps({**found.result(), "seed": arguments.seed}))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
