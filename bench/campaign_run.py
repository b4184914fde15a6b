"""Commands of `bench.campaign` as a user gives them, each with its seconds, memory and Dagster runs, kept in a file."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.operations_network import Network, end

_LOOK_S = 0.25
_KEEP_S = 5.0
_PASSED_ON = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Step:
    """A finished command.

    Attributes
    ----------
    name, command
        What it is for, and what was given.
    wall_s, cpu_s
        Of the command with all its processes; of all its starts, if it was interrupted.
    peak_mb
        Greatest sum of the resident memory of all its processes, looked at four times a second. Pages that several
        processes share count in each of them.
    starts
        How often it was started until it ended: more than once if the benchmark was interrupted.
    exit_code
        Of the last start; 1 if some runs failed.
    load
        Load average of one minute before it.
    runs
        Its Dagster runs in their order: job, what, station_days, seconds, success.
    """

    name: str
    command: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    starts: int
    exit_code: int
    load: float
    runs: list[dict[str, Any]] = field(default_factory=list)


class Steps:
    """The finished steps of a folder; each is done once.

    Parameters
    ----------
    folder
        Where ``steps.jsonl`` and the step at work are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._unfinished = folder / "steps.jsonl", folder / "step_at_work.json"
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        self._done: dict[str, dict[str, Any]] = {record["name"]: record for record in map(json.loads, lines)}

    def __getitem__(self, name: str) -> Step:
        return Step(**self._done[name])

    def has(self, name: str) -> bool:
        """Return whether a step is finished."""
        return name in self._done

    def figures(self, name: str) -> dict[str, Any]:
        """Return the figures of a finished step that is no command."""
        return self._done[name]

    def kept(self, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the figures of a step that is no command; they are made if they are not there yet."""
        if name not in self._done:
            print(f"{name} ...", flush=True)
            self._keep({"name": name, **make()})
        return self._done[name]

    def command(self, name: str, network: Network, *arguments: str) -> Step:
        """Run a `ris` command to its end unless that was done before, and return what it cost.

        Raises
        ------
        RuntimeError
            It ended with another exit code than 0 or 1.
        """
        if name in self._done:
            return self[name]
        before = self._interrupted(name)
        load = os.getloadavg()[0]
        began = time.time()
        print(f"{name}: ris {' '.join(arguments)}" + (" (again, after an interruption)" if before else ""), flush=True)
        wall, cpu, peak, code = self._watched(name, network, arguments, before)
        if code not in (0, 1):
            raise RuntimeError(f"ris {' '.join(arguments)}: exit code {code}\n{network.said()}")
        runs = _runs(network, began)
        if code == 1 and all(run["success"] for run in runs):
            raise RuntimeError(f"ris {' '.join(arguments)}: exit code {code}\n{network.said()}")
        starts = int(before.get("starts", 0)) + 1
        self._keep(
            asdict(Step(name, "ris " + " ".join(arguments), wall, cpu, peak, starts, code, round(load, 2), runs))
        )
        self._unfinished.unlink(missing_ok=True)
        bad = [f"{run['job']} {run['what']}" for run in runs if not run["success"]]
        print(f"  {wall:.1f} s, {cpu:.1f} CPU s, {peak:,.0f} MB" + (f"; FAILED: {', '.join(bad)}" if bad else ""))
        return self[name]

    def _keep(self, record: Mapping[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self._done[str(record["name"])] = dict(record)

    def _interrupted(self, name: str) -> dict[str, Any]:
        """Return what was spent on a step that was interrupted; the platform goes on where it was."""
        if not self._unfinished.exists():
            return {}
        found: dict[str, Any] = json.loads(self._unfinished.read_text(encoding="utf-8"))
        return found if found["name"] == name else {}

    def _watched(
        self, name: str, network: Network, arguments: Sequence[str], before: Mapping[str, Any]
    ) -> tuple[float, float, float, int]:
        """Run a command; return its wall and CPU seconds, peak memory (MB) and exit code, with earlier starts."""
        earlier_wall, earlier_cpu = float(before.get("wall_s", 0.0)), float(before.get("cpu_s", 0.0))
        peak, starts = float(before.get("peak_mb", 0.0)), int(before.get("starts", 0)) + 1
        waited_for, began = _cpu_of_children(), time.perf_counter()
        process = network.start(*arguments)
        tree, seen, kept = psutil.Process(process.pid), dict[tuple[int, float], float](), 0.0
        try:
            while process.poll() is None:
                peak = max(peak, _look(tree, seen))
                wall = time.perf_counter() - began
                if wall - kept > _KEEP_S:
                    spent = {"wall_s": earlier_wall + wall, "cpu_s": earlier_cpu + sum(seen.values())}
                    self._write_unfinished({"name": name, **spent, "peak_mb": peak, "starts": starts})
                    kept = wall
                try:
                    process.wait(_LOOK_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            end(process)
        wall = time.perf_counter() - began
        # What the system knows of processes that were waited for; a worker that was killed is only in the samples.
        cpu = max(_cpu_of_children() - waited_for, sum(seen.values()))
        return earlier_wall + wall, earlier_cpu + cpu, peak, process.returncode

    def _write_unfinished(self, spent: Mapping[str, Any]) -> None:
        part = self._unfinished.with_suffix(".part")
        part.write_text(json.dumps(spent), encoding="utf-8")
        part.replace(self._unfinished)


def quiet_environment(data: Path, workers: int) -> dict[str, str]:
    """Let children work with as many threads as there are cores, and return the variables of a user with Dask."""
    for name in _PASSED_ON:
        os.environ.pop(name, None)
    return {
        "RIS_DATA": str(data),
        "RIS_COMPUTE": "dask",
        "RIS_WORKERS": str(workers),
        "MPLBACKEND": "Agg",
        "COLUMNS": "200",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _look(tree: psutil.Process, seen: dict[tuple[int, float], float]) -> float:
    """Note the CPU seconds of all processes of a tree, and return the sum of their resident memory, MB."""
    rss = 0.0
    try:
        processes = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in processes:
        try:
            with process.oneshot():
                times = process.cpu_times()
                seen[process.pid, process.create_time()] = times.user + times.system
                rss += process.memory_info().rss / 2**20
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return rss


def _runs(network: Network, began: float) -> list[dict[str, Any]]:
    """Return the Dagster runs since a time, in their order."""
    from ris_dagster.adapter.run_tags import partition_of
    from ris_dagster.instance import open_instance
    from ris_dagster.records import station_days_of

    days = network.days
    with open_instance(days.layout) as instance:
        records = [one for one in instance.get_run_records() if (one.start_time or 0.0) >= began]
    found = []
    for record in sorted(records, key=lambda one: one.start_time or 0.0):
        run = record.dagster_run
        count = len(station_days_of(run.tags, days.stations)) if run.job_name in days.stages else 0
        found.append(
            {
                "job": run.job_name,
                "what": partition_of(run.tags) or "",
                "station_days": count,
                "began": record.start_time or 0.0,
                "seconds": (record.end_time or record.start_time or 0.0) - (record.start_time or 0.0),
                "success": run.is_success,
            }
        )
    return found
