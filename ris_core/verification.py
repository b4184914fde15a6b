"""Whether the products of station-days still have the content that they were written with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ris_core.progress import track
from ris_core.station_day import StationDay
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Store, read_acquisition


def damaged_files(store: Store, keys: Iterable[StationDay]) -> Iterator[Path]:
    """Read every product of station-days and yield the files whose content has not the digest kept with it.

    What is out of date is told by stamps alone, which takes milliseconds; this reads all bytes, so it is done by hand.

    Parameters
    ----------
    store, keys
        Where to look. What was never made is passed over.
    """
    for key in track(list(keys), "reading what is there", unit="station-day"):
        if not _acquisition_is_sound(store, key):
            yield store.acquisition(key)
        elif not _waveform_is_sound(store, key):
            yield store.waveform(key)
        for table in (store.detections(key), store.labels(key)):
            if table.exists() and not tables.verify(table):
                yield table
        spectrograms = store.spectrograms(key)
        if spectrograms.exists() and not spectrogram_file.verify(spectrograms):
            yield spectrograms


def _acquisition_is_sound(store: Store, key: StationDay) -> bool:
    try:
        read_acquisition(store, key)
    except DamagedFileError:
        return False
    return True


def _waveform_is_sound(store: Store, key: StationDay) -> bool:
    """Return whether a stored raw file, if there is one, has the samples that were recorded."""
    from obspy import read

    from ris_core.waveforms.segments import digest_of_segments, to_segments

    record, path = read_acquisition(store, key), store.waveform(key)
    if record is None or not path.exists():
        return True
    try:
        stream = read(str(path), format="MSEED")
    except Exception:  # noqa: BLE001 - ObsPy raises errors of many kinds for damaged files
        return False
    return bool(digest_of_segments(to_segments(stream, key, store.settings.conditioning.padding)) == record["inputs"])
