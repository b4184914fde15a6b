"""Processes by host, number and start, to distinguish ended processes from working ones."""

import os
import socket

import dagster as dg
import psutil

PROCESS_TAG = "ris/process"
"""Tag of runs that one of our commands executes: its process."""
_CLOCK_S = 2.0


def this_process() -> str:
    """Return host, process id and start (s since 1970) of this process."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_of_this_host(process: str) -> bool:
    """Return whether a process, named as by `this_process`, ran or runs on this machine."""
    return process.partition(" ")[0] == socket.gethostname()


def executing_process(run: dg.DagsterRun) -> str:
    """Return the process of the command that executes a run; empty if Dagster started the run.

    A run that is started again in the UI has the tags of the former one, but another process.
    """
    return "" if run.parent_run_id else run.tags.get(PROCESS_TAG, "")


def has_ended(process: str) -> bool:
    """Return whether a process ran on this machine and has ended."""
    if not is_of_this_host(process):
        return False
    _, _, rest = process.partition(" ")
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        # Killed but not yet collected by its parent; or a later process has the same number.
        return bool(found.status() == psutil.STATUS_ZOMBIE) or abs(found.create_time() - float(started)) > _CLOCK_S
    except psutil.NoSuchProcess:
        return True
