"""Spectrograms and waveforms of many events, each file opened once, with words for those that cannot be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.event_identifier import possible_days
from ris_core.contracts.station_day import StationDay
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import read_column, read_spectrograms

_AT_ONCE = 4
"""Files that are read at once: HDF5 reads one after the other, but checking a file and drawing do not wait for it."""


@dataclass(frozen=True)
class FoundEvent:
    """What the files have of one event.

    Attributes
    ----------
    event_id
        The event.
    components
        Letters.
    spectrogram, waveform
        (C, F, T) and (C, S) float32, one row for each component.
    recorded
        (C,) whether the component was recorded.
    """

    event_id: str
    components: tuple[str, ...]
    spectrogram: NDArray[np.float32]
    waveform: NDArray[np.float32]
    recorded: NDArray[np.bool_]


def read_found(layout: Layout, event_ids: Sequence[str]) -> dict[str, FoundEvent | str]:
    """Return what the files have of events, or in words why an event cannot be shown.

    Parameters
    ----------
    layout
        The data root.
    event_ids
        Identifiers of the catalogue.
    """
    found: dict[str, FoundEvent | str] = {}
    left = list(dict.fromkeys(event_ids))
    days = {name: possible_days(name) for name in left}
    # An event belongs to the day of its onset: nearly always that of its peak, else the day before.
    for which in range(2):
        wanted: dict[StationDay, list[str]] = defaultdict(list)
        for name in left:
            wanted[days[name][which]].append(name)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for each in threads.map(lambda item: _read_file(layout.spectrograms(item[0]), item[1]), wanted.items()):
                found |= {name: what for name, what in each.items() if name not in found or not isinstance(what, str)}
        left = [name for name in left if isinstance(found[name], str) and layout.spectrograms(days[name][1]).exists()]
    return found


def _read_file(path: Path, names: list[str]) -> dict[str, FoundEvent | str]:
    try:
        return dict(_of_file(path, names))
    except FileNotFoundError:
        return dict.fromkeys(
            names, f"The file {_short(path)} is not there: it was removed. `ris run --only process` makes it again."
        )
    except DamagedFileError as error:
        return dict.fromkeys(names, f"The file {_short(path)} is damaged ({error.why}); {error.remedy}.")
    except OSError as error:
        return dict.fromkeys(names, f"The file {_short(path)} cannot be read: {error.strerror or error}.")


def _of_file(path: Path, names: list[str]) -> Iterator[tuple[str, FoundEvent | str]]:
    places = {str(name): row for row, name in enumerate(read_column(path, "event_id"))}
    rows = np.array(sorted({places[name] for name in names if name in places}), np.int64)
    if len(rows):
        data = read_spectrograms(path, rows, ("spectrogram", "waveform"))
        several = bool(data.components)
        for row, name in enumerate(data.event_id):
            spectrogram, waveform = data.spectrogram[row], data.waveform[row]
            yield (
                name,
                FoundEvent(
                    event_id=name,
                    components=data.letters,
                    spectrogram=spectrogram if several else spectrogram[None],
                    waveform=waveform if several else waveform[None],
                    recorded=np.ones(data.component_count, bool) if data.recorded is None else data.recorded[row],
                ),
            )
    for name in names:
        if name not in places:
            yield (
                name,
                f"The file {_short(path)} does not have this event: its station-day was processed again with other "
                "settings after the catalogue was made. `ris run` labels it and brings the catalogue up to date.",
            )


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
