"""Processes that read damaged files: if a process dies or hangs, this is an outcome, and another takes its place."""

from __future__ import annotations

import faulthandler
import multiprocessing as mp
import os
import resource
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults_mutations import mutate
from bench.faults_targets import Outcome, Target, Verdict, try_out

_SPAWN = mp.get_context("spawn")
_START_S = 300.0
_MOST_MEMORY = 3 * 2**30

Registry = Callable[[], Mapping[str, Target]]
"""Returns the targets by name, in any process."""


@dataclass(frozen=True)
class Case:
    """One damaged file: reproducible from the seed, the target and its number."""

    target: str
    number: int


@dataclass(frozen=True)
class Tried:
    """The outcome of a case, and its duration in seconds."""

    case: Case
    outcome: Outcome
    said: str
    seconds: float


def spoil(seed: int, case: Case, target: Target, originals: Sequence[bytes]) -> tuple[int, bytes, str]:
    """Return which of a target's files is damaged, its damaged content, and a description of the damage."""
    rng = np.random.default_rng([seed, zlib.crc32(case.target.encode()), case.number])
    chosen = int(rng.integers(len(originals)))
    content, done = mutate(rng, originals[chosen], target.text)
    return chosen, content, done


@dataclass
class Bed:
    """The folder of a target's files for one process."""

    target: Target
    folder: Path
    paths: list[Path]

    def __post_init__(self) -> None:
        self.originals = [path.read_bytes() for path in self.paths]
        self.whole = [self.target.read(self.folder, path) for path in self.paths]

    def try_case(self, seed: int, case: Case) -> Verdict:
        """Damage a file, read it, and judge the result."""
        chosen, spoilt, _ = spoil(seed, case, self.target, self.originals)
        return try_out(self.target, self.folder, self.paths[chosen], self.originals[chosen], spoilt, self.whole[chosen])


@dataclass(frozen=True)
class Originals:
    """The whole files of some targets under a folder, each in its target's own; made by `make_originals`."""

    registry: Registry
    folder: Path
    files: Mapping[str, list[Path]]

    def paths(self, name: str, folder: Path | None = None) -> list[Path]:
        """Return the files of a target, or those of a copy in another folder."""
        return [(folder or self.folder) / name / path for path in self.files[name]]

    def spoilt(self, seed: int, case: Case) -> tuple[Path, bytes, str]:
        """Return the file of a case, its damaged content, and a description of the damage."""
        paths = self.paths(case.target)
        contents = [path.read_bytes() for path in paths]
        chosen, content, done = spoil(seed, case, self.registry()[case.target], contents)
        return paths[chosen], content, done


def make_originals(registry: Registry, folder: Path, names: Sequence[str]) -> Originals:
    """Write the whole files of targets into a folder."""
    targets, made = registry(), {}
    for name in names:
        own = folder / name
        own.mkdir(parents=True)
        made[name] = [path.relative_to(own) for path in targets[name].make(own)]
    return Originals(registry, folder, made)


def _work(connection: Connection, seed: int, originals: Originals, scratch: Path) -> None:
    log = os.open(scratch.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    targets, beds = originals.registry(), {}
    for name in originals.files:
        shutil.copytree(originals.folder / name, scratch / name)
        beds[name] = Bed(targets[name], scratch / name, originals.paths(name, scratch))
    # A reader that believes the sizes that a file declares exceeds this limit.
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MOST_MEMORY, resource.RLIM_INFINITY))
    connection.send(None)
    while (case := connection.recv()) is not None:
        began = time.perf_counter()
        verdict = beds[case.target].try_case(seed, case)
        connection.send(Tried(case, verdict.outcome, verdict.said[:2000], time.perf_counter() - began))


class Worker:
    """A process that tries one case after the other."""

    def __init__(self, seed: int, originals: Originals, scratch: Path) -> None:
        self.is_lost = self.is_done = False
        self._case: Case | None = None
        self._ready = False
        self._began = time.monotonic()
        self._scratch = scratch
        self.connection, other = _SPAWN.Pipe()
        arguments = (other, seed, originals, scratch)
        self._process: Any = _SPAWN.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        other.close()

    def give(self, case: Case | None) -> None:
        """Send the next case to the process; none ends it."""
        self._case, self._began = case, time.monotonic()
        self.connection.send(case)
        if case is None:
            self._process.join()
            self.end()

    def result(self) -> Tried | None:
        """Return the outcome of the case, none if the process reports that it is ready; `EOFError` if it has ended."""
        try:
            tried: Tried | None = self.connection.recv()
        except ConnectionResetError as error:
            raise EOFError from error
        self._ready = True
        return tried

    def late(self, limit: float) -> bool:
        """Return whether the case, or the start, takes longer than allowed (s)."""
        return time.monotonic() - self._began > (limit if self._ready else _START_S)

    def lost(self, outcome: Outcome) -> Tried:
        """End the process, and return the case in which it died or hung."""
        self._process.join(0 if outcome == "hang" else 10)
        code, seconds = self._process.exitcode, time.monotonic() - self._began
        log = self._scratch.with_suffix(".log")
        wrote = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
        self.end()
        self.is_lost = True
        if self._case is None:
            raise RuntimeError(f"a worker could not start (exit {code}):\n{wrote}")
        said = f"no answer in {seconds:.0f} s" if outcome == "hang" else f"exit {code}"
        return Tried(self._case, outcome, f"{said}\n{wrote}", seconds)

    def end(self) -> None:
        """End the process at once."""
        self.is_done = True
        self._process.kill()
        self._process.join()
        self.connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def run_cases(cases: Iterator[Case], seed: int, originals: Originals, workers: int, limit: float) -> Iterator[Tried]:
    """Try cases in several processes and yield the outcomes in no particular order.

    Parameters
    ----------
    originals
        Each process works on a copy, beside their folder.
    workers
        Processes.
    limit
        Seconds that a case may take.
    """
    numbers = count(1)

    def start() -> Worker:
        return Worker(seed, originals, originals.folder.with_name(f"worker{next(numbers)}"))

    staff = [start() for _ in range(workers)]
    try:
        while staff:
            speaking = wait([worker.connection for worker in staff], timeout=0.2)
            for place, worker in enumerate(list(staff)):
                speaks = worker.connection in speaking
                if not speaks and not worker.late(limit):
                    continue
                try:
                    tried = worker.result() if speaks else worker.lost("hang")
                except EOFError:
                    tried = worker.lost("crash")
                if tried is not None:
                    yield tried
                if worker.is_lost:
                    staff[place] = start()
                else:
                    worker.give(next(cases, None))
            staff = [worker for worker in staff if not worker.is_done]
    finally:
        for worker in staff:
            worker.end()
