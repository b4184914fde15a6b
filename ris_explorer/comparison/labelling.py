"""Labels the sample of a model in a process of its own: the server neither waits for it nor grows by it."""

from __future__ import annotations

import multiprocessing
import os
import threading
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ris_core.config import Settings
from ris_core.labels.compared_models import compared_models
from ris_core.labels.table_labels import keep_table_labels
from ris_core.masking import masked
from ris_core.review.state import read_state
from ris_core.station_days.station_days import StationDays
from ris_explorer.answers import RefusedError

_KINDER = 5


@dataclass(frozen=True)
class LabellingState:
    """How far the labelling is.

    Attributes
    ----------
    models
        Names of the models that are labelled now, one after the other; empty if none is.
    now
        Name of the one that labels.
    done, of
        Events that it has labelled, and all; 0 while it is not known.
    error
        Why the last labelling ended early; empty if it did not.
    """

    models: tuple[str, ...] = ()
    now: str = ""
    done: int = 0
    of: int = 0
    error: str = ""


class Labelling:
    """The process that labels, of which there is one at a time.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._state = LabellingState()
        self._process: BaseProcess | None = None
        self._said: Connection | None = None
        self._lock = threading.Lock()

    def start(self, models: tuple[str, ...]) -> None:
        """Begin to label by models, by their names; raises `RefusedError` if others are labelling."""
        with self._lock:
            self._look()
            if self._state.models:
                raise RefusedError("events are being labelled by other models; wait until that is done", 409)
            context = multiprocessing.get_context("spawn")
            self._said, says = context.Pipe(duplex=False)
            settings, root = self._network.settings, self._network.layout.root
            self._process = context.Process(
                target=label_in_process, args=(settings.model_dump_json(), str(root), models, says), daemon=True
            )
            self._process.start()
            says.close()
            self._state = LabellingState(models, models[0])

    def state(self) -> dict[str, Any]:
        """Return how far it is, as plain values."""
        with self._lock:
            self._look()
            return asdict(self._state)

    def _look(self) -> None:
        if self._process is None or self._said is None:
            return
        try:
            while self._said.poll():
                said = self._said.recv()
                self._state = replace(self._state, **said)
        except EOFError:
            self._process.join()
            ended = self._process.exitcode
            error = self._state.error or (f"the process that labels was ended ({ended})" if ended else "")
            self._said.close()
            self._process = self._said = None
            self._state = LabellingState(error=error)


def label_in_process(settings_json: str, root: str, names: tuple[str, ...], says: Connection) -> None:
    """Label by models, and say how far it is; the whole life of a process.

    Parameters
    ----------
    settings_json, root
        The network.
    names
        Of the models.
    says
        Gets changes of `LabellingState`.
    """
    os.nice(_KINDER)
    try:
        network = StationDays.open(Settings.model_validate_json(settings_json), Path(root))
        layout, settings = network.layout, network.settings
        reviewed = read_state(layout, settings.review).reviewed()["event_id"].tolist()
        models = {model.name: model for model in compared_models(layout, settings)[0]}
        for name in names:
            says.send({"now": name, "done": 0, "of": 0})
            if models[name].role == "beside":
                keep_table_labels(layout, settings, models[name])
                continue
            from ris_core.labels.sample_labels import keep_labels  # torch stays out of the server

            keep_labels(layout, settings, models[name], reviewed, lambda done, of: says.send({"done": done, "of": of}))
    except Exception as error:  # noqa: BLE001 - the page says it
        says.send({"error": masked(f"{type(error).__name__}: {error}")})
