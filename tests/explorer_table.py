"""Made events in memory, for an explorer of as many as a test wants."""

import numpy as np

from ris_core.figures.palette import cluster_style
from ris_explorer.event_table import EventClass, EventTable
from ris_explorer.explorer import Explorer

CLASSES = 10
"""More than there are colours."""
_DAYS = 90


def explorer_of(explorer: Explorer, events: int) -> Explorer:
    """Let an explorer have so many made events instead of those on disk."""
    explorer._events._table = made_table(explorer.network.stations, events)
    explorer._events._looked = float("inf")
    return explorer


def made_table(stations: tuple[str, ...], events: int, seed: int = 0) -> EventTable:
    """Return events of ten classes, each a cloud on the map, drawn over three months."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2020-01-01", "ns").astype(np.int64)
    time = np.sort(start + (rng.random(events) * _DAYS * 86_400e9).astype(np.int64))
    station, label = rng.integers(0, len(stations), events), rng.integers(0, CLASSES, events)
    names = np.array([f"{stations[s]}.{i:07d}" for i, s in enumerate(station)], dtype=np.bytes_)
    x, y = (rng.normal(0, 4, (CLASSES, 2))[label] + rng.normal(0, 1, (events, 2))).T.astype(np.float32)
    columns = ("probability", "novelty", "amplitude", "peak_frequency", "centroid_frequency", "duration", "distance")
    numbers = {name: rng.random(events, np.float32) for name in columns}
    classes = [EventClass(k, f"kind {k}", cluster_style(k)[0], int((label == k).sum())) for k in range(CLASSES)]
    return EventTable(
        event_id=names,
        time=time,
        onset=time - 300_000_000,
        station=station.astype(np.uint16),
        class_index=label.astype(np.uint8),
        numbers=numbers | {"snr": rng.random(events, np.float32) * 30, "x": x, "y": y},
        assigned=rng.random(events) < 0.8,
        source=np.full(events, -1, np.int32),
        reviewed=np.full(events, -1, np.int16),
        audit=np.zeros(events, bool),
        stations=tuple(stations),
        classes=(*classes, EventClass(-1, "unlabelled", "#7f7f7f", 0)),
        reviewed_names=(),
        amplitude_unit="m/s^2",
        probability_kind="calibrated",
        notes=(),
        version="made",
        review_version="none",
        _by_name=np.argsort(names, kind="stable").astype(np.int32),
    )
