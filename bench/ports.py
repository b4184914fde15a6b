"""Ports for the servers that benches and tests start."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

_RANGE = range(20_000, 32_000)
"""Below the ports of outgoing connections, which could take a port before its server does."""

_held: list[FileLock] = []


def free_ports(count: int) -> list[int]:
    """Return ports without a listener, which no other call returns while this process lives."""
    found: list[int] = []
    folder = Path(tempfile.gettempdir()) / f"ris-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in _RANGE:
        if len(found) == count:
            break
        lock = FileLock(folder / f"{port}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        if _is_free(port):
            _held.append(lock)
            found.append(port)
        else:
            lock.release()
    if len(found) < count:
        raise OSError(f"fewer than {count} ports of {_RANGE.start} to {_RANGE.stop - 1} are free")
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
