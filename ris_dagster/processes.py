"""Processes by host, number and start, to distinguish ended processes from working ones."""

import os
import socket
from functools import cache
from pathlib import Path

import dagster as dg
import psutil

PROCESS_TAG = "ris/process"
"""Tag of runs that one of our commands executes: its process."""
_CLOCK_S = 2.0


def this_process() -> str:
    """Return host, process id, start, boot of the machine and namespace of process ids of this process.

    The start is in clock ticks since the boot, which no step of the clock changes. Processes of containers that share a
    host name do not see each other: the namespace distinguishes them.
    """
    return " ".join([socket.gethostname(), str(os.getpid()), _start_of(os.getpid()), *_where()])


def is_of_this_host(process: str) -> bool:
    """Return whether a process, named as by `this_process`, ran or runs where this one would see it."""
    host, _, _, *where = process.split(" ") if process.count(" ") >= 2 else ("", "", "")
    # Version 1.0.0 named host, number and start only.
    return host == socket.gethostname() and (not where or where[-1] == _where()[-1])


def executing_process(run: dg.DagsterRun) -> str:
    """Return the process of the command that executes a run; empty if Dagster started the run.

    A run that is started again in the UI has the tags of the former one, but another process.
    """
    return "" if run.parent_run_id else run.tags.get(PROCESS_TAG, "")


def has_ended(process: str) -> bool:
    """Return whether a process ran on this machine and has ended."""
    if not is_of_this_host(process):
        return False
    _, number, started, *where = process.split(" ")
    if where and where[0] != _where()[0]:
        return True  # the machine was started again
    try:
        # Killed but not yet collected by its parent; or a later process has the same number.
        if psutil.Process(int(number)).status() == psutil.STATUS_ZOMBIE:
            return True
        if where:
            return _start_of(int(number)) != started
        return bool(abs(psutil.Process(int(number)).create_time() - float(started)) > _CLOCK_S)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return True


def _start_of(number: int) -> str:
    """Return the start of a process in clock ticks since the boot; raises `OSError` if it has ended."""
    text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    # The second field, the name of the program, may have blanks; the start is the 22nd.
    return text.rpartition(")")[2].split()[19]


@cache
def _where() -> tuple[str, str]:
    """Return the boot of the machine, and the namespace of process ids."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return boot, str(Path("/proc/self/ns/pid").readlink())
