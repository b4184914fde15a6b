"""The stage "process": an acquired station-day becomes a detection table and a spectrogram file."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.chain import Products, process
from ris_core.section import digest_of
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.store import Store, read_acquisition
from ris_core.waveforms.acquire import NotAcquiredError, read_inventory_of, response_digest, segments_to_process
from ris_core.waveforms.imported_events import NoWaveformsError
from ris_core.waveforms.source import WaveformSource, open_source

PREVIEW_SPECTROGRAMS = 4


def expected_stamp(store: Store, key: StationDay, samples: str | None = None) -> Stamp:
    """Return the provenance that current products would have; raises `NotAcquiredError` before acquisition.

    Parameters
    ----------
    store, key
        Where, and which station-day.
    samples
        Digest of the samples that were read, instead of that in the acquisition record.
    """
    record = read_acquisition(store, key)
    if record is None:
        raise NotAcquiredError(key)
    if store.settings.imported:
        return Stamp(store.settings.process_digest(), versions.IMPORT, record["inputs"])
    inputs = digest_of([samples or record["inputs"], response_digest(store, key.station)])
    return Stamp(store.settings.process_digest(), versions.PROCESS, inputs)


def process_is_current(store: Store, key: StationDay) -> bool:
    """Return whether both products stand and were made from the samples, settings and version of now."""
    table, file = store.detections(key), store.spectrograms(key)
    if not table.exists() or not file.exists():
        return False
    try:
        expected = expected_stamp(store, key)
        return tables.read_stamp(table)[0] == expected and spectrogram_file.read_info(file).stamp == expected
    except OSError:  # not acquired, or something is damaged
        return False


def process_station_day(
    store: Store, key: StationDay, source: WaveformSource | None = None, preview: bool = True
) -> dict[str, Any]:
    """Process one acquired station-day unless its products are current, and return what they are.

    Returns
    -------
    dict
        detections, events, outcomes (counts), live_seconds, content digests, paths, ``skipped``, ``seconds``, and
        PNG pictures (``day_png``, ``spectrograms_png``) where they were asked for and the work was done.
    """
    started = time.perf_counter()
    source = source or open_source(store.settings)
    standing = _outcomes_that_stand(store, key)
    skipped = standing is not None
    pictures: dict[str, bytes] = {}
    table = store.detections(key)
    if standing is None and store.settings.imported:
        raise NoWaveformsError(key)
    if standing is None:
        segments, samples = segments_to_process(store, key, source)
        stamp = expected_stamp(store, key, samples)
        products = process(segments, key, store.settings, read_inventory_of(store, key.station, source))
        summary = {
            "live_seconds": round(products.live_seconds, 3),
            "too_short_segments": products.too_short_segments,
            "too_short_seconds": round(products.too_short_seconds, 3),
            "without_acceleration": "; ".join(products.notes),
            "response_remarks": "; ".join(products.remarks),
        }
        spectrogram_file.write_spectrograms(
            store.spectrograms(key), products.spectrograms, stamp, store.settings.processing_json(), summary
        )
        outcomes_of_all = products.detections["outcome"]
        tables.write_table(table, products.detections, tables.DETECTION_SCHEMA, stamp, summary)
        if preview:
            pictures = _pictures(products, key)
        if store.settings.retention.raw == "drop_after_processing":
            store.waveform(key).unlink(missing_ok=True)
    else:
        outcomes_of_all = standing
    info = spectrogram_file.read_info(store.spectrograms(key))
    outcomes = Counter(text.partition(" ")[0] for text in outcomes_of_all)
    record = read_acquisition(store, key) or {}
    return {
        "detections": outcomes.total(),
        "events": info.events,
        "outcomes": dict(sorted(outcomes.items())),
        "reason": record.get("reason", ""),
        "content": info.content,
        "detections_content": tables.read_stamp(table)[1],
        "detections_path": store.relative(table),
        "spectrograms_path": store.relative(store.spectrograms(key)),
        **info.summary,
        **pictures,
        "skipped": skipped,
        "seconds": time.perf_counter() - started,
    }


def _outcomes_that_stand(store: Store, key: StationDay) -> pd.Series[Any] | None:
    """Return the outcomes of the detections that stand and are current; none where they are damaged."""
    if not process_is_current(store, key):
        return None
    with suppress(DamagedFileError):
        return tables.read_table(store.detections(key), ["outcome"])["outcome"]
    return None


def _pictures(products: Products, key: StationDay) -> dict[str, bytes]:
    from ris_core.figures.day_pictures import day_waveform, sample_spectrograms

    frame, events = products.detections, products.spectrograms
    onsets = (frame["time_on"].to_numpy(dtype=np.int64) - key.start_ns) / NS
    is_event = (frame["outcome"] == "event").to_numpy(dtype=bool)
    pictures = {"day_png": day_waveform(products.conditioned, key.start_ns, str(key), onsets, is_event)}
    if events.event_id:
        rows = np.unique(np.linspace(0, len(events.event_id) - 1, PREVIEW_SPECTROGRAMS).astype(int))
        titles = [str(pd.Timestamp(events.time_peak[i])).split(" ")[1][:10] for i in rows]
        pictures["spectrograms_png"] = sample_spectrograms(
            events.spectrogram[rows], events.frequency, events.time, titles, title=str(key)
        )
    return pictures
