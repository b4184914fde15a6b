"""From the steps of `bench.campaign` to its result: costs by part, hours of the paper's archive, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.campaign_archive import Size
from bench.campaign_estimate import (
    EVENTS,
    STATION_DAYS,
    TRAINING_EVENTS,
    Command,
    Line,
    Ran,
    StationDayCost,
    Trained,
    dec_epochs,
    line_through,
    per_event,
    published_seconds,
    training_seconds,
)
from bench.campaign_run import Step, Steps
from bench.runs import plain
from ris_core.station_days.station_days import StationDays

STAGES = ("acquire", "process", "label")
_CATALOGUE = "catalogue and rates"


@dataclass(frozen=True)
class Measured:
    """All that a campaign measured.

    Attributes
    ----------
    size, profile, workers, copies
        What was asked for; copies of events on which the trainings were measured.
    steps, days
        The finished steps and the network.
    fewer
        Events of the smaller draw; 0 if there was none.
    events, work, limits
        Counts; seconds inside the stages by station-day; limits.
    disk, archive_bytes
        Size and files by folder of the data root; bytes of the archive.
    """

    size: Size
    profile: str
    workers: int
    copies: int
    steps: Steps
    days: StationDays
    fewer: int
    events: Mapping[str, Any]
    work: Mapping[str, Any]
    limits: Mapping[str, Any]
    disk: Mapping[str, Mapping[str, int]]
    archive_bytes: int

    @property
    def station_days(self) -> int:
        """Station-days of the network, also those without data."""
        return int(self.events["station_days"])

    @property
    def drawn(self) -> int:
        """Events of the training set."""
        return min(int(self.events["events"]), self.days.settings.training_set.events)

    def pair(self, stage: str) -> tuple[Step, Step]:
        """Return the small and the large command of a stage."""
        return self.steps[f"{stage}, first"], self.steps[f"{stage}, rest"]

    @property
    def draws(self) -> list[tuple[int, Step]]:
        """The draws of training sets, with their events."""
        few = [(self.fewer, self.steps["training set, few"])] if self.fewer else []
        return [*few, (self.drawn, self.steps["training set, all"])]

    @property
    def trainings(self) -> list[tuple[str, int, Step]]:
        """The trainings by name, with their events: on all events, and on the copies."""
        sizes = (("all", self.drawn), ("copies", self.copies))
        return [(name, events, self.steps[f"training, {name}"]) for name, events in sizes]

    def epochs(self, name: str) -> dict[str, list[float]]:
        """Return the epochs of each training of the autoencoder and of DEC, on all events or on the copies."""
        figures = self.steps.figures(f"epochs, {name}")
        return {network: list(figures[network].values()) for network in ("aec", "dec")}


def summary(measured: Measured) -> dict[str, Any]:
    """Return the result of a campaign, with all parts of the extrapolation."""
    costs = {stage: _cost_of(measured, stage) for stage in STAGES}
    per_run = measured.days.settings.operations.station_days_per_run
    hours = {stage: cost.seconds(per_run) / 3600 for stage, cost in costs.items()}
    # A look at the disk grows alike in every command; those of the trainings and the catalogue have one size each.
    look = costs["process"].outside.slope * max(0, STATION_DAYS - measured.station_days)
    jobs = _jobs(measured)
    draw, set_s = _draw(measured, look)
    train_s = sum(of.seconds for of in jobs.values()) + _outside(measured.steps["training, copies"]) + look
    catalogue, catalogue_s = _catalogue(measured, look)
    hours |= {"training set": set_s / 3600, "training": train_s / 3600, _CATALOGUE: catalogue_s / 3600}
    epochs = _epochs(measured)
    published = published_seconds(epochs["aec"], epochs["dec"])
    to_labels = sum(value for stage, value in hours.items() if stage != _CATALOGUE)
    theirs = sum(published.values()) / 3600
    at_once = theirs - (published["station-days"] + published["spectrograms"]) / 3600 * (1 - 1 / measured.workers)
    return dict(
        plain(
            {
                "hours_34x730": to_labels,
                "hours_34x730_with_a_champion": sum(hours[stage] for stage in STAGES),
                "ratio_to_published": theirs / to_labels,
                "ratio_to_published_in_as_many_processes": at_once / to_labels,
                "hours_by_stage": hours,
                "published_hours": theirs,
                "published_seconds": published,
                "stages": _stages(measured),
                "costs": {stage: asdict(cost) for stage, cost in costs.items()},
                "training_jobs": {
                    name: asdict(of.line) | {"measured": asdict(of.measured), "epochs": of.epochs}
                    for name, of in jobs.items()
                },
                "draw": asdict(draw),
                "catalogue": asdict(catalogue),
                "epochs": epochs,
                "measured_epochs": {name: measured.epochs(name) for name, *_ in measured.trainings},
                "limits": _limits(measured, costs, jobs),
                "events": dict(measured.events),
                "training_events": [measured.fewer, measured.drawn, measured.copies],
                "bytes": {name: usage["size"] for name, usage in measured.disk.items()}
                | {"archive": measured.archive_bytes},
                "peak_mb": max(step.peak_mb for step in _steps(measured)),
                "interrupted": [step.name for step in _steps(measured) if step.starts > 1],
                "failed_runs": [
                    f"{step.name}: {run['job']} {run['what']}".strip()
                    for step in _steps(measured)
                    for run in step.runs
                    if not run["success"]
                ],
                "not_trained": _not_trained(measured),
                "load": [min(step.load for step in _steps(measured)), max(step.load for step in _steps(measured))],
                "making_s": measured.steps.figures("make")["seconds"],
            }
        )
    )


def _not_trained(measured: Measured) -> list[str]:
    """Return the jobs of training that were not done, so that their hours are lacking."""
    from ris_dagster.jobs import training_jobs

    steps = measured.steps["training set, all"], measured.steps["training, copies"]
    done = {run["job"] for step in steps for run in step.runs if run["success"]}
    return [job for job in training_jobs(measured.days.settings) if job not in done]


def _steps(measured: Measured) -> list[Step]:
    pairs = [step for stage in (*STAGES, _CATALOGUE) for step in measured.pair(stage)]
    return [*pairs, *(step for _, step in measured.draws), *(step for *_, step in measured.trainings)]


def _stages(measured: Measured) -> dict[str, dict[str, float]]:
    """Return wall and CPU seconds and peak memory of each stage, of all its commands together."""
    of_stage: dict[str, tuple[Step, ...]] = {stage: measured.pair(stage) for stage in ("acquire", "process")}
    of_stage["training set"] = (measured.steps["training set, all"],)
    of_stage |= {f"training, {events:,} events": (step,) for _, events, step in measured.trainings}
    of_stage |= {stage: measured.pair(stage) for stage in ("label", _CATALOGUE)}
    return {
        stage: {
            "wall_s": sum(step.wall_s for step in steps),
            "cpu_s": sum(step.cpu_s for step in steps),
            "peak_mb": max(step.peak_mb for step in steps),
        }
        for stage, steps in of_stage.items()
    }


def command_of(step: Step) -> Command:
    """Return a step over station-days as a command of the extrapolation."""
    runs = tuple(
        Ran(int(run["station_days"]), float(run["seconds"]), number == 0) for number, run in enumerate(step.runs)
    )
    return Command(sum(run.size for run in runs), step.wall_s, step.cpu_s, runs)


def wall_seconds(runs: Sequence[Mapping[str, Any]]) -> float:
    """Return how long at least one of some runs was at work, s: several trainings work at once."""
    seconds, until = 0.0, 0.0
    for began, ended in sorted((float(run["began"]), float(run["began"]) + float(run["seconds"])) for run in runs):
        seconds += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return seconds


def _cost_of(measured: Measured, stage: str) -> StationDayCost:
    rows = [(float(events), float(seconds)) for events, seconds in measured.work["stages"][stage]]
    of_event = per_event(rows, measured.workers)
    return StationDayCost.of(
        [command_of(step) for step in measured.pair(stage)],
        of_event,
        measured.events["events"] / measured.station_days,
    )


@dataclass(frozen=True)
class TrainingJob:
    """A job of training.

    Attributes
    ----------
    line
        Its seconds over events times epochs.
    measured
        The larger of its sizes.
    epochs, seconds
        Of all its runs together, with the events of the paper's training set.
    """

    line: Line
    measured: Trained
    epochs: float
    seconds: float


def _epochs(measured: Measured) -> dict[str, float]:
    """Return the epochs of all trainings together with the events of the paper's training set."""
    of_all, of_copies = measured.epochs("all"), measured.epochs("copies")
    dec = of_all["dec"], of_copies["dec"]
    return {
        "aec": sum(of_all["aec"]),
        "dec": dec_epochs(*dec, measured.days.settings.dec, measured.copies),
    }


