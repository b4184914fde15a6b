"""A first look at an HDF5 file in a separate process, so that a loop or crash of the library does no harm here."""

from __future__ import annotations

import atexit
import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ris_core.config import PROJECT_ROOT
from ris_core.storage.damage import DamagedFileError

Kind = Literal["own", "published"]
_MODULE = "ris_core.storage.hdf5_walk"
_SECONDS = 3.0
_BYTES_PER_SECOND = 2e7
_PATIENCE = 20  # wall time; longer means a slow disk or a busy machine, not damage
_CRASHES = tuple(-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL))

_lock = threading.RLock()
_child: _Child | None = None
_of_parent: list[_Child | None] = []


def probe(path: Path, kind: Kind, only: Sequence[str] | None = None) -> None:
    """Let a separate process walk through an HDF5 file, within a time that grows with the file.

    Parameters
    ----------
    path
        The file.
    kind
        ``own`` or ``published``: decides which filters the data may have.
    only
        Paths of the datasets to be read, if not all are.

    Raises
    ------
    DamagedFileError
        The walk found damage or something unsafe, did not end in time, or crashed.
    OSError
        The file could not be tested, for example because of too little memory; it may be sound.
    """
    seconds = _SECONDS + path.stat().st_size / _BYTES_PER_SECOND
    request = {"path": str(path.absolute()), "kind": kind, "only": only, "seconds": seconds}
    with _lock:
        # A process that has waited for a long time may end at the moment of a request.
        answer = _asked(request) or _asked(request)
    if answer is None:
        raise OSError(errno.EAGAIN, "the process that tests HDF5 files does not start, or was killed", str(path))
    if outer := answer.get("circumstance"):
        raise OSError(*outer, str(path))
    if answer["why"]:
        raise DamagedFileError(path, answer["why"])


def _asked(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answer of the process; none if it had ended or was killed by others."""
    global _child  # noqa: PLW0603 - one for this process
    if _child is None:
        _child = _Child()
    try:
        answer = _child.answer(json.dumps(request).encode() + b"\n", _PATIENCE * request["seconds"])
    except TimeoutError as error:
        _stop()
        why = "the test takes too long: a slow disk, or a busy machine"
        raise OSError(errno.ETIMEDOUT, why, request["path"]) from error
    if answer is not None:
        found: dict[str, Any] = json.loads(answer)
        return found
    code = _child.process.wait()
    _stop()
    if code == -signal.SIGPROF:
        return {"why": f"HDF5 does not finish reading it within {request['seconds']:.0f} s of processor time"}
    if code in _CRASHES:
        return {"why": f"HDF5 crashes when it reads it ({signal.Signals(-code).name})"}
    return None


class _Child:
    """The process that walks through files."""

    def __init__(self) -> None:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH")))),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        asked, self._to = os.pipe()
        self._from, answered = os.pipe()
        # A separate session: Ctrl-C must reach only the process that sends requests.
        self.process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=asked,
            stdout=answered,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        os.close(asked)
        os.close(answered)

    def answer(self, request: bytes, seconds: float) -> bytes | None:
        """Send a request and return the answer; none if the process ended. Raises `TimeoutError` after the limit."""
        try:
            os.write(self._to, request)
        except BrokenPipeError:
            return None
        until = time.monotonic() + seconds
        ready = select.poll()  # unlike select() it works with any number of open files
        ready.register(self._from, select.POLLIN)
        found = b""
        while not found.endswith(b"\n"):
            if not ready.poll(max(0.0, until - time.monotonic()) * 1000):
                raise TimeoutError
            piece = os.read(self._from, 2**16)
            if not piece:
                return None
            found += piece
        return found

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        os.close(self._to)
        os.close(self._from)


@atexit.register
def _stop() -> None:
    global _child  # noqa: PLW0603 - one for this process
    if _child is not None:
        _child.stop()
        _child = None


def _forget() -> None:
    """Forget the process of the parent after a fork: it answers the parent."""
    global _child, _lock
    _of_parent.append(_child)
    _child, _lock = None, threading.RLock()


os.register_at_fork(after_in_child=_forget)
