"""Our station-day beside plain ObsPy and SciPy on the same files: ``python -m bench.station_day``.

Each route runs in separate processes, on one thread, and counts CPU-seconds. The two take turns, with the same number
of passes over the days; the first pass of a process, with its imports and its designs of filters, does not count. Other
work on a shared machine disturbs some passes: the pass with the least CPU-seconds counts, and the ratio of the medians
is given beside it. The plain route uses for each step the function that one would look up. Ours is the stage "process"
of the platform on an archive read in place. Unlike the plain route it also writes its products, records the digest of
its input and, with ``--response``, computes the ground acceleration of every event.

Without ``--archive`` synthetic station-days (24 h at 200 Hz) are rendered first. An archive is in SeisComP Data
Structure; its first station and its first days with data are used. With ``--response`` detections and spectrograms are
made from the published trace: acceleration under a water level of 14 dB.
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
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ris_core.config import Settings, load_settings
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import NS, StationDay
from ris_core.detectors.sta_lta import RecursiveStaLta

DEMO = Path(__file__).resolve().parent.parent / "config" / "demo_published.yaml"
FIRST_DAY = date(2015, 1, 11)
TRUE_EVENTS_PER_DAY = 470.0
PASSES_PER_TURN = 3
STAGES = (
    "read",
    "detrend",
    "taper",
    "response",
    "decimate",
    "band-pass",
    "condition",
    "detect",
    "spectrograms",
    "context and noise",
    "write",
)


class Clock:
    """CPU-seconds by stage; time inside an inner stage counts only for the inner one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def enter(self) -> float:
        """Begin a stage."""
        self._inner.append(0.0)
        return time.process_time()

    def leave(self, name: str, start: float) -> None:
        """End a stage that began at ``start``."""
        spent = time.process_time() - start
        self.seconds[name] += spent - self._inner.pop()
        self._inner[-1] += spent

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the body."""
        start = self.enter()
        try:
            yield
        finally:
            self.leave(name, start)

    def watch(self, owner: Any, function: str, name: str) -> None:
        """Count every call of a function of a module for a stage."""
        called: Callable[..., Any] = getattr(owner, function)

        # Without a context manager, which would cost as much as the smallest of these functions.
        def counted(*args: Any, **kwargs: Any) -> Any:
            start = self.enter()
            try:
                return called(*args, **kwargs)
            finally:
                self.leave(name, start)

        setattr(owner, function, counted)


@dataclass(frozen=True)
class Pass:
    """One pass over the station-days.

    Attributes
    ----------
    stages
        CPU-seconds.
    onsets, spans
        Onsets of each day; first and last sample of its contiguous traces, if the route reports them. ns since 1970.
    events
        Number of events of all days.
    """

    stages: dict[str, float]
    onsets: list[list[int]]
    spans: list[list[tuple[int, int]]]
    events: int


def ours(settings: Settings, root: Path, keys: list[StationDay], repeats: int) -> Iterator[Pass]:
    """Process the station-days with the platform's stage."""
    from ris_core.processing import chain, cutting, detections, outcomes
    from ris_core.station_days.station_days import StationDays
    from ris_core.storage import spectrogram_file, tables
    from ris_core.storage.layout import open_layout
    from ris_core.waveforms.acquire import AcquireStage

    days = StationDays(settings, open_layout(settings, root), pictures=False)
    layout = days.layout
    for key in keys:
        days.acquire.run(key)
    clock = Clock()
    clock.watch(AcquireStage, "segments_to_process", "read")
    clock.watch(chain, "condition", "condition")
    clock.watch(detections, "triggers_of", "detect")
    clock.watch(outcomes, "strongest_window", "spectrograms")
    clock.watch(cutting, "densities", "spectrograms")
    clock.watch(cutting, "surroundings_of", "context and noise")
    clock.watch(spectrogram_file, "write_spectrograms", "write")
    clock.watch(tables, "write_table", "write")
    for _ in range(repeats):
        clock.seconds.clear()
        onsets, events = [], 0
        for key in keys:
            layout.detections(key).unlink(missing_ok=True)
            with clock.stage("the rest: response, outcomes, stamps"):
                events += days.process.run(key).result.events
            onsets.append(tables.read_table(layout.detections(key), ["time_on"])["time_on"].astype("int64").tolist())
        yield Pass(dict(clock.seconds), onsets, [], events)


