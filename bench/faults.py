"""Damaged and hostile files against all readers: ``python -m bench.faults --fuzz 20000``.

Files of every kind that the platform reads are spoilt (bits, bytes, blocks, cuts; numbers, words and nesting of text)
and read by the functions that commands and runs read them by, in processes of their own: one that dies or does not come
back is counted, and another takes its place. The same seed spoils the same files alike.

Outcomes: *same*, nothing that was read is another; *noted*, what is left out is said, and the rest is right; *error*,
one of the platform's own that names the file; *changed*, other values where nothing in such a file can tell them from
the ones before (a number of the settings, a time in a miniSEED header). None of the others may be: *other*, any other
error; *silent*, other values where damage can be told; *hang*; *crash*.
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
    """What came of the cases of each target."""

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
        table = Table("target", "inputs", *OUTCOMES, "s", "slowest, s", title="spoilt files")
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
    """Iterate over so many cases, the targets in turn."""
    for number in range(count):
        yield Case(names[number % len(names)], first + number // len(names))


def keep(folder: Path, tried: Tried, seed: int, originals: Originals) -> None:
    """Write a spoilt file, and beside it what was done, what came of it, and how to do it again."""
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
    """Try so many cases of targets that a registry knows; returns the counts and the bad ones."""
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
    """Parse the command line, run, and print table and RESULT; the exit status is 1 where a bad outcome came."""
    known = list(all_targets())
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fuzz", type=int, default=20_000, metavar="N", help="spoilt files, over all targets")
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
