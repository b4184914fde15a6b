"""Runs of a job at once, each in a process of its own that has its share of the cores."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ris_core.config import Settings
from ris_core.progress import bar
from ris_core.storage.layout import Layout
from ris_core.threads import cores
from ris_dagster.definitions import build_definitions
from ris_dagster.instance import open_instance
from ris_dagster.method_runs import Executed, Run, execute
from ris_dagster.resources.compute import Compute

_INTERRUPTED = 130


class _Worker:
    """A process that executes runs, one after the other."""

    def __init__(self, settings: Settings, layout: Layout, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, self._its_pipe = context.Pipe()
        self.run: Run | None = None
        self.process: SpawnProcess = context.Process(
            target=_work, args=(settings.model_dump_json(), str(layout.root), self._its_pipe)
        )
        self._threads = threads

    def start(self) -> None:
        # multiprocessing starts its tracker with the first process, and then lets interrupts through again.
        resource_tracker.ensure_running()
        with _environment(OMP_NUM_THREADS=str(self._threads), TQDM_DISABLE="1"), _interrupts_blocked():
            self.process.start()
        self._its_pipe.close()

    def begin(self, run: Run) -> None:
        self.run = run
        # A process that has ended is noticed when its answer is read.
        with suppress(BrokenPipeError):
            self.pipe.send(run)

    def answer(self) -> Executed:
        """Return how its run ended, once its pipe is ready; the process may have ended instead."""
        run, self.run = self.run, None
        if run is None:
            raise RuntimeError("this process executes no run")
        try:
            found: Executed = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            if self.process.exitcode == _INTERRUPTED:
                raise KeyboardInterrupt from None
            found = Executed(
                run,
                "no run",
                f"its process was ended (exit status {self.process.exitcode}; -9 is mostly a lack of memory: give a "
                "smaller --at-once)",
            )
        return found

    def ask_to_end(self) -> None:
        """Let it end: at once if it executes a run, which it records."""
        self.pipe.close()
        self._its_pipe.close()
        if self.run is not None and self.process.pid is not None and self.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGINT)

    def join(self) -> None:
        """Wait until it has ended."""
        # Interrupted while it started, it has no number: what there is of it ends, since nobody can ask it.
        if self.process.pid is not None:
            self.process.join()

    def kill(self) -> None:
        """End it without a record."""
        if self.process.pid is not None:
            self.process.kill()


class RunProcesses:
    """Executes runs of a network, several at once.

    Its processes import for seconds: they start with the first runs, and stay until `close`. Each computes with its
    share of the cores. Their progress bars are not shown; one bar counts the runs.

    Parameters
    ----------
    settings, layout
        The network.
    at_once
        Runs at once, at most.
    """

    def __init__(self, settings: Settings, layout: Layout, at_once: int) -> None:
        self._settings, self._layout, self._at_once = settings, layout, at_once
        self._workers: list[_Worker] = []

    def executed(self, runs: Sequence[Run]) -> Iterator[Executed]:
        """Execute runs of one job and yield each when it has ended.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C; what was finished stays.
        """
        left = deque(runs)
        with bar(len(runs), runs[0].job, "run") as shown:
            while left or any(worker.run is not None for worker in self._workers):
                self._give(left)
                ready = wait([worker.pipe for worker in self._workers if worker.run is not None])
                for worker in [one for one in self._workers if one.pipe in ready]:
                    done = worker.answer()
                    if not worker.process.is_alive():
                        self._workers.remove(worker)
                        worker.ask_to_end()
                        worker.join()
                    shown.update(1)
                    yield done

    def _give(self, left: deque[Run]) -> None:
        while left and sum(worker.run is not None for worker in self._workers) < self._at_once:
            free = next((worker for worker in self._workers if worker.run is None), None)
            if free is None:
                free = _Worker(self._settings, self._layout, max(1, cores() // self._at_once))
                # Known before it starts: an interruption meanwhile ends it too.
                self._workers.append(free)
                free.start()
            free.begin(left.popleft())

    def close(self) -> None:
        """End the processes; runs that are not finished are interrupted, and it is recorded."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.ask_to_end()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            # Ctrl-C again: without waiting. The next command marks their runs as failed.
            for worker in workers:
                worker.kill()
            raise


def _work(settings_json: str, root: str, asked: Connection) -> None:
    """Execute what is asked for until nobody can ask any more; the whole life of a process."""
    # Ctrl-C reaches the command alone, which interrupts this process once.
    os.setpgrp()
    try:
        # An interruption before, while it imported, takes effect here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        threading.Thread(target=_end_with_command, daemon=True).start()
        settings = Settings.model_validate_json(settings_json)
        _execute_all(settings, Layout.of(settings, Path(root)), asked)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _execute_all(settings: Settings, layout: Layout, asked: Connection) -> None:
    compute = Compute.from_environment()
    # Station-days, the work of a local Dask cluster, are not executed here.
    resources = {"compute": compute if compute.trainings else Compute.model_validate({"kind": "inline"})}
    definitions = build_definitions(settings, resources)
    with open_instance(layout) as instance:
        while True:
            try:
                run = asked.recv()
            except EOFError:
                return
            asked.send(execute(definitions, instance, run))


def _end_with_command() -> None:
    command = multiprocessing.parent_process()
    if command is not None:
        command.join()
        os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes that are started meanwhile be interrupted only when they allow it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables that processes started meanwhile inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
