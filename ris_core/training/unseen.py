"""How many events the models have not seen, and how many of these the champion does not know."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.config import OperationsSettings, TrainingSetSettings
from ris_core.contracts.station_day import StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.layout import Layout

_LOOKED_AT = 2000


@dataclass(frozen=True)
class Unseen:
    """Events since the training set was drawn.

    Attributes
    ----------
    seen
        Events that the training set was drawn from.
    unseen
        Events of station-days that are new, or that were processed again with another result.
    labelled, unassigned
        The unseen events that have a label, and those of them that were assigned to no class; by a class model those
        that are new, since others are only not to be told apart.
    """

    seen: int
    unseen: int
    labelled: int
    unassigned: int

    @property
    def unseen_share(self) -> float:
        """Share of all events that is unseen."""
        return self.unseen / max(1, self.seen + self.unseen)

    @property
    def unassigned_share(self) -> float:
        """Share of the labelled unseen events that is not assigned."""
        return self.unassigned / max(1, self.labelled)

    def reason(self, operations: OperationsSettings) -> str:
        """Return why models should be trained again, by section `operations`; empty if they need not."""
        if self.unseen < operations.retrain_least_events:
            return ""
        if self.unseen_share >= operations.retrain_unseen:
            return (
                f"{self.unseen_share:.0%} of the events are unseen (operations.retrain_unseen: "
                f"{operations.retrain_unseen:.0%})"
            )
        enough = self.labelled >= operations.retrain_least_events
        if enough and self.unassigned_share >= operations.retrain_unassigned:
            return (
                f"{self.unassigned_share:.0%} of the unseen events are not assigned (operations.retrain_unassigned: "
                f"{operations.retrain_unassigned:.0%})"
            )
        return ""


def unseen_since_draw(layout: Layout, sampling: TrainingSetSettings, candidates: Iterable[StationDay]) -> Unseen:
    """Return how many events have come in since the training set was drawn.

    Parameters
    ----------
    layout
        Where to look; there must be a training set.
    sampling
        Section `training_set`: events of `held_out_stations` do not count.
    candidates
        Station-days that were processed since the draw; those with the same result as before do not count.
    """
    # If there are very many station-days, only every n-th is looked at, and its events count n times: this takes
    # seconds instead of minutes.
    wanted = [key for key in candidates if key.station not in sampling.held_out_stations]
    step = -(-len(wanted) // _LOOKED_AT) or 1
    drawn = spectrogram_file.read_info(layout.training_set).summary
    then: dict[str, str] = drawn["drawn_from"]
    unseen = labelled = unassigned = 0
    for key in wanted[::step]:
        try:
            found = spectrogram_file.read_info(layout.spectrograms(key))
        except OSError:
            continue  # missing or damaged: there is nothing to train on
        if found.events == 0 or then.get(str(key)) == found.content:
            continue
        unseen += found.events
        with suppress(OSError):  # there are no labels, or they are damaged
            unlike = _unlike_all_classes(layout.labels(key))
            labelled += len(unlike)
            unassigned += int(unlike.sum())
    return Unseen(int(drawn["of"]), unseen * step, labelled * step, unassigned * step)


def _unlike_all_classes(path: Path) -> NDArray[np.bool_]:
    """Return which events of a label table the champion does not know."""
    if "new" in tables.read_schema(path).names:
        return tables.read_table(path, ["new"])["new"].to_numpy(dtype=bool)
    return ~tables.read_table(path, ["assigned"])["assigned"].to_numpy(dtype=bool)
