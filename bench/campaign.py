"""The paper's archive as one campaign on this machine: ``python -m bench.campaign --stations 34 --days 8``.

Real-size station-days (24 h, 200 Hz, STEIM2) with gaps and missing days are made by the synthetic network in an SDS
archive, at about the paper's number of detections a station-day. They are then taken from raw files to a catalogue with
rates as a user does it: a settings file, `ris backfill` and `ris run`, two Dask workers, SQLite. The cost of each stage
is split into parts (a command, a run, a station-day, an event, an event and epoch), and these give the hours of the
paper's archive of 34 x 730 station-days and 430,000 events. Trainings are measured on as many events as the paper's
training set has, changed copies of those of the archive. Limits (reading, unpacking, arithmetic, a bare training loop)
are measured on the same files in the same run.

Everything is kept in the folder: give the same command again after an interruption, and finished steps are not done
again. A figure counts for one machine and one load; leave the machine alone while it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from bench.campaign_archive import Size, make_archive, settings_values, spoiled
from bench.campaign_copies import write_copies
from bench.campaign_estimate import COPIES_EPOCHS, TRAINING_EVENTS
from bench.campaign_run import Steps, quiet_environment
from bench.campaign_summary import Measured, summary
from bench.campaign_tables import markdown
from bench.operations_network import Network, clear_environment
from ris_core.config import load_settings
from ris_core.station_days.station_days import StationDays
from ris_core.storage.disk_usage import usage_by_folder

# On average over two years. In the days of the archive there are half as many, of which a third is detected: some 17.
EVENTS_PER_DAY = 130.0
_BYTES_PER_STATION_DAY = 26e6
_ROOM = 2e9
_FEWEST = 20


def run(folder: Path, size: Size, profile: str, workers: int, copies: int) -> Measured:
    """Do what is not done yet of a campaign, and return all that was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    _same_plan(folder, size, profile, workers, copies)
    steps = Steps(folder)
    archive, inventory = folder / "archive", folder / "inventory"
    _require_room(folder, archive, size)
    steps.kept("make", lambda: _making(size, archive, inventory, workers))
    network = _network(folder, size, profile, quiet_environment(folder / "data", workers))
    _acquire_and_process(steps, network, size)
    events = steps.kept("events", lambda: _events(network))
    fewer = _train(steps, network, int(events["events"]), workers)
    _train_on_copies(steps, network, folder / "copies", copies, workers)
    _label(steps, network, size)
    work = steps.kept("work", lambda: _work(network))
    disk = {name: asdict(usage) for name, usage in usage_by_folder(network.days.layout.root).items()}
    limits = steps.kept("limits", lambda: _limits(network, folder))
    return Measured(
        *(size, profile, workers, copies, steps, network.days, fewer, events, work, limits, disk), _bytes(archive)
    )


def _same_plan(folder: Path, size: Size, profile: str, workers: int, copies: int) -> None:
    """Note what is asked for, or refuse a folder of another campaign."""
    path, asked = folder / "plan.json", asdict(size) | {"profile": profile, "workers": workers, "copies": copies}
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != asked:
        raise SystemExit(f"{folder} holds another campaign, {path.read_text(encoding='utf-8')}; name another --folder")
    path.write_text(json.dumps(asked), encoding="utf-8")


def _require_room(folder: Path, archive: Path, size: Size) -> None:
    needed = max(0.0, _BYTES_PER_STATION_DAY * size.stations * size.days + _ROOM - _bytes(archive))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"{folder}: some {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; name another --folder, "
            "or fewer --stations or --days"
        )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


def _making(size: Size, archive: Path, inventory: Path, workers: int) -> dict[str, Any]:
    started = time.perf_counter()
    made = make_archive(size, archive, inventory, workers)
    return {"station_days": made, "seconds": time.perf_counter() - started}


def _network(folder: Path, size: Size, profile: str, environment: dict[str, str]) -> Network:
    """Return the network with its settings file, as a user would write it."""
    values = settings_values(size, folder, profile)
    config = folder / "campaign.yaml"
    config.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    settings = load_settings(config)
    days_of = StationDays.open(settings, folder / "data" / settings.network.name)
    return Network(config, days_of, environment)


