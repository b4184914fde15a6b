"""The stage "describe": the attributes of every event of a station-day, as a table beside its spectrograms."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ris_core import versions
from ris_core.attributes.columns import attribute_columns, columns_of
from ris_core.attributes.table import attribute_values
from ris_core.config import Settings
from ris_core.contracts.attribute import Attribute
from ris_core.contracts.described import DescribedDay
from ris_core.contracts.events import Part
from ris_core.contracts.outcome import Made
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import NotProcessedError, ProcessStage
from ris_core.section import digest_of
from ris_core.stages.station_day_stage import StationDayStage
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.finite import NotFiniteError
from ris_core.storage.spectrogram_file import SpectrogramInfo
from ris_core.storage.table_schemas import attribute_schema

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 1024


class DescribeStage(StationDayStage[DescribedDay]):
    """Measures the attributes of every event of a processed station-day."""

    name = "describe"
    about = "Measure the attributes of every event."
    done = "described"
    inputs = ("process",)

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        """Return whether tables of attributes are kept (`Settings.has_attribute_tables`)."""
        return settings.has_attribute_tables

    @property
    def process(self) -> ProcessStage:
        """The earlier stage, which makes spectrograms and contexts."""
        return self.before(ProcessStage)

    def run(self, key: StationDay, again: bool = False) -> Made[DescribedDay]:
        """Measure the attributes of a processed station-day unless its table is current.

        If the work was done and there are events, the result has the picture ``attributes``.

        Raises
        ------
        NotProcessedError
            The spectrograms are missing, damaged or out of date.
        ValueError
            Their context does not hold a window.
        """
        started = time.perf_counter()
        info, (path,) = self._spectrograms(key), self.products(key)
        stamp = self._stamp(info)
        current, pictures = self._is_sound(path, stamp), {}
        if not current:
            columns, frame = self._measured(key)
            tables.write_table(path, frame, attribute_schema(columns), stamp)
            pictures = _pictures(frame, columns, key) if self.context.pictures else {}
        _, content, rows = self.files.stamp_of_table(path)
        found = DescribedDay(
            rows=rows,
            events=info.events,
            columns=len(tables.read_schema(path)) - len(attribute_schema(())),
            path=self.layout.relative(path),
            content=content,
        )
        return Made(found, current, time.perf_counter() - started, pictures)

    @property
    def code_version(self) -> str:
        """Step version, and digest of the settings that influence the attributes."""
        return f"{versions.ATTRIBUTES}-{self._settings_digest}"

    def products(self, key: StationDay) -> tuple[Path, ...]:
        """Return the path of the table."""
        return (self.layout.attributes(key),)

    def expected_stamp(self, key: StationDay) -> Stamp:
        """Return the stamp of a table of the present spectrograms and contexts; raises as `run`."""
        return self._stamp(self._spectrograms(key))

    def follows_its_input(self, key: StationDay) -> bool:
        """Return whether the table was made from the present spectrograms, with any settings and step version."""
        with suppress(OSError):
            (stamp,) = self.stamps(key)
            info = self.files.info_of_spectrograms(self.layout.spectrograms(key))
            return stamp is not None and stamp.inputs == _inputs(info)
        return False

    def is_ready(self, key: StationDay) -> bool:
        """Return whether there are spectrograms that are current."""
        return not self.has_nothing_to_do(key) and self.process.is_current(key)

    def has_nothing_to_do(self, key: StationDay) -> bool:
        """Return whether no event of a station-day was imported; an imported file names only days with events."""
        return self.settings.imported and not self.process.acquire.exists(key)

    @cached_property
    def _settings_digest(self) -> str:
        wanted = self.settings.attributes_of_tables
        values = [wanted.model_dump(mode="json", exclude={"kind", "clip"})]
        return digest_of([*values, self.settings.context.noise_quantile])

    def _spectrograms(self, key: StationDay) -> SpectrogramInfo:
        info = self.process.current(key)
        if info is None:
            self.process.acquire.read(key)  # a damaged record is reported elsewhere
            raise NotProcessedError(key)
        return info

    def _stamp(self, info: SpectrogramInfo) -> Stamp:
        return Stamp(self._settings_digest, versions.ATTRIBUTES, _inputs(info))

    def _is_sound(self, path: Path, stamp: Stamp) -> bool:
        with suppress(FileNotFoundError, DamagedFileError):
            if self.files.stamp_of_table(path)[0] == stamp:
                tables.verify(path)
                return True
        return False

    def _measured(self, key: StationDay) -> tuple[tuple[Attribute, ...], pd.DataFrame]:
        import pandas as pd

        from ris_core.threads import one_thread

        wanted, quantile = self.settings.attributes_of_tables, self.settings.context.noise_quantile
        path = self.layout.spectrograms(key)
        columns, values = attribute_columns(wanted, self.settings.input_spec().components), []
        names: list[str] = []
        times: list[NDArray[np.int64]] = []
        parts: tuple[Part, ...] = ("spectrogram",) if self.settings.imported else ("context", "noise_psd")
        with one_thread("blas"):  # small products gain nothing from more
            for block in spectrogram_file.iterate_events(path, _BLOCK, parts):
                columns = columns_of(block, wanted)
                values.append(attribute_values(block, wanted, quantile))
                names += block.event_id
                times.append(block.time_peak)
        found = np.concatenate(values) if values else np.empty((0, len(columns)), np.float32)
        wrong = [columns[place].name for place in np.flatnonzero(~np.isfinite(found).all(axis=0))]
        if wrong:
            raise NotFiniteError(f"{path}: {', '.join(wrong)} of some events are not finite; nothing was written")
        frame = pd.DataFrame(found, columns=[column.name for column in columns])
        frame.insert(0, "time_peak", np.concatenate(times) if times else np.empty(0, np.int64))
        frame.insert(0, "station", key.station)
        frame.insert(0, "event_id", pd.Series(names, dtype=object))
        return columns, frame


def _inputs(info: SpectrogramInfo) -> str:
    """Return the digest of a spectrogram file's content together with contexts and noise spectra."""
    return digest_of([info.content, info.surroundings])


def _pictures(frame: pd.DataFrame, columns: tuple[Attribute, ...], key: StationDay) -> dict[str, bytes]:
    from ris_core.figures.attribute_histograms import attribute_histograms
    from ris_core.figures.image import to_png

    if frame.empty:
        return {}
    window = columns[-1].name.rpartition("_")[2]
    shown = [column for column in columns if column.name.removesuffix(f"_{window}") in _PICTURED]
    figure = attribute_histograms(
        frame[[column.name for column in shown]].to_numpy(), [(c.name, c.unit) for c in shown], title=str(key)
    )
    return {"attributes": to_png(figure)}


_PICTURED = (
    "centroid",
    "bandwidth",
    "frequency_05",
    "frequency_95",
    "peakedness",
    "harmonicity",
    "duration_20",
    "energy_80",
    "rise_20",
    "asymmetry",
    "envelope_peaks_25",
    "glide",
    "rectilinearity",
    "incidence",
)
