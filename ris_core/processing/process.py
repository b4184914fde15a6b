"""The stage "process": an acquired station-day becomes a detection table and a spectrogram file."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core import versions
from ris_core.config.changes import changed_values
from ris_core.contracts.acquisition import Acquisition
from ris_core.contracts.outcome import Made
from ris_core.contracts.processed import Processed
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.section import digest_of
from ris_core.stages.station_day_stage import MissingInputError, StationDayStage
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.spectrogram_file import SpectrogramInfo
from ris_core.waveforms.acquire import AcquireStage
from ris_core.waveforms.imported_events import NoWaveformsError

if TYPE_CHECKING:
    import pandas as pd

    from ris_core.processing.chain import Products

PREVIEW_SPECTROGRAMS = 4


class NotProcessedError(MissingInputError):
    """A stage needs spectrograms that are missing or out of date."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(f"{key}: its spectrograms are missing, damaged or out of date")


class ProcessStage(StationDayStage[Processed]):
    """Detects events and makes their spectrograms, in one pass over a station-day."""

    name = "process"
    about = "Detect events and make their spectrograms."
    done = "processed"
    inputs = ("acquire",)
    reads_waveforms = True

    @property
    def acquire(self) -> AcquireStage:
        """The earlier stage, which gives samples and response."""
        return self.before(AcquireStage)

    def run(self, key: StationDay, again: bool = False) -> Made[Processed]:
        """Process one acquired station-day unless its products are current, and return the result.

        If the work was done, the result has the pictures ``day`` and, with events, ``spectrograms``.

        Raises
        ------
        NotAcquiredError
            The station-day is not acquired yet.
        NoWaveformsError
            Its events were imported, and the products are missing or out of date.
        """
        started = time.perf_counter()
        if (info := self.current(key)) is not None and (outcomes := self._outcomes(key)) is not None:
            result = self._result(key, self.acquire.require(key), info, outcomes)
            return Made(result, True, time.perf_counter() - started)
        if self.settings.imported:
            raise NoWaveformsError(key)
        segments, acquired = self.acquire.segments_to_process(key)

        from ris_core.processing.chain import process
        from ris_core.threads import one_thread

        recorded = [code for code, found in segments.items() if found]
        # Without samples nothing needs a response, so its absence is no error.
        inventory = self.acquire.inventory(key.station, recorded) if recorded else None
        with one_thread("blas"):  # the many small products of spectrograms gain nothing from more
            products = process(segments, key, self.settings, inventory)
        self._write(key, self._stamp(key, acquired), products)
        info = spectrogram_file.read_info(self.layout.spectrograms(key))
        result = self._result(key, acquired, info, products.detections["outcome"])
        pictures = _pictures(products, key) if self.context.pictures else {}
        return Made(result, False, time.perf_counter() - started, pictures)

    @property
    def code_version(self) -> str:
        """Step version, and digest of the settings that influence detections and spectrograms."""
        return f"{self._version}-{self._settings_digest}"

    def products(self, key: StationDay) -> tuple[Path, ...]:
        """Return the paths of detections, spectrograms and live intervals; imported events have no live intervals."""
        return self._of_all_versions(key) + (() if self.settings.imported else (self.layout.live(key),))

    def exists(self, key: StationDay) -> bool:
        """Return whether detections and spectrograms exist: earlier versions wrote no live intervals."""
        return all(self.files.exists(path) for path in self._of_all_versions(key))

    def stamps(self, key: StationDay) -> tuple[Stamp | None, ...]:
        """Return the stamps of the products, without that of live intervals that an earlier version did not write."""
        live = self.layout.live(key)
        return tuple(self.stamp_of(path) for path in self.products(key) if path != live or self.files.exists(live))

    def expected_stamp(self, key: StationDay) -> Stamp:
        """Return the stamp of products from the present samples and response; raises as its parent."""
        return self._stamp(key, self.acquire.require(key))

    def is_current(self, key: StationDay) -> bool:
        """Return whether all products were made from the present samples, settings and version."""
        return self.current(key) is not None

    def changed_settings(self, key: StationDay) -> tuple[str, ...]:
        """Return the settings that are others than those in the spectrogram file, with both values."""
        if self.settings.imported:
            return ()
        before = spectrogram_file.settings_of(self.layout.spectrograms(key))
        return changed_values(before, json.loads(self.settings.processing_json()), self.settings.profile)

    def current(self, key: StationDay) -> SpectrogramInfo | None:
        """Return the head of the spectrogram file; none if a product is absent, out of date or damaged."""
        return self.files.once(("processed", key), lambda: self._current(key))

    def most_at_once(self, keys: Iterable[StationDay]) -> int | None:
        """Return how many station-days may be worked on at once: removed raw files are requested again."""
        limit = self.acquire.most_at_once(keys)
        return limit if limit is not None and any(self.acquire.was_dropped(key) for key in keys) else None

    @cached_property
    def _settings_digest(self) -> str:
        return self.settings.process_digest()

    @property
    def _version(self) -> str:
        return versions.IMPORT if self.settings.imported else versions.PROCESS

    def _current(self, key: StationDay) -> SpectrogramInfo | None:
        if not self.exists(key):
            return None
        with suppress(OSError):
            expected, info = self.expected_stamp(key), self.files.info_of_spectrograms(self.layout.spectrograms(key))
            if all(self.stamp_of(path) == expected for path in self.products(key)):
                return info
        return None

    def _of_all_versions(self, key: StationDay) -> tuple[Path, ...]:
        return self.layout.detections(key), self.layout.spectrograms(key)

    def _stamp(self, key: StationDay, acquired: Acquisition) -> Stamp:
        inputs = acquired.content
        if not self.settings.imported:
            inputs = digest_of([acquired.content, self.acquire.response_digest(key.station)])
        return Stamp(self._settings_digest, self._version, inputs)

    def _outcomes(self, key: StationDay) -> Sequence[str] | None:
        """Return the outcomes of the detections; none if their table or that of the live intervals is damaged."""
        with suppress(DamagedFileError):
            if not self.settings.imported:
                tables.verify(self.layout.live(key))
            outcomes: list[str] = tables.read_table(self.layout.detections(key), ["outcome"])["outcome"].tolist()
            return outcomes
        return None

    def _write(self, key: StationDay, stamp: Stamp, products: Products) -> None:
        summary = {
            "live_seconds": round(products.live_seconds, 3),
            "too_short_segments": products.too_short_segments,
            "too_short_seconds": round(products.too_short_seconds, 3),
            "without_acceleration": "; ".join(products.notes),
            "response_remarks": "; ".join(products.remarks),
        }
        layout, sections = self.layout, self.settings.processing_json()
        spectrogram_file.write_spectrograms(layout.spectrograms(key), products.spectrograms, stamp, sections, summary)
        tables.write_table(layout.live(key), _live_table(key, products), table_schemas.LIVE_SCHEMA, stamp)
        response = self.settings.response
        schema = table_schemas.detection_schema(self.settings.channels, (response.band_low, response.band_high))
        tables.write_table(layout.detections(key), products.detections, schema, stamp, summary)
        if self.settings.retention.raw == "drop_after_processing":
            for path in self.acquire.raw_files(key).values():
                path.unlink(missing_ok=True)

    def _result(
        self, key: StationDay, acquired: Acquisition, info: SpectrogramInfo, outcomes: Iterable[str]
    ) -> Processed:
        counts = Counter(text.partition(" ")[0] for text in outcomes)
        table, file, live = self.layout.detections(key), self.layout.spectrograms(key), self.layout.live(key)
        _, live_content, intervals = (None, None, None) if self.settings.imported else self.files.stamp_of_table(live)
        return Processed(
            detections=counts.total(),
            events=info.events,
            outcomes=dict(sorted(counts.items())),
            reason=acquired.reason,
            live_seconds=float(info.summary["live_seconds"]),
            live_intervals=intervals,
            too_short_segments=int(info.summary["too_short_segments"]),
            too_short_seconds=float(info.summary["too_short_seconds"]),
            without_acceleration=str(info.summary["without_acceleration"]),
            response_remarks=str(info.summary.get("response_remarks", "")),
            detections_path=self.layout.relative(table),
            live_path=None if self.settings.imported else self.layout.relative(live),
            spectrograms_path=self.layout.relative(file),
            detections_content=self.files.stamp_of_table(table)[1],
            live_content=live_content,
            spectrograms_content=info.content,
        )


def _live_table(key: StationDay, products: Products) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"station": key.station, "start": products.live[:, 0], "end": products.live[:, 1]})


def _pictures(products: Products, key: StationDay) -> dict[str, bytes]:
    import numpy as np
    import pandas as pd

    from ris_core.figures.day_pictures import day_waveform
    from ris_core.figures.sample_spectrograms import sample_spectrograms

    frame, events = products.detections, products.spectrograms
    onsets = (frame["time_on"].to_numpy(dtype=np.int64) - key.start_ns) / NS
    is_event = (frame["outcome"] == "event").to_numpy(dtype=bool)
    pictures = {"day": day_waveform(products.traces.detection, key.start_ns, str(key), onsets, is_event)}
    if events.event_id:
        rows = np.unique(np.linspace(0, len(events.event_id) - 1, PREVIEW_SPECTROGRAMS).astype(int))
        titles = [str(pd.Timestamp(events.time_peak[i])).split(" ")[1][:10] for i in rows]
        pictures["spectrograms"] = sample_spectrograms(
            events.spectrogram[rows],
            events.frequency,
            events.time,
            titles,
            title=str(key),
            components=events.components,
        )
    return pictures
