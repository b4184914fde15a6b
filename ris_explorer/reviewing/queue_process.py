"""The process that works out the queue: the server does not grow by the libraries and events that this needs."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.masking import masked
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.reviewing.queue_worker import QueueWorker, Suggested

_KINDER = 5
_IDLE_S = 600.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worked:
    """What the process answers.

    Attributes
    ----------
    suggested
        None where there was trouble.
    event_ids
        All processed events, (N,) sorted; None if they are as before.
    trouble
        What kind of trouble, and its words.
    """

    suggested: Suggested | None = None
    event_ids: NDArray[np.bytes_] | None = None
    trouble: tuple[Literal["absent", "damaged", "refused"], str] = ("refused", "")


class QueueProcess:
    """Keeps the process while it is asked now and then, and ends it after ten idle minutes; one thread asks.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._idle: threading.Timer | None = None

    def worked(self, version: str, length: int, with_neighbours: int) -> Worked:
        """Return the answer to `QueueWorker.suggested`, and wait for it.

        Raises
        ------
        FileNotFoundError, RefusedError
            The queue cannot be worked out; the message says why.
        """
        with self._lock:
            try:
                pipe = self._started()
                pipe.send((version, length, with_neighbours))
                found: Worked = pipe.recv()
            except (EOFError, OSError) as error:
                raise RefusedError(self._ended(), 500) from error
            self._idle = threading.Timer(_IDLE_S, self.end)
            self._idle.daemon = True
            self._idle.start()
        kind, words = found.trouble
        if found.suggested is None:
            raise (
                FileNotFoundError(words) if kind == "absent" else RefusedError(words, 500 if kind == "damaged" else 400)
            )
        return found

    def end(self) -> None:
        """End the process, if it is not at work; it is started again when it is asked."""
        with self._lock:
            if self._pipe is not None:
                self._pipe.close()
            self._process = self._pipe = None

    def _started(self) -> Connection:
        if self._idle is not None:
            self._idle.cancel()
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            pipe, its = context.Pipe()
            settings, root = self._network.settings, self._network.layout.root
            process = context.Process(
                target=work_in_process, args=(settings.model_dump_json(), str(root), its), daemon=True
            )
            process.start()
            its.close()
            self._process, self._pipe = process, pipe
        return self._pipe

    def _ended(self) -> str:
        """Return how the process ended, in words."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if process is None or pipe is None:
            return "the process that works out the queue cannot be started"
        pipe.close()  # it ends, if it has not ended
        process.join()
        return (
            f"the process that works out the queue was ended (exit status {process.exitcode}; -9 is mostly a lack of "
            "memory); it is started again after half a minute"
        )


def work_in_process(settings_json: str, root: str, asked: Connection) -> None:
    """Answer until nobody can ask any more; the whole life of a process.

    Parameters
    ----------
    settings_json, root
        The network.
    asked
        Gives the arguments of `QueueWorker.suggested`, and gets `Worked`.
    """
    os.nice(_KINDER)
    worker = QueueWorker(StationDays.open(Settings.model_validate_json(settings_json), Path(root)))
    sent = worker.event_ids
    while True:
        try:
            asking = asked.recv()
        except EOFError:
            return
        found = _worked(worker, asking)
        asked.send(found if worker.event_ids is sent else replace(found, event_ids=worker.event_ids))
        sent = worker.event_ids


def _worked(worker: QueueWorker, asking: tuple[str, int, int]) -> Worked:
    try:
        return Worked(worker.suggested(*asking))
    except DamagedFileError as error:
        return Worked(trouble=("damaged", str(error)))
    except FileNotFoundError as error:
        return Worked(trouble=("absent", str(error.args[0] if error.args else error)))
    except (OSError, ValueError) as error:
        return Worked(trouble=("refused", masked(str(error))))
    except Exception as error:
        logger.exception("the queue cannot be worked out")
        return Worked(trouble=("refused", f"the queue cannot be worked out: {type(error).__name__}; see the log"))
