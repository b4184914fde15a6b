"""The stage "label": every event of a station-day gets the champion's label."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core import versions
from ris_core.clustering.champion import Champion, label_digest, read_champion, why_nothing_labels
from ris_core.contracts.labelled import Labelled
from ris_core.contracts.outcome import Made
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import NotProcessedError, ProcessStage
from ris_core.section import digest_of
from ris_core.stages.station_day_stage import StationDayStage
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.spectrogram_file import SpectrogramInfo

if TYPE_CHECKING:
    import pandas as pd

_COUNTED = ["label", "assigned"]


class LabelStage(StationDayStage[Labelled]):
    """Labels every event of a processed station-day."""

    name = "label"
    about = "Label every event of station-days by the champion."
    done = "labelled"
    inputs = ("process",)

    @property
    def process(self) -> ProcessStage:
        """The earlier stage, which makes the spectrograms."""
        return self.before(ProcessStage)

    def run(self, key: StationDay, again: bool = False) -> Made[Labelled]:
        """Label every event of a processed station-day unless its label table is current.

        Raises
        ------
        NotProcessedError
            The spectrograms are missing, damaged or out of date.
        NoChampionError
            No model is chosen yet.
        """
        started = time.perf_counter()
        champion, info = self.champion(), self._spectrograms(key)
        path = self.layout.labels(key)
        stamp = self._stamp(champion, info)
        written = self._rows_of(path, stamp)
        is_current = written is not None
        if written is None:
            from ris_core.labels.label_table import label_table

            frame, schema, summary = label_table(self.layout, key, champion, self.settings.labelling)
            tables.write_table(path, frame, schema, stamp, summary)
            written = tables.read_table(path, _COUNTED)
        # A class model may know of reviewed classes that are none of its clusters.
        numbers = sorted({*champion.classes, *written["label"].tolist()})
        result = Labelled(
            labels=len(written),
            events=info.events,
            assigned=int(written["assigned"].sum()),
            sizes={number: int((written["label"] == number).sum()) for number in numbers},
            k=champion.k,
            model_version=champion.model_version,
            path=self.layout.relative(path),
            content=self.files.stamp_of_table(path)[1],
        )
        return Made(result, is_current, time.perf_counter() - started)

    @property
    def code_version(self) -> str:
        """Step version. Everything else that influences labels belongs to the champion."""
        return versions.LABEL

    def products(self, key: StationDay) -> tuple[Path, ...]:
        """Return the path of the label table."""
        return (self.layout.labels(key),)

    def expected_stamp(self, key: StationDay) -> Stamp:
        """Return the stamp of a table that the champion makes from the present spectrograms; raises as `run`."""
        return self._stamp(self.champion(), self._spectrograms(key))

    def follows_its_input(self, key: StationDay) -> bool:
        """Return whether the table was made from the present spectrograms, by any champion."""
        with suppress(OSError):
            (stamp,) = self.stamps(key)
            info = self.files.info_of_spectrograms(self.layout.spectrograms(key))
            # A table by an earlier champion may have needed the surroundings, or not.
            return stamp is not None and stamp.inputs in (info.content, _with_surroundings(info))
        return False

    def is_ready(self, key: StationDay) -> bool:
        """Return whether there is a champion, and spectrograms that are current."""
        return not self.why_not() and not self.has_nothing_to_do(key) and self.process.is_current(key)

    def has_nothing_to_do(self, key: StationDay) -> bool:
        """Return whether no event of a station-day was imported; an imported file names only days with events.

        In other networks each station-day has a record of its acquisition.
        """
        return self.settings.imported and not self.process.acquire.exists(key)

    def champion(self) -> Champion:
        """Return the model that labels; raises `NoChampionError` or `DamagedFileError`."""
        return self.files.once("champion", lambda: read_champion(self.layout))

    def why_not(self) -> str:
        """Return why no station-day can be labelled at present, in words; empty if it can."""
        return self.files.once("why nothing labels", lambda: why_nothing_labels(self.layout))

    def champion_changed_at(self) -> datetime:
        """Return when the champion was chosen; the year 1970 if there is none."""
        return self.changed_at(self.layout.champion)

    def labelled_by(self, key: StationDay) -> str | None:
        """Return the digest of the maker of a label table, besides its spectrograms; none if it cannot be read."""
        try:
            (stamp,) = self.stamps(key)
        except OSError:
            return None
        return stamp.settings if stamp is not None else None

    def digests_of_champion(self) -> set[str]:
        """Return the digests of label tables by the present champion, for any other settings."""
        champion, settings = self.champion(), self.settings.labelling
        return {
            label_digest(champion, settings.model_copy(update={"reconstruction_error": wanted}))
            for wanted in (True, False)
        }

    def _spectrograms(self, key: StationDay) -> SpectrogramInfo:
        info = self.process.current(key)
        if info is None:
            self.process.acquire.read(key)  # a damaged record is reported elsewhere
            raise NotProcessedError(key)
        return info

    def _stamp(self, champion: Champion, info: SpectrogramInfo) -> Stamp:
        digest = self.files.once(
            ("label digest", champion.model_version), lambda: label_digest(champion, self.settings.labelling)
        )
        inputs = _with_surroundings(info) if champion.needs_surroundings else info.content
        return Stamp(digest, versions.LABEL, inputs)

    def _rows_of(self, path: Path, stamp: Stamp) -> pd.DataFrame | None:
        """Return the counts of a current table; none if it is absent, out of date or damaged."""
        with suppress(FileNotFoundError, DamagedFileError):
            if self.files.stamp_of_table(path)[0] == stamp:
                return tables.read_table(path, _COUNTED)
        return None


def _with_surroundings(info: SpectrogramInfo) -> str:
    """Return the digest of a spectrogram file's content together with context and noise spectra."""
    return digest_of([info.content, info.surroundings])
