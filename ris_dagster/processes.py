"""Processes by host, number and start, so that one that is gone is told from one that works."""

import os
import socket

import psutil

PROCESS_TAG = "ris/process"
"""Tag of runs that are executed by a command of ours: the process that does it."""
_CLOCK_S = 2.0


def this_process() -> str:
    """Return host, process id and start (s since 1970) of this process."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_of_this_host(process: str) -> bool:
    """Return whether a process, as `this_process` names it, ran or runs on this machine."""
    return process.partition(" ")[0] == socket.gethostname()


def has_ended(process: str) -> bool:
    """Return whether a process ran on this machine and does not any more."""
    if not is_of_this_host(process):
        return False
    _, _, rest = process.partition(" ")
    number, _, started = rest.partition(" ")
    try:
        found = psutil.Process(int(number))
        # Killed but not yet waited for by its parent; or another process that has got the same number since.
        return bool(found.status() == psutil.STATUS_ZOMBIE) or abs(found.create_time() - float(started)) > _CLOCK_S
    except psutil.NoSuchProcess:
        return True