def _first_part(size: Size) -> list[str]:
    """Return the options of a small first part: two days of two stations that are not neighbours, in two runs.

    Two days, so that in the first run both workers import.
    """
    codes = [size.codes[0], *size.codes[2:3]]
    first, *_, last = [size.dates[0], *size.dates[:2]]
    return ["--stations", ",".join(codes), "--from", first.isoformat(), "--to", last.isoformat()]


def _backfill(steps: Steps, network: Network, stage: str, size: Size, part: str) -> None:
    selected = _first_part(size) if part == "first" else []
    steps.command(f"{stage}, {part}", network, "backfill", "--inline", "--yes", "--assets", stage, *selected)


def _acquire_and_process(steps: Steps, network: Network, size: Size) -> None:
    for stage in ("acquire", "process"):
        for part in ("first", "rest"):
            _backfill(steps, network, stage, size, part)


def _events(network: Network) -> dict[str, Any]:
    """Return how many events and detections there are, and station-days with data."""
    from ris_core.storage import tables

    days, events, detections, with_data, gaps = network.days, 0, 0, 0, 0
    for key in days.all():
        info, found = days.process.current(key), days.acquire.require(key)
        if info is None:
            raise RuntimeError(f"{key}: not processed; {network.log} says why")
        events += info.events
        detections += len(tables.read_table(days.layout.detections(key), ["outcome"]))
        with_data += found.has_data
        gaps += found.quality.gaps > 0
    total = network.station_days
    return {"station_days": total, "with_data": with_data, "with_gaps": gaps, "events": events} | {
        "detections": detections
    }


def _train(steps: Steps, network: Network, events: int, workers: int) -> int:
    """Draw a part of the events, then all, and train on these up to the champion; return the number of the part.

    It is 0 if all are too few for that.
    """
    from ris_dagster.jobs import DRAW, training_jobs

    settings = network.days.settings
    drawn = min(events, settings.training_set.events)
    if drawn < _FEWEST:
        raise SystemExit(f"{events} events are too few for a training: take more --stations, --days or events")
    fewer = drawn // 2 if drawn // 2 >= _FEWEST else 0
    for name, number in (("few", fewer), ("all", drawn)):
        if number:
            part = replace(network, config=_config(network.config, name, {"training_set": {"events": number}}))
            steps.command(f"training set, {name}", part, "run", "--only", DRAW)
    _run_jobs(steps, "training, all", part, training_jobs(settings)[1:], workers)
    steps.kept("epochs, all", lambda: _epochs(network))
    if not network.days.layout.champion.exists():
        raise RuntimeError(f"no model was accepted as champion; {network.log} says why: take more station-days")
    return fewer


def _train_on_copies(steps: Steps, network: Network, data: Path, copies: int, workers: int) -> None:
    """Train on changed copies of all events in a data root of their own, with few epochs."""
    from ris_dagster.jobs import training_jobs

    bounds = {"aec": {"max_epochs": COPIES_EPOCHS}, "dec": {"max_epochs": COPIES_EPOCHS}}
    config = _config(network.config, "copies", {"training_set": {"events": copies}} | bounds)
    settings = load_settings(config)
    environment = network.environment | {"RIS_DATA": str(data)}
    part = Network(config, StationDays.open(settings, data / settings.network.name), environment)

    def write() -> dict[str, Any]:
        started = time.perf_counter()
        write_copies(settings, network.days.layout, part.days.layout, copies)
        return {"seconds": time.perf_counter() - started}

    steps.kept("copies", write)
    _, *jobs = training_jobs(settings)
    _run_jobs(steps, "training, copies", part, jobs, workers)
    steps.kept("epochs, copies", lambda: _epochs(part))


def _run_jobs(steps: Steps, name: str, network: Network, jobs: Sequence[str], workers: int) -> None:
    only = [word for job in jobs for word in ("--only", job)]
    steps.command(name, network, "run", "--at-once", str(workers), *only)


