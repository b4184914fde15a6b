"""Runs of a benchmark in several processes, each on one thread; finished ones are kept in a file of JSON lines."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from rich.progress import track

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUIET = {"TQDM_DISABLE": "1"}

Task = dict[str, Any]
Row = dict[str, Any]
Run = Callable[[Task, str], list[Row]]


def quiet_threads() -> None:
    """Let this process, and those that it starts, use one thread each and draw no bars; before numpy is imported."""
    os.environ.update(ONE_THREAD | QUIET)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Give these variables to the processes that the body starts; afterwards all are as before."""
    before = os.environ.copy()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_all(
    run: Run, tasks: Sequence[Task], keys: Sequence[str], results: Path, cache: Path, workers: int
) -> list[Row]:
    """Run the tasks without a kept result, several at once, and return the rows of all.

    Parameters
    ----------
    run
        A function of a module, given a task and the cache's folder.
    tasks, keys
        What is to be run, and the name of each result.
    results
        File of finished runs, which grows with each.
    cache
        Folder of rendered events.
    workers
        Processes at once.
    """
    kept = _kept(results)
    missing = [(key, task) for key, task in zip(keys, tasks, strict=True) if key not in kept]
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a+b") as file:
        if file.tell() and not _ends_a_line(file):
            file.write(b"\n")
        for key, rows in track(_results(run, missing, str(cache), workers), "Runs", total=len(missing)):
            kept[key] = rows
            file.write(json.dumps({"key": key, "rows": rows}).encode() + b"\n")
            file.flush()
    return [row for key in keys for row in kept[key]]


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _results(run: Run, missing: list[tuple[str, Task]], cache: str, workers: int) -> Iterator[tuple[str, list[Row]]]:
    # Spawned, so that a worker's libraries read their number of threads, and tqdm its silence, from the environment.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        futures = {pool.submit(run, task, cache): key for key, task in missing}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _kept(path: Path) -> dict[str, list[Row]]:
    """Return the rows of a file by key, without a last line that was cut off."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["key"]] = record["rows"]
    return found


def plain(value: Any) -> Any:
    """Return figures with five digits, and none in place of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value