def _jobs(measured: Measured) -> dict[str, TrainingJob]:
    """Return the jobs of training by their names."""
    trained: dict[str, dict[str, Trained]] = {}
    networks = {"train_autoencoders": "aec", "train_dec": "dec"}
    for name, events, step in measured.trainings:
        epochs = {job: sum(measured.epochs(name)[network]) for job, network in networks.items()}
        for job in dict.fromkeys(run["job"] for run in step.runs):
            of = [run for run in step.runs if run["job"] == job]
            made = [run for run in of if run["success"]]
            # Of fewer events a part can fail that works on all; then that size tells nothing of the job.
            if made and (name == "copies" or len(made) == len(of)):
                trained.setdefault(job, {})[name] = Trained(events, epochs.get(job) or 1.0, wall_seconds(made))
    found, needed = {}, _epochs(measured)
    for job, by_size in trained.items():
        if many := by_size.get("copies"):
            epochs_needed = needed[networks[job]] if job in networks else 1.0
            line, seconds = training_seconds(by_size.get("all"), many, epochs_needed)
            found[job] = TrainingJob(line, many, epochs_needed, seconds)
    return found


def _outside(step: Step) -> float:
    """Return the wall seconds of a command besides its runs."""
    return max(0.0, step.wall_s - wall_seconds(step.runs))


