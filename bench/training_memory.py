"""Memory of training on more than fits it: ``python -m bench.training_memory``.

Events are written as the published code keeps them, imported into a data root, drawn as a training set, and streamed
from it: one epoch of the autoencoder, latents, initial clusters, one epoch of DEC with its updates, and labels of all
station-days. Every stage is a process of its own whose writable memory may not exceed a limit (RLIMIT_DATA, imports
included) that is smaller than the events are as float32; holding them in memory is tried as well, and must fail. Peak
memory is compared for two numbers of events and extrapolated to the 430,000 of the published archive.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.training_routes import peak_mb
from ris_core.config import Settings
from ris_core.station_days.station_days import StationDays

ARCHIVE = 430_000
TARGET_GB = 4.0
TRIAL = "bs64_lr1e-3"
K = 8
FILE, SETTINGS = "events.h5", "settings.json"
_OUT_OF_MEMORY = 77
_DIFFERENT = 1000


def importing(days: StationDays) -> int:
    """Import the published file; return the number of events."""
    from ris_core.published.importing import prepare

    prepared = prepare(days, days.layout.root.parent / FILE)
    for _ in prepared.write():
        pass
    return len(prepared.catalogue)


def drawing(days: StationDays) -> int:
    """Draw the training set."""
    from ris_core.training.event_sources import sources_of
    from ris_core.training.training_draw import draw

    settings = days.settings
    sections = settings.training_set, settings.normalisation
    sources = sources_of(days.process, days.all(), settings.training_set)
    return draw(days.layout, sources, *sections, settings.processing_json()).events


def autoencoder(days: StationDays) -> int:
    """Train the autoencoder for one epoch and choose it, whatever its verdict."""
    from ris_core.training.aec_choice import AecChoice, write_choice
    from ris_core.training.checkpoint import Checkpoint
    from ris_core.training.training_set import load
    from ris_core.training.trials import save_trial, train_trial

    data, settings = load(days.layout, days.settings.training_set, days.settings.normalisation), days.settings.aec
    batch_size, learning_rate = settings.grid.trials()[TRIAL]
    checkpoint = Checkpoint(days.layout.aec(TRIAL), "bench")
    trial = train_trial(data, TRIAL, batch_size, learning_rate, settings, checkpoint=checkpoint)
    digest = save_trial(days.layout, trial, data, "bench", {})
    write_choice(days.layout, AecChoice(TRIAL, digest, data.digest, trial.result.val_mse))
    return len(data)


def latents(days: StationDays) -> int:
    """Encode the training set and write the latents."""
    from ris_core.clustering.latents import make_latents
    from ris_core.training.training_set import load

    data = load(days.layout, days.settings.training_set, days.settings.normalisation)
    return len(make_latents(days.layout, data).z)


def clusters(days: StationDays) -> int:
    """Make initial clusters."""
    from ris_core.clustering.initial_clusters import make_clusters
    from ris_core.clustering.latents import read_latents

    found = read_latents(days.layout, days.settings.normalisation)
    return len(make_clusters(days.layout, found, K, days.settings.dec).start.labels)


def embedded(days: StationDays) -> int:
    """Train DEC for one epoch, score it and write it."""
    from ris_core.clustering.dec_models import save_dec
    from ris_core.clustering.trained_dec import read_start, train_k
    from ris_core.training.checkpoint import Checkpoint
    from ris_core.training.training_set import load

    settings = days.settings
    data = load(days.layout, settings.training_set, settings.normalisation)
    checkpoint = Checkpoint(days.layout.dec(K), "bench")
    start = read_start(days.layout, K, settings.normalisation)
    trained = train_k(data, start, settings.dec, settings.cluster_count.sample, checkpoint=checkpoint)
    save_dec(days.layout, trained.result.model, trained.record(data.normalisation, {}), data.input)
    return len(data)


def labels(days: StationDays) -> int:
    """Label all station-days, with reconstruction errors."""
    from ris_core.clustering.open_models import open_model
    from ris_core.labels.labelling import label_events
    from ris_core.storage.spectrogram_file import iterate_events

    model, _ = open_model(days.layout.dec(K))
    settings, done = days.settings.labelling, 0
    for key in days.all():
        if (path := days.layout.spectrograms(key)).exists():
            blocks = iterate_events(path, settings.batch_size, model.needs)
            done += len(label_events(model, blocks, device="cpu"))
    return done


STAGES: dict[str, Callable[[StationDays], int]] = {
    "import": importing,
    "draw": drawing,
    "aec": autoencoder,
    "latents": latents,
    "clusters": clusters,
    "dec": embedded,
    "labels": labels,
}
# What is tried with all events in memory.
IN_MEMORY = ("draw", "aec")


def stage(name: str, root: Path, limit: int, in_memory: bool) -> None:
    """Run a stage under a limit of bytes and print its figures; end with a code of its own if memory ran out."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    values = json.loads((root.parent / SETTINGS).read_text(encoding="utf-8"))
    values["training_set"]["in_memory"] = 1e6 if in_memory else 0.0
    from ris_core.models.device import use_cores

    use_cores()
    start = time.perf_counter()
    try:
        events = STAGES[name](StationDays.open(Settings.model_validate(values), root))
    except (MemoryError, RuntimeError, OSError) as error:
        # PyTorch says it in its own words, and HDF5 takes what it cannot unpack for damaged; a stage that is tried with
        # all events in memory is followed by the same one without, which would find real damage.
        if isinstance(error, MemoryError) or "memory" in str(error) or (in_memory and "filter returned" in str(error)):
            print(error, file=sys.stderr)
            sys.exit(_OUT_OF_MEMORY)
        raise
    print(json.dumps({"events": events, "seconds": time.perf_counter() - start, "peak_mb": peak_mb()}))


