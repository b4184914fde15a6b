"""Runs a stage for one station-day on any worker: an error becomes part of the outcome."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ris_core.config import Settings
from ris_core.contracts.outcome import Outcome
from ris_core.contracts.station_day import StationDay
from ris_core.masking import masked
from ris_core.station_days.station_days import STAGES, StageKind, StationDays
from ris_core.storage.journal import Journal


@dataclass(frozen=True)
class StageTask:
    """The information for a worker, besides the key.

    Attributes
    ----------
    stage
        Name of the stage.
    settings_json
        The settings as JSON.
    root
        The data root.
    again
        Whether an input from outside is requested again although the product is current.
    kinds
        All stages of the network; workers import their modules.
    """

    stage: str
    settings_json: str
    root: str
    again: bool = False
    kinds: tuple[StageKind, ...] = STAGES


@lru_cache(maxsize=4)
def _opened(settings_json: str, root: str, kinds: tuple[StageKind, ...]) -> StationDays:
    return StationDays.open(Settings.model_validate_json(settings_json), Path(root), kinds)


def run_station_day(task: StageTask, key: StationDay) -> Outcome[Any]:
    """Run one stage for one station-day; an error becomes part of the outcome."""
    key = StationDay(*key)
    try:
        stage = _opened(task.settings_json, task.root, task.kinds).stages[task.stage]
        return Outcome(key, stage.run(key, task.again))
    except Exception as error:  # noqa: BLE001 - one station-day must not stop the others after any error
        said = masked(f"{type(error).__name__}: {error}")
        return Outcome(key, None, said, masked(traceback.format_exc()))


def record_outcome(journal: Journal, stage: str, outcome: Outcome[Any]) -> None:
    """Keep a failed attempt in the journal, with the number of attempts, or forget earlier ones after a success."""
    if outcome.made is None:
        journal.note(stage, outcome.key, outcome.error)
    else:
        journal.clear(stage, outcome.key)