def _config(config: Path, name: str, sections: dict[str, Any]) -> Path:
    """Return the settings file with other sections."""
    values = yaml.safe_load(config.read_text(encoding="utf-8")) | sections
    path = config.with_name(f"{config.stem}_{name}.yaml")
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def _epochs(network: Network) -> dict[str, Any]:
    """Return the epochs of the trained networks: of each trial, and of the DEC of each K."""
    from ris_core.clustering.candidate_models import read_candidate
    from ris_core.contracts.candidate_name import AEC_DEC
    from ris_core.training.trials import read_trial

    settings, layout = network.days.settings, network.days.layout
    trials = {key: read_trial(layout, key) for key in settings.aec.grid.trials()}
    counts = settings.counts_of(AEC_DEC) if settings.has_dec else ()
    trained = {str(k): read_candidate(layout, AEC_DEC, k) for k in counts}
    return {
        "aec": {key: record.metrics["epochs"] for key, record in trials.items() if record is not None},
        "dec": {k: found.record.metrics["epochs"] for k, found in trained.items() if found is not None},
    }


def _label(steps: Steps, network: Network, size: Size) -> None:
    from ris_dagster.analysis_jobs import CATALOGUE

    network = replace(network, config=network.config.with_name(f"{network.config.stem}_all.yaml"))
    for part in ("first", "rest"):
        _backfill(steps, network, "label", size, part)
        steps.command(f"catalogue and rates, {part}", network, "run", "--only", CATALOGUE)


def _work(network: Network) -> dict[str, Any]:
    """Return events and seconds inside each stage, of every station-day that had something to do."""
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.instance import open_instance
    from ris_dagster.partitions import station_day

    days, found = network.days, dict[str, list[list[float]]]()
    with open_instance(days.layout) as instance:
        for stage in ("acquire", "process", "label"):
            records = instance.fetch_materializations(BINDINGS[stage].assets[-1], limit=2 * network.station_days)
            rows = found.setdefault(stage, [])
            for record in records.records:
                made = record.asset_materialization
                if made is None or made.partition is None or made.metadata["already_current"].value:
                    continue
                info = days.process.current(station_day(made.partition))
                rows.append([float(info.events if info else 0), float(str(made.metadata["seconds"].value))])
    return {"stages": found}


def _limits(network: Network, folder: Path) -> dict[str, Any]:
    """Measure the limits in a process of its own."""
    config, threads = network.config.with_name(f"{network.config.stem}_all.yaml"), os.cpu_count() or 1
    root = network.days.layout.root
    command = [sys.executable, "-m", "bench.campaign_limits", str(config), str(root), "6", str(threads)]
    done = subprocess.run(command, env=os.environ | network.environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def positive(text: str) -> int:
    """Return a number of the command line that is 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: must be 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run, and print tables and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=positive, default=34, help="stations of the network (default: %(default)s)")
    parser.add_argument("--days", type=positive, default=8, help="days of each station (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("campaign"), help="where all is kept (default: ./campaign)")
    parser.add_argument("--profile", choices=("recommended", "paper"), default="recommended", help="of the settings")
    parser.add_argument("--workers", type=positive, default=2, help="Dask workers (default: %(default)s)")
    parser.add_argument(
        "--events-per-day",
        type=float,
        default=EVENTS_PER_DAY,
        help="true events of a station-day, of which a part is detected (default: %(default)s)",
    )
    parser.add_argument(
        "--training-events",
        type=positive,
        default=TRAINING_EVENTS,
        help="changed copies of events on which the trainings are measured (default: %(default)s)",
    )
    given = parser.parse_args(arguments)
    size = Size(given.stations, given.days, given.events_per_day)
    clear_environment()
    measured = run(given.folder.absolute(), size, given.profile, given.workers, given.training_events)
    found = summary(measured)
    text = markdown(measured, found)
    (given.folder / "tables.md").write_text(text, encoding="utf-8")
    Console(width=160).print(text, markup=False, highlight=False)
    missing = {name: len(keys) for name, keys in spoiled(size).items()}
    print("RESULT " + json.dumps({"cores": os.cpu_count(), "spoiled": missing} | found))


if __name__ == "__main__":
    main()