def _draw(measured: Measured, look: float) -> tuple[Line, float]:
    """Return the line of the draw over its events, and the seconds for the whole archive.

    The draw looks at every station-day: its fixed part is taken to grow with them.
    """
    line = line_through([(float(events), wall_seconds(step.runs)) for events, step in measured.draws])
    fixed = line.fixed * STATION_DAYS / measured.station_days
    return line, _outside(measured.steps["training set, all"]) + look + fixed + line.slope * TRAINING_EVENTS


def _catalogue(measured: Measured, look: float) -> tuple[Line, float]:
    """Return the line of the catalogue's runs over labelled station-days, and the seconds for the whole archive.

    What the last update took counts as growing with the station-days.
    """
    _, rest = measured.pair(_CATALOGUE)
    line = line_through([(float(measured.station_days), wall_seconds(rest.runs))])
    busier = max(1.0, EVENTS / STATION_DAYS / max(1e-9, measured.events["events"] / measured.station_days))
    return line, _outside(rest) + look + line.slope * STATION_DAYS * busier


def _limits(
    measured: Measured, costs: Mapping[str, StationDayCost], jobs: Mapping[str, TrainingJob]
) -> dict[str, dict[str, float]]:
    """Return each stage beside its limit: CPU s of a station-day with data, or wall s of an event and epoch."""
    alone, bare = measured.limits["of_station_days"], measured.limits["of_training"]
    recorded = measured.station_days / max(1, int(measured.events["with_data"]))
    needed = {
        "acquire": ("read", "headers", "unpack", "digest"),
        "process": ("read", "headers", "unpack", "digest", "arithmetic", "write"),
        "label": ("read_events", "label"),
    }
    found = {}
    for stage, parts in needed.items():
        limit, ours = sum(alone[part] for part in parts), costs[stage].cpu.slope * recorded
        found[stage] = {"measured_s": ours, "limit_s": limit, "times": ours / limit} | {p: alone[p] for p in parts}
        if stage in measured.limits["of_stages"]:
            found[stage]["alone_s"] = measured.limits["of_stages"][stage]
    for job in ("train_autoencoders", "train_dec"):
        if job in jobs:
            ours = jobs[job].line.slope
            found[job] = {"measured_s": ours, "limit_s": bare["train"], "times": ours / bare["train"]}
    return found