def plain(settings: Settings, keys: list[StationDay], repeats: int) -> Iterator[Pass]:
    """Do the same with ObsPy and SciPy; every onset is an event."""
    for _ in range(repeats):
        clock = Clock()
        found = [_plain_day(settings, key, clock) for key in keys]
        onsets = [of_day for of_day, _ in found]
        yield Pass(dict(clock.seconds), onsets, [spans for _, spans in found], sum(map(len, onsets)))


def _plain_day(settings: Settings, key: StationDay, clock: Clock) -> tuple[list[int], list[tuple[int, int]]]:
    from obspy import UTCDateTime, read_inventory
    from obspy.clients.filesystem.sds import Client
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset
    from scipy.signal import spectrogram
    from scipy.signal.windows import kaiser

    source, detector, response = settings.source, settings.detector, settings.response
    if source.kind != "sds":
        raise ValueError(f"source.kind = {source.kind}: the plain route reads an SDS archive")
    if not isinstance(detector, RecursiveStaLta):
        raise ValueError(f"detector.method = {detector.method}: the plain route has the recursive STA/LTA alone")
    client = Client(str(source.root))
    start, end = UTCDateTime(ns=key.start_ns) - 300, UTCDateTime(ns=key.end_ns) + 300
    codes = settings.network.code, key.station, settings.location, settings.channel
    with clock.stage("read"):
        stream = client.get_waveforms(*codes, start, end).merge(method=-1)
    found = []
    for trace in stream:
        with clock.stage("detrend"):
            trace.data = trace.data.astype(np.float64)
            trace.detrend("polynomial", order=3)
        with clock.stage("taper"):
            trace.taper(max_percentage=0.5, type="hann", max_length=60)
        if response.detection_trace != "counts":
            if source.inventory is None:
                raise ValueError("source.inventory is not set: the plain route reads the response there")
            with clock.stage("response"):
                inventory = read_inventory(str(source.inventory / f"{codes[0]}.{key.station}.xml"))
                trace.remove_response(
                    inventory, output="ACC", water_level=14, pre_filt=(0.004, 0.01, 500, 1000), taper=False
                )
        with clock.stage("decimate"):
            trace.decimate(round(trace.stats.sampling_rate / 50))
        with clock.stage("band-pass"):
            trace.filter("bandpass", freqmin=3, freqmax=20, corners=4, zerophase=True)
        with clock.stage("detect"):
            ratio = recursive_sta_lta(trace.data, round(detector.sta * 50), round(detector.lta * 50))
            triggers = trigger_onset(ratio, detector.threshold_on, detector.threshold_off)
        with clock.stage("spectrograms"):
            for on, off in triggers:
                peak = on + int(np.argmax(np.abs(trace.data[on : off + 1])))
                around = trace.data[max(0, peak - 360) : peak + 360]
                spectrogram(around, 50, kaiser(20, 5.7), noverlap=18, nfft=256, detrend="constant")
        first = trace.stats.starttime.ns
        found += [first + int(on) * (NS // 50) for on, _ in triggers]
    onsets = [t for t in found if key.start_ns <= t < key.end_ns]
    return onsets, [(int(trace.stats.starttime.ns), int(trace.stats.endtime.ns)) for trace in stream]


def render(folder: Path, days: int) -> None:
    """Write synthetic station-days and their StationXML as an SDS archive, with the padding in neighbouring files."""
    from obspy import UTCDateTime

    from ris_core.synthetic.network import SyntheticNetwork

    values = load_settings(DEMO).model_dump(mode="json")
    values["source"] = {"kind": "synthetic", "events_per_day": TRUE_EVENTS_PER_DAY}
    settings = Settings.model_validate(values)
    network, station = SyntheticNetwork(settings), settings.stations[0].code
    span = [FIRST_DAY + timedelta(days=n) for n in range(-1, days + 1)]
    for number, day in enumerate(span[1:-1], start=1):
        stream = network.fetch(station, day)
        # Neighbouring days give only their padding unless they are rendered themselves.
        for piece in span[max(number - 1, 0) : number + 2]:
            if piece == day or piece in (span[0], span[-1]):
                midnight = UTCDateTime(piece.year, piece.month, piece.day)
                part = stream.slice(midnight, midnight + 86_400 - 0.8 * stream[0].stats.delta)
                path = folder / "sds" / settings.seed_id(station).sds_path(piece)
                path.parent.mkdir(parents=True, exist_ok=True)
                part.write(str(path), format="MSEED", encoding="STEIM2")
    (folder / "inventory").mkdir()
    network.inventory(station).write(str(folder / "inventory" / f"SY.{station}.xml"), format="STATIONXML")


def settings_of(archive: Path, inventory: Path | None, days: int, response: bool, least_bytes: int) -> Settings:
    """Return settings of the first station of an SDS archive and its first days with files of some size."""
    files = sorted(p for p in archive.glob("*/*/*/*.D/*") if p.stat().st_size > least_bytes)
    if not files:
        raise SystemExit(f"{archive}: no day file of more than {least_bytes:,} bytes at YEAR/NET/STA/CHAN.D/")
    network, station, location, channel, *_ = files[0].name.split(".")
    mine = [p for p in files if p.name.startswith(f"{SeedId(network, station, location, channel)}.")]
    found = [datetime.strptime(".".join(p.name.split(".")[-2:]), "%Y.%j").date() for p in mine][:days]
    if response and inventory is None:
        raise SystemExit("--response needs --inventory, the folder of NET.STA.xml, with --archive")
    source = {"kind": "sds", "root": str(archive)} | ({"inventory": str(inventory)} if inventory else {})
    trace = "acceleration_water_level" if response else "counts"
    return Settings.model_validate(
        {
            "network": {"name": "bench", "code": network},
            "stations": [{"code": station}],
            "channel": channel,
            "location": location,
            "first_day": found[0],
            "last_day": found[-1],
            "source": source,
            "response": {"detection_trace": trace, "spectrogram_trace": trace},
        }
    )


def _child(arguments: argparse.Namespace) -> None:
    """Run one route and print its figures as JSON."""
    settings = Settings.model_validate_json(sys.stdin.read())
    keys = [StationDay(settings.stations[0].code, day) for day in settings.days()]
    with tempfile.TemporaryDirectory() as folder:
        if arguments.route == "ours":
            passes = list(ours(settings, Path(folder) / "bench", keys, PASSES_PER_TURN + 1))
        else:
            passes = list(plain(settings, keys, PASSES_PER_TURN + 1))
    passes = passes[1:]
    seconds = [sum(done.stages.values()) for done in passes]
    best = passes[int(np.argmin(seconds))]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(asdict(best) | {"seconds": seconds, "peak_rss_mb": round(peak)}))


def _run(route: str, settings: Settings) -> dict[str, Any]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "bench.station_day", "--route", route],
        input=settings.model_dump_json(),
        env=os.environ | one_thread,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def same_onsets(
    plain_days: list[list[int]], our_days: list[list[int]], spans_of_days: list[list[tuple[int, int]]]
) -> bool:
    """Return whether both have the same onsets, ten LTA after the start of a trace and one taper before its end.

    Of a day with its padding all onsets count. At a gap the plain route has additional onsets, because its averages
    begin at zero, and lacks events that it tapers.
    """
    settled, tapered = 300 * NS, 60 * NS

    def counts(time: int, spans: list[tuple[int, int]]) -> bool:
        return not any(start <= time < start + settled or end - tapered < time <= end for start, end in spans)

    return all(
        [t for t in one if counts(t, spans)] == [t for t in other if counts(t, spans)]
        for one, other, spans in zip(plain_days, our_days, spans_of_days, strict=True)
    )


