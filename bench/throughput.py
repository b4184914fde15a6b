"""The speed of each stage, all in one run on this machine: ``python -m bench.throughput``.

One synthetic station-day (24 h, 200 Hz) goes through acquisition and processing stage by stage; its events, repeated to
a stated number, then train an autoencoder and a DEC for a short while and are labelled. Machines differ and are shared:
compare stages within one run, not between runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ris_core.clustering.dec_model import DecModel
from ris_core.clustering.initialise import kmeans
from ris_core.config import PAPER_INPUT, Settings, load_settings
from ris_core.contracts.station_day import StationDay
from ris_core.labels.labelling import label_events
from ris_core.models.inference import encode
from ris_core.processing.chain import process
from ris_core.processing.condition import condition
from ris_core.processing.detect import triggers_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage.layout import open_layout
from ris_core.storage.spectrogram_file import iterate_spectrograms, read_spectrograms
from ris_core.training.aec import train_aec
from ris_core.training.dec import train_dec
from ris_core.training.normalise import normalise


class Stages:
    """Times of named stages: CPU-seconds, wall seconds, and number of items."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str, count: int = 1) -> Iterator[None]:
        """Time the body."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.rows[name] = {
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
            "count": count,
        }


def run(settings: Settings, root: Path, events: int, epochs: int) -> dict[str, dict[str, float]]:
    """Run all stages once and return their times."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    days, stages = StationDays(settings, open_layout(settings, root)), Stages()
    key = StationDay(settings.stations[0].code, date(2015, 1, 11))
    with stages.stage("acquire: render and store a station-day"):
        days.acquire.run(key)
    with stages.stage("read a station-day"):
        segments = days.acquire.segments(key)
    with stages.stage("condition"):
        conditioned = [condition(s, settings.conditioning, key.start_ns) for s in segments[settings.channel]]
    with stages.stage("detect"):
        triggers = [t for c in conditioned for t in triggers_of(c, 0, settings.detector, settings.conditioning)]
    with stages.stage("whole chain in memory, with response", len(triggers)):
        process(segments, key, settings, days.acquire.inventory(key.station))
    with stages.stage("process: chain, files and pictures"):
        days.process.run(key)
    path = days.layout.spectrograms(key)
    with stages.stage("read spectrograms in blocks", sum(len(b) for b in iterate_spectrograms(path, 2048))):
        for _ in iterate_spectrograms(path, 2048):
            pass
    found = read_spectrograms(path)
    labelled = found.take(np.arange(events) % len(found))
    x = normalise(labelled.spectrogram)
    aec_settings = settings.aec.model_copy(update={"max_epochs": epochs, "patience": epochs})
    with stages.stage("train the autoencoder, batch 64", epochs * events):
        trained = train_aec(x, x[:64], 64, 1e-3, aec_settings)
    with stages.stage("encode", events):
        z = encode(trained.model, x)
    # Copies of the same events have the same latents; a little noise makes them different.
    z = z + np.random.default_rng(0).normal(0, 1e-3, z.shape).astype(np.float32)
    start = kmeans(z, 4, 1, 0)
    dec_settings = settings.dec.model_copy(update={"max_epochs": epochs, "tolerance": 0.0})
    with stages.stage("train DEC with its updates, batch 64", epochs * events):
        dec = train_dec(trained.model, x, start.centroids, start.labels, dec_settings)
    with stages.stage("label", events):
        label_events(DecModel(dec.model, settings.normalisation, PAPER_INPUT), [labelled])
    return stages.rows


def main() -> None:
    """Parse the command line, run, and print table and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1024, help="events of the training stages (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of each training (default: %(default)s)")
    arguments = parser.parse_args()
    settings = load_settings(Path(__file__).resolve().parent.parent / "config" / "demo_published.yaml")
    with tempfile.TemporaryDirectory() as folder:
        rows = run(settings, Path(folder) / "bench", arguments.events, arguments.epochs)
    table = Table("stage", "CPU s", "wall s", "count", "per wall s")
    for name, row in rows.items():
        rate = row["count"] / max(row["wall_s"], 1e-9)
        table.add_row(name, f"{row['cpu_s']:.2f}", f"{row['wall_s']:.2f}", f"{row['count']:.0f}", f"{rate:,.1f}")
    console = Console()
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"{os.cpu_count()} cores, peak memory {peak:,.0f} MB")
    print("RESULT " + json.dumps({"cores": os.cpu_count(), "peak_rss_mb": round(peak), "stages": rows}))


if __name__ == "__main__":
    main()
