"""Storage of spectrograms, codecs and chunk sizes side by side: ``python -m bench.spectrogram_file``.

Real spectrograms (of synthetic station-days after the whole chain, or of a given file) are written and read with each
codec, unchanged and with rounded mantissas, and then with several chunk sizes. Last come the project's own layout, with
its own functions, and the small files around it.

All figures are of CPU-seconds of this process on one thread, medians over repeats. Files are read from the page cache:
unpacking is measured, not the disk. Machines differ and are shared: compare within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from bench.spectrogram_functions import (
    CONFIG,
    PASSES,
    STATION_DAY,
    context_figures,
    cpu_seconds,
    own_figures,
    read_all,
)
from ris_core.config import load_settings
from ris_core.contracts.events import PER_EVENT, Events
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products, process
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file
from ris_core.storage.layout import open_layout
from ris_core.storage.rounding import KEPT_BITS, LARGEST_RELATIVE_ERROR, round_mantissa
from ris_core.storage.spectrogram_file import CHUNK
from ris_core.threads import one_thread

SINGLE = 64
CHUNKS = (1, 8, 16, 32, 64, 128)
LARGEST_SHARE = 0.70
LEAST_RATE = 8000
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """Figures of one layout: events written, normalised and singly read per CPU-second; size over raw float32."""

    write: float
    read: float
    single: float
    share: float


def codecs() -> dict[str, dict[str, Any]]:
    """Return h5py's arguments by the codec's name."""
    plugin = hdf5plugin
    # In brackets: values per block that Bitshuffle transposes and packs at a time, if it does not choose them itself.
    found: dict[str, dict[str, Any]] = {"none": {}}
    found["shuffle + lzf"] = {"shuffle": True, "compression": "lzf"}
    for level in (1, 4):
        found[f"shuffle + gzip {level}"] = {"shuffle": True, "compression": "gzip", "compression_opts": level}
    for level in (1, 3, 5):
        found[f"shuffle + Zstd {level}"] = {"shuffle": True, **plugin.Zstd(level)}
    found["shuffle + LZ4"] = {"shuffle": True, **plugin.LZ4()}
    for shuffle, name in ((plugin.Blosc.SHUFFLE, "shuffle"), (plugin.Blosc.BITSHUFFLE, "bitshuffle")):
        for level in (1, 3, 5):
            found[f"Blosc {name} BloscLZ {level}"] = dict(plugin.Blosc("blosclz", level, shuffle))
            found[f"Blosc {name} LZ4 {level}"] = dict(plugin.Blosc("lz4", level, shuffle))
            found[f"Blosc {name} Zstd {level}"] = dict(plugin.Blosc("zstd", level, shuffle))
            found[f"Blosc2 {name} LZ4 {level}"] = dict(plugin.Blosc2("lz4", level, shuffle))
            found[f"Blosc2 {name} Zstd {level}"] = dict(plugin.Blosc2("zstd", level, shuffle))
    for values in (0, 8192, 65536):
        blocks = f" ({values:,})" if values else ""
        found[f"Bitshuffle LZ4{blocks}"] = dict(plugin.Bitshuffle(nelems=values, cname="lz4"))
        for level in (1, 3, 5):
            found[f"Bitshuffle Zstd {level}{blocks}"] = dict(
                plugin.Bitshuffle(nelems=values, cname="zstd", clevel=level)
            )
    found["Bitshuffle LZ4 (8,192), checksum"] = {"fletcher32": True, **plugin.Bitshuffle(nelems=8192, cname="lz4")}
    return found


def make_events(events: int, root: Path) -> Products:
    """Process synthetic station-days until there are enough events; their spectrograms are not rounded."""
    settings = load_settings(CONFIG)
    acquire = StationDays(settings, open_layout(settings, root), pictures=False).acquire
    found: list[Products] = []
    day = 0
    while sum(len(p.spectrograms.event_id) for p in found) < events:
        for station in settings.stations:
            key = StationDay(station.code, settings.first_day + timedelta(days=day))
            acquire.run(key)
            segments, _ = acquire.segments_to_process(key)
            found.append(process(segments, key, settings, None))
        day += 1
    parts = [p.spectrograms for p in found]
    values: dict[str, Any] = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in PER_EVENT if name != "recorded"
    }
    names = tuple(name for p in parts for name in p.event_id)
    joined = replace(parts[0], event_id=names, **values).take(slice(0, events))
    detections = pd.concat([p.detections for p in found], ignore_index=True)
    return replace(found[0], spectrograms=joined, detections=detections)


def _layout(codec: dict[str, Any], chunk: int, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"chunks": (min(chunk, shape[0]), *shape[1:]), **codec}


def measure_once(x: Array, codec: dict[str, Any], chunk: int, path: Path) -> Figures:
    """Write, read and normalise, and read single events of one layout, once."""
    path.unlink(missing_ok=True)

    def write() -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("spectrogram", data=x, **_layout(codec, chunk, x.shape))
            # Without them it is no spectrogram file; they take no time.
            for name in ("waveform", "event_id", "time_peak", "window_start"):
                file[name] = np.zeros(len(x))

    def read() -> None:
        # One pass takes some hundredths of a second: two are steadier.
        for _ in range(PASSES):
            read_all(path)

    rows = np.random.default_rng(0).integers(0, len(x), SINGLE)

    def read_single() -> None:
        with h5py.File(path) as file:
            for row in rows:
                file["spectrogram"][row]

    written = cpu_seconds(write)
    with h5py.File(path) as file:
        stored = file["spectrogram"].id.get_storage_size()
    return Figures(
        write=len(x) / written,
        read=PASSES * len(x) / cpu_seconds(read),
        single=SINGLE / cpu_seconds(read_single),
        share=stored / x.nbytes,
    )


def measure(
    x: Array, layouts: list[tuple[str, int]], path: Path, repeats: int, title: str
) -> dict[tuple[str, int], Figures]:
    """Measure layouts (codec, chunk) in turn, several times over, so that a busy moment hits all alike."""
    known = codecs()
    runs: dict[tuple[str, int], list[Figures]] = {}
    for codec, chunk in track(layouts * repeats, title):
        runs.setdefault((codec, chunk), []).append(measure_once(x, known[codec], chunk, path))
    return {
        key: Figures(*(float(np.median([getattr(run, name) for run in found])) for name in Figures.__annotations__))
        for key, found in runs.items()
    }


def used_codec() -> str:
    """Return the name of the codec that the project uses."""
    used = spectrogram_file.layout((STATION_DAY, 87, 100))
    (name,) = (n for n, c in codecs().items() if _layout(c, CHUNK, (STATION_DAY, 87, 100)) == used)
    return name


def show(title: str, rows: list[tuple[str, Figures]], console: Console) -> None:
    """Print a table of layouts: events per CPU-second, size over raw float32; green is fast and small enough."""
    table = Table(Column("layout", no_wrap=True), "write", "read + normalise", "single", "size", title=title)
    for name, f in rows:
        fits = "[green]" if f.share <= LARGEST_SHARE and f.read >= LEAST_RATE else ""
        table.add_row(fits + name, f"{f.write:,.0f}", f"{f.read:,.0f}", f"{f.single:,.0f}", f"{f.share:.1%}")
    console.print(table)


def run(data: Events, detections: pd.DataFrame, folder: Path, repeats: int, console: Console) -> dict[str, Any]:
    """Measure all, print the tables and return the figures of the chosen layout."""
    exact, rounded = data.spectrogram, round_mantissa(data.spectrogram)
    path, names, used = folder / "layout.h5", list(codecs()), used_codec()
    by_codec = {}
    for label, x in (("as they are", exact), (f"{KEPT_BITS} bits of mantissa", rounded)):
        found = measure(x, [(name, CHUNK) for name in names], path, repeats, label)
        by_codec[label] = found
        show(f"{label}, {CHUNK} events a chunk", [(n, found[n, CHUNK]) for n in names], console)
    lossless, lossy = by_codec.values()
    # Chunk sizes of the used codec, of none, and of the smallest files.
    smallest = min(names, key=lambda n: lossy[n, CHUNK].share)
    swept = list(dict.fromkeys((used, "none", smallest)))
    layouts = [(name, chunk) for name in swept for chunk in CHUNKS]
    by_chunk = measure(rounded, layouts, path, repeats, "chunk sizes")
    rows = [(f"{name}, {chunk} a chunk", by_chunk[name, chunk]) for name, chunk in layouts]
    show(f"{KEPT_BITS} bits of mantissa", rows, console)
    own = own_figures(data, detections, folder, repeats)
    if data.context is not None:
        own |= context_figures(data, folder, repeats)
    table = Table("the project's own functions", "figure")
    for name, value in own.items():
        table.add_row(name, f"{value:,.2f}")
    console.print(table)
    positive = exact > 0
    error = np.abs(rounded[positive].astype(np.float64) / exact[positive] - 1).max(initial=0.0)
    return {
        "events": len(exact),
        "codec": used,
        "chunk": CHUNK,
        "kept_bits": KEPT_BITS,
        "largest_relative_error": float(error),
        "bound_of_relative_error": LARGEST_RELATIVE_ERROR,
        "smallest_lossless_share": min(f.share for f in lossless.values()),
        "share": lossy[used, CHUNK].share,
        "write_per_s": lossy[used, CHUNK].write,
        "single_per_s": lossy[used, CHUNK].single,
        **own,
    }


def main() -> None:
    """Parse the command line, run, and print tables and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1024, help="events to make, or to take from the file")
    parser.add_argument("--input", type=Path, help="a spectrogram file instead of synthetic station-days")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.events < 1 or arguments.repeats < 1:
        parser.error("--events and --repeats must be at least 1")
    console = Console(width=max(Console().width, 100))
    os.environ["BLOSC_NTHREADS"] = "1"
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        if arguments.input:
            n = min(arguments.events, spectrogram_file.read_info(arguments.input).events)
            if not n:
                parser.error(f"{arguments.input}: holds no events; give a file that does")
            data = spectrogram_file.read_spectrograms(arguments.input, slice(0, n))
            detections = pd.DataFrame()
            console.print(f"{arguments.input}: values already rounded when it was written stay so in all rows")
        else:
            made = make_events(arguments.events, Path(folder) / "bench")
            data, detections = made.spectrograms, made.detections
        result = run(data, detections, Path(folder), arguments.repeats, console)
    console.print("CPU-seconds on one thread, files in the page cache: unpacking is measured, not the disk.")
    print("RESULT " + json.dumps({k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