def main() -> None:
    """Parse the command line, run both routes, and print table and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=1, help="station-days (default: %(default)s)")
    parser.add_argument(
        "--response",
        action="store_true",
        help="detect on acceleration with a water level, and compute ground acceleration",
    )
    parser.add_argument("--archive", type=Path, help="root of an SDS archive, instead of synthetic station-days")
    parser.add_argument("--inventory", type=Path, help="folder of StationXML files NET.STA.xml of that archive")
    parser.add_argument(
        "--least-bytes",
        type=int,
        default=1 << 20,
        help="smaller files of the archive are left out (default: %(default)s)",
    )
    parser.add_argument(
        "--turns", type=int, default=3, help="turns of each route, of three passes each (default: %(default)s)"
    )
    parser.add_argument("--route", choices=("ours", "plain"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.route:
        _child(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        archive, inventory = arguments.archive, arguments.inventory
        if archive is None:
            render(Path(folder), arguments.days)
            archive, inventory = Path(folder) / "sds", Path(folder) / "inventory"
        needed = inventory if arguments.response else None
        settings = settings_of(archive, needed, arguments.days, arguments.response, arguments.least_bytes)
        turns = [{route: _run(route, settings) for route in ("plain", "ours")} for _ in range(arguments.turns)]
    routes = {
        route: min((turn[route] for turn in turns), key=lambda t: min(t["seconds"])) for route in ("plain", "ours")
    }
    seconds = {route: np.concatenate([turn[route]["seconds"] for turn in turns]) for route in routes}
    peak = {route: max(turn[route]["peak_rss_mb"] for turn in turns) for route in routes}
    days = len(settings.days())
    table = Table("CPU s per station-day", *routes)
    stages = [s for s in STAGES if any(s in found["stages"] for found in routes.values())]
    stages += [s for found in routes.values() for s in found["stages"] if s not in stages]
    for stage in stages:
        cells = [
            f"{found['stages'][stage] / days:.3f}" if stage in found["stages"] else "" for found in routes.values()
        ]
        table.add_row(stage, *cells)
    total = {route: float(of_route.min()) / days for route, of_route in seconds.items()}
    median = {route: float(np.median(of_route)) / days for route, of_route in seconds.items()}
    table.add_row("all", *(f"{value:.3f}" for value in total.values()))
    table.add_row("all, median of the passes", *(f"{value:.3f}" for value in median.values()), end_section=True)
    table.add_row("peak memory, MB", *map(str, peak.values()))
    table.add_row("detections in the day", *(str(sum(map(len, found["onsets"]))) for found in routes.values()))
    Console().print(table)
    own: dict[str, float] = routes["ours"]["stages"]
    result = {
        "cpu_ratio": round(total["plain"] / total["ours"], 1),
        "peak_rss_mb": peak["ours"],
        "events": routes["ours"]["events"],
        "same_onsets": same_onsets(routes["plain"]["onsets"], routes["ours"]["onsets"], routes["plain"]["spans"]),
        "detections": sum(map(len, routes["ours"]["onsets"])),
        "station_days": days,
        "response": arguments.response,
        "cpu_s": {route: round(value, 3) for route, value in total.items()},
        "cpu_ratio_of_medians": round(median["plain"] / median["ours"], 1),
        "median_cpu_s": {route: round(value, 3) for route, value in median.items()},
        "context_share": round(own["context and noise"] / sum(own.values()), 3),
        "passes": {route: of_route.size for route, of_route in seconds.items()},
        "cores": os.cpu_count(),
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
