"""Limits of the stages of `bench.campaign`, on its own files: what reading, unpacking and arithmetic cost alone.

``python -m bench.campaign_limits CONFIG DATA`` is started by `bench.campaign` as a process of its own and prints JSON.
Each figure is the best of some passes over a few station-days that stand in the page cache.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ris_core.config import Settings, load_settings
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage.spectrogram_file import read_spectrograms

_PASSES = 3
_BATCHES, _BATCH = 24, 32


def best(work: Callable[[], object], passes: int = _PASSES) -> float:
    """Return the CPU seconds of the best of some passes, after one that does not count."""
    work()
    found = []
    for _ in range(passes):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def of_station_days(days: StationDays, keys: Sequence[StationDay]) -> dict[str, float]:
    """Return the limits of acquiring, processing and labelling, CPU seconds of one thread and station-day."""
    import xxhash

    from ris_core.processing.chain import process
    from ris_core.threads import one_thread
    from ris_core.waveforms.miniseed import scan
    from ris_core.waveforms.unpacking import unpack

    settings, n = days.settings, len(keys)
    files = [Path(file) for key in keys for file in days.acquire.require(key).files or ()]
    contents = [path.read_bytes() for path in files]
    scanned = [scan(content) for content in contents]
    whole = [np.ones(len(records), bool) for records in scanned]
    segments = {key: days.acquire.segments(key) for key in keys}
    samples = [segment.samples for of_key in segments.values() for one in of_key.values() for segment in one]
    inventories = {key: days.acquire.inventory(key.station) for key in keys}
    events = [read_spectrograms(days.layout.spectrograms(key)) for key in keys]
    with one_thread():
        return {
            "read": best(lambda: [path.read_bytes() for path in files]) / n,
            "headers": best(lambda: [scan(content) for content in contents]) / n,
            "unpack": best(lambda: [unpack([one]) for one in zip(scanned, whole, strict=True)]) / n,
            "digest": best(lambda: [xxhash.xxh3_128(np.ascontiguousarray(one).data) for one in samples]) / n,
            "arithmetic": best(lambda: [process(segments[k], k, settings, inventories[k]) for k in keys]) / n,
            "write": _writing(events) / n,
            "read_events": best(lambda: [read_spectrograms(days.layout.spectrograms(key)) for key in keys]) / n,
            "label": _labelling(days, events) / n,
        }


def of_stages(settings: Settings, keys: Sequence[StationDay]) -> dict[str, float]:
    """Return the CPU seconds of a station-day in the stages themselves: in this process, without Dagster."""
    with tempfile.TemporaryDirectory() as folder:
        days = StationDays.open(settings, Path(folder) / settings.network.name)

        def process() -> None:
            for key in keys:
                for path in days.process.products(key):
                    path.unlink(missing_ok=True)
                days.process.run(key)

        acquire = best(lambda: [days.acquire.run(key, again=True) for key in keys])
        return {"acquire": acquire / len(keys), "process": best(process) / len(keys)}


def _writing(events: Sequence[Events]) -> float:
    """Return the CPU seconds of writing the arrays of events with h5py alone."""
    import h5py

    def write(folder: str) -> None:
        for number, found in enumerate(events):
            with h5py.File(Path(folder) / f"{number}.h5", "w") as file:
                file["spectrogram"], file["waveform"] = found.spectrogram, found.waveform

    with tempfile.TemporaryDirectory() as folder:
        return best(lambda: write(folder))


def _labelling(days: StationDays, events: Sequence[Events]) -> float:
    """Return the CPU seconds of the champion's features and memberships of events in memory, all in one call."""
    from ris_core.clustering.champion import read_champion
    from ris_core.clustering.champion_files import load_copy
    from ris_core.labels.labelling import label_events

    champion = read_champion(days.layout)
    model = load_copy(days.layout.champion_model(champion.model_version))
    return best(lambda: label_events(model, events, reconstruction=False))


def of_training(settings: Settings, threads: int) -> dict[str, float]:
    """Return wall seconds of an event and epoch in a bare PyTorch loop: the autoencoder on one batch in memory."""
    import torch
    from torch.nn import functional

    from ris_core.models.networks import Aec
    from ris_core.training.loop import channels_last, make_adam

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    shape = settings.input_spec().network_shape
    model = channels_last(Aec(shape=shape))
    adam = make_adam(model.parameters(), 1e-3)
    batch = torch.rand(_BATCH, *shape).contiguous(memory_format=torch.channels_last)

    def steps() -> None:
        for _ in range(_BATCHES):
            adam.zero_grad(set_to_none=True)
            torch.autograd.backward(functional.mse_loss(model(batch)[0], batch))
            adam.step()

    steps()
    seconds = []
    for _ in range(_PASSES):
        started = time.perf_counter()
        steps()
        seconds.append(time.perf_counter() - started)
    return {"train": min(seconds) / (_BATCHES * _BATCH)}


def limits(config: Path, root: Path, count: int, threads: int) -> Mapping[str, Any]:
    """Return all limits, measured on the first station-days that have samples and events."""
    settings = load_settings(config)
    days = StationDays.open(settings, root)
    usable = (
        key
        for key in days.all()
        if (found := days.acquire.read(key)) is not None
        and found.has_data
        and (info := days.process.current(key)) is not None
        and info.events
    )
    keys = [key for key, _ in zip(usable, range(count), strict=False)]
    if not keys:
        raise RuntimeError("no station-day has events: make a larger archive")
    return {
        "station_days": len(keys),
        "of_station_days": of_station_days(days, keys),
        "of_stages": of_stages(settings, keys),
        "of_training": of_training(settings, threads),
    }


if __name__ == "__main__":
    config_, root_, count_, threads_ = sys.argv[1:]
    print(json.dumps(limits(Path(config_), Path(root_), int(count_), int(threads_))))