def child(name: str, root: Path, limit: int, threads: int, in_memory: bool = False) -> dict[str, float] | None:
    """Run a stage in a process of its own; return its figures, or None if memory ran out."""
    command = [sys.executable, "-m", "bench.training_memory", "--stage", name, "--root", root, "--limit-mb"]
    done = subprocess.run(
        [*map(str, command), str(limit >> 20), *(["--in-memory"] if in_memory else [])],
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == _OUT_OF_MEMORY:
        return None
    done.check_returncode()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_events(folder: Path, few: NDArray[np.float32], events: int) -> Settings:
    """Write so many events, made of a few, as a published file, and settings to train on all of them once."""
    from bench.training_events import blocks_multiplied, published_settings, write_published

    settings = published_settings(
        events,
        training_set={"events": events},
        aec={"grid": {"batch_size": [64], "learning_rate": [1e-3]}, "max_epochs": 1, "restarts": 0, "device": "cpu"},
        dec={"k": [K], "n_init": 1, "max_epochs": 1, "tolerance": 0.0, "device": "cpu"},
        labelling={"device": "cpu"},
    )
    (folder / SETTINGS).write_text(settings.model_dump_json(), encoding="utf-8")
    write_published(folder / FILE, events, blocks_multiplied(few, events), settings)
    return settings


def measure(folder: Path, events: int, limit: int, threads: int) -> tuple[dict[str, Any], list[str]]:
    """Run all stages; return their figures, and those for which memory was too small with all events in it."""
    found: dict[str, Any] = {}
    too_much = []
    for name in STAGES:
        if name in IN_MEMORY and child(name, folder / "root", limit, threads, in_memory=True) is None:
            too_much.append(name)
        done = child(name, folder / "root", limit, threads)
        if done is None:
            raise SystemExit(f"{name}: {limit >> 20} MB are too little for {events} events; give more with --limit-mb")
        found[name] = done
    return found, too_much


def main() -> None:
    """Parse the command line, run, and print table and RESULT."""
    from bench.kept_windows import CACHE
    from bench.training_events import QUICK, gather

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs=2, default=[30_000, 80_000])
    parser.add_argument("--limit-mb", type=int, default=2500, help="writable memory of a process")
    parser.add_argument("--generators", type=int, nargs="+", default=[3], help="of the synthetic network")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the generators' events")
    parser.add_argument("--quick", action="store_true", help="events of one station-day of the first generator")
    parser.add_argument("--folder", type=Path, help="where to write (some GB); by default that of temporary files")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--in-memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    limit = arguments.limit_mb << 20
    if arguments.stage:
        stage(arguments.stage, arguments.root, limit, arguments.in_memory)
        return
    sizes = sorted(arguments.events)
    few = gather(_DIFFERENT, arguments.generators, arguments.cache, QUICK if arguments.quick else None)
    found, too_much = [], []
    for events in sizes:
        with tempfile.TemporaryDirectory(prefix="ris-bench-", dir=arguments.folder) as name:
            write_events(Path(name), few, events)
            figures, failed = measure(Path(name), events, limit, arguments.threads)
        found.append(figures)
        too_much.append(failed)
    table = Table("stage", *(f"{n:,}: MB" for n in sizes), f"{ARCHIVE:,}: MB", *(f"{n:,}: events/s" for n in sizes))
    extrapolated = {}
    for name in STAGES:
        peaks = [figures[name]["peak_mb"] for figures in found]
        slope = max(0.0, (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])) if sizes[1] > sizes[0] else 0.0
        extrapolated[name] = peaks[1] + slope * (ARCHIVE - sizes[1])
        rates = [n / figures[name]["seconds"] for n, figures in zip(sizes, found, strict=True)]
        table.add_row(name, *(f"{p:,.0f}" for p in peaks), f"{extrapolated[name]:,.0f}", *(f"{r:,.0f}" for r in rates))
    Console().print(table)
    result = {
        "limit_mb": arguments.limit_mb,
        "float32_mb": [round(n * 87 * 100 * 4 / 2**20) for n in sizes],
        "peak_mb": {name: [round(figures[name]["peak_mb"]) for figures in found] for name in STAGES},
        "extrapolated_mb": {name: round(value) for name, value in extrapolated.items()},
        "below_target": max(extrapolated.values()) < TARGET_GB * 1024,
        "too_much_in_memory": dict(zip(map(str, sizes), too_much, strict=True)),
        "threads": arguments.threads,
        "load_average": np.round(os.getloadavg(), 1).tolist(),
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
