"""From the measured steps of `bench.campaign` to the hours of the paper's archive; arithmetic that a reader can check.

Every cost is a line: a fixed part and a part that grows with a size (station-days, events, or events times epochs).
Lines go through measurements of two or more sizes in the same campaign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import theilslopes

from ris_core.config import DecSettings

STATION_DAYS = 34 * 730
EVENTS = 430_000
TRAINING_EVENTS = 50_000
TRAINED_SHARE = 0.8
"""The archive of Jenkins et al. 2021 (doi 10.1029/2021JB021716), the events that networks are trained on, and the share
of these that is not held out for validation: the defaults of the section `training_set`."""

COPIES_EPOCHS = 3
"""Most epochs of a training on copies of events."""

PUBLISHED = {
    "preprocess_s": 7.1,
    "detect_s": 1.5,
    "spectrograms_per_s": 16.0,
    "aec_samples_per_s": 2000.0,
    "dec_samples_per_s": 840.0,
    "labels_per_s": 730.0,
}
"""What the published code costs: measured once on two cores with one quiet station-day (24 h at 200 Hz, 359 detections,
304 events). Station-days in one process, without the response (with it, pre-processing takes 10.1 s); trainings on two
threads with batches of 64, DEC with its updates; labels from HDF5."""


@dataclass(frozen=True)
class Line:
    """A cost that grows with a size: ``fixed + slope * size``, s."""

    fixed: float
    slope: float

    def at(self, size: float) -> float:
        """Return the cost of a size, s."""
        return self.fixed + self.slope * size


def line_through(points: Sequence[tuple[float, float]]) -> Line:
    """Return the least-squares line through (size, seconds), of which no part is negative.

    If all sizes are the same, the line goes through zero. Then a fixed part counts as growing, so that the
    extrapolation is too long rather than too short.
    """
    if not points:
        return Line(0.0, 0.0)
    x, y = np.array(points, dtype=np.float64).T
    if np.unique(x).size > 1:
        (fixed, slope), _ = nnls(np.stack([np.ones_like(x), x], axis=1), y)
        return Line(float(fixed), float(slope))
    total = float(x.sum())
    return Line(0.0, float(y.sum()) / total) if total > 0 else Line(float(y.mean()), 0.0)


@dataclass(frozen=True)
class Ran:
    """A run of one command: station-days of its block, seconds, and whether workers had yet to import."""

    size: int
    seconds: float
    first: bool


@dataclass(frozen=True)
class Command:
    """One command of a stage over station-days.

    Attributes
    ----------
    size
        Its station-days.
    wall_s, cpu_s
        Of the command with all its processes.
    runs
        Its Dagster runs, in their order.
    """

    size: int
    wall_s: float
    cpu_s: float
    runs: tuple[Ran, ...]

    @property
    def outside_s(self) -> float:
        """Wall seconds before, between and after its runs."""
        return max(0.0, self.wall_s - sum(run.seconds for run in self.runs))


@dataclass(frozen=True)
class StationDayCost:
    """What a stage over station-days costs.

    Attributes
    ----------
    outside
        Of a command besides its runs (imports, a look at the disk), by its station-days.
    first_run_s
        What the first run of a command takes longer, because workers import.
    run
        Of a run, by its station-days.
    cpu
        CPU seconds of a command with its workers, by its station-days.
    per_event_s
        Wall seconds of each further event of a station-day, with all workers at work.
    events
        Events of a station-day, as measured.
    """

    outside: Line
    first_run_s: float
    run: Line
    cpu: Line
    per_event_s: float
    events: float

    @classmethod
    def of(cls, commands: Sequence[Command], per_event_s: float, events: float) -> StationDayCost:
        """Return the costs of a stage from its commands, which have different sizes."""
        warm = [(run.size, run.seconds) for one in commands for run in one.runs if not run.first]
        cold = [(run.size, run.seconds) for one in commands for run in one.runs if run.first]
        run = line_through(warm or cold)
        longer = [seconds - run.at(size) for size, seconds in cold]
        return cls(
            outside=line_through([(one.size, one.outside_s) for one in commands]),
            first_run_s=max(0.0, sum(longer) / len(longer)) if longer else 0.0,
            run=run,
            cpu=line_through([(one.size, one.cpu_s) for one in commands]),
            per_event_s=per_event_s,
            events=events,
        )

    def per_station_day_s(self, station_days: int = STATION_DAYS, events: int = EVENTS) -> float:
        """Return the wall seconds of a further station-day with as many events as in an archive on average."""
        return max(0.0, self.run.slope + self.per_event_s * (events / station_days - self.events))

    def seconds(self, per_run: int, station_days: int = STATION_DAYS, events: int = EVENTS) -> float:
        """Return the wall seconds of one command over an archive.

        Parameters
        ----------
        per_run
            Most station-days of a run.
        station_days, events
            The archive.
        """
        runs = math.ceil(station_days / per_run)
        grows = station_days * self.per_station_day_s(station_days, events)
        return self.outside.at(station_days) + self.first_run_s + runs * self.run.fixed + grows


@dataclass(frozen=True)
class Trained:
    """A job of training at one size.

    Attributes
    ----------
    events
        Of the training set.
    epochs
        Of all its trainings together; 1 for a job without epochs.
    seconds
        Of wall time in which one of its runs was at work.
    """

    events: int
    epochs: float
    seconds: float


def dec_epochs(
    of_all: Iterable[float], of_copies: Iterable[float], dec: DecSettings, copies: int, events: int = TRAINING_EVENTS
) -> float:
    """Return the epochs that the trainings of DEC have together with the events of the paper's training set.

    Parameters
    ----------
    of_all
        Epochs of each with all events of the campaign: as many are needed with more events.
    of_copies, copies
        Epochs of each with the copies, and their number. They are whole trainings if there are as many as `events`, and
        `dec.max_steps` ended them before `COPIES_EPOCHS`.
    dec
        Section `dec`.
    events
        The paper's training set.
    """
    most = math.inf if dec.max_steps is None else dec.max_steps / math.ceil(events / dec.batch_size)
    if copies == events and most <= COPIES_EPOCHS:
        return sum(of_copies)
    return sum(min(one, most) for one in of_all)


def training_seconds(
    few: Trained | None, many: Trained, epochs: float, events: int = TRAINING_EVENTS
) -> tuple[Line, float]:
    """Return the line of a job of training over events times epochs, and its seconds for a number of both.

    If the larger measurement has as many events, all of its cost counts as growing with the epochs.
    """
    sizes = [many] if few is None or many.events == events else [few, many]
    line = line_through([(one.events * one.epochs, one.seconds) for one in sizes])
    return line, line.at(events * epochs)


def published_seconds(aec_epochs: float, dec_epochs: float) -> dict[str, float]:
    """Return what the published code takes for the whole archive, s, by part.

    Parameters
    ----------
    aec_epochs, dec_epochs
        Epochs of all trainings together: as many as ours, so that both do the same work.
    """
    trained = TRAINING_EVENTS * TRAINED_SHARE
    return {
        "station-days": STATION_DAYS * (PUBLISHED["preprocess_s"] + PUBLISHED["detect_s"]),
        "spectrograms": EVENTS / PUBLISHED["spectrograms_per_s"],
        "autoencoder": aec_epochs * trained / PUBLISHED["aec_samples_per_s"],
        "DEC": dec_epochs * trained / PUBLISHED["dec_samples_per_s"],
        "labels": EVENTS / PUBLISHED["labels_per_s"],
    }


def per_event(found: Sequence[tuple[float, float]], workers: int) -> float:
    """Return the wall seconds of each event, from (events, seconds) of station-days worked on by so many workers.

    The slope is the median of those of all pairs, which single station-days (the first of a worker, which imports) do
    not move. It is 0 where all station-days have as many events, or busier ones were not slower.
    """
    if not found:
        return 0.0
    x, y = np.array(found, dtype=np.float64).T
    return max(0.0, float(theilslopes(y, x).slope)) / workers if np.unique(x).size > 1 else 0.0
