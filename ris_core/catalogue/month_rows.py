"""The rows of a month: detections, labels and what their spectrograms say, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ris_core.catalogue.catalogue_schema import CALIBRATED, CATALOGUE_SCHEMA, MEMBERSHIP, NO_CLASS, NO_LABEL
from ris_core.catalogue.month_inputs import CatalogueInputs, DayInputs
from ris_core.catalogue.spectral_columns import SPECTRAL, spectral_columns
from ris_core.registry import UnknownKindError
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

T = TypeVar("T")

_OF_DETECTIONS = [
    "event_id",
    "station",
    "time_peak",
    "time_on",
    "time_off",
    "peak_counts",
    "peak_acceleration",
    "acceleration_note",
    "snr",
    "characteristic_max",
    "found_by",
    "outcome",
]
_OF_LABELS = ["event_id", "label", "probability", "novelty", "assigned", "model_version"]
_TIMES = ("time_peak", "time_on", "time_off")
_MOST_THREADS = 8
OF_DAY = "of_day"
"""Column of the station-day of each row, which the catalogue on disk does not have."""


@dataclass(frozen=True)
class _Maker:
    """What must be known of the model behind a label table."""

    calibrated: bool = False
    centroids: NDArray[np.floating[Any]] | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Known:
    """What an earlier file of the month says, so that files that are the same are not read again.

    Attributes
    ----------
    spectrograms
        Digest of the spectrograms by station-day, as text.
    tables
        Digest of detections, spectrograms and labels by station-day, as text.
    rows
        The rows of the file, with their station-days, as text, in the column `OF_DAY`.
    """

    spectrograms: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    rows: pd.DataFrame = field(
        default_factory=lambda: CATALOGUE_SCHEMA.empty_table().to_pandas().assign(**{OF_DAY: pd.Series(dtype=object)})
    )

    def unchanged(self, days: Sequence[DayInputs]) -> set[str]:
        """Return the station-days, as text, whose files are the same as before."""
        return {str(each.key) for each in days if self.tables.get(str(each.key)) == each.tables}


def month_rows(
    layout: Layout, inputs: CatalogueInputs, days: Sequence[DayInputs], noise_quantile: float, known: Known
) -> pd.DataFrame:
    """Return the rows of station-days as `CATALOGUE_SCHEMA` has them, but for the sources; times are ns since 1970.

    The further column `OF_DAY` says of which station-day a row is.

    Parameters
    ----------
    layout, inputs
        The data root, and what is known of all its station-days.
    days
        The station-days.
    noise_quantile
        As in `spectral_columns`.
    known
        What an earlier file of the month says.

    Raises
    ------
    DamagedFileError
        A file is damaged.
    """
    same = known.unchanged(days)
    before = known.rows[known.rows[OF_DAY].isin(same)]
    wanted = [each for each in days if each.events and str(each.key) not in same]
    parts = _in_threads(lambda each: detected_events(layout, each), wanted)
    frame = _concatenated(parts, _OF_DETECTIONS).drop(columns="outcome")
    frame[OF_DAY] = np.repeat(
        np.array([str(each.key) for each in wanted], dtype=object), [part.num_rows for part in parts]
    )
    labels = _concatenated(
        _in_threads(lambda each: _labels(layout, each), [each for each in wanted if each.labels]),
        [*_OF_LABELS, "probability_kind", "distance"],
    )
    frame = frame.merge(labels, on="event_id", how="left")
    frame = frame.merge(_spectral(layout, wanted, noise_quantile, known), on="event_id", how="left")
    both = [part for part in (frame, before[list(frame.columns)]) if len(part)] or [frame]
    whole = _completed(pd.concat(both, ignore_index=True), inputs)
    return whole.sort_values(["time_peak", "event_id"], ignore_index=True)


def detected_events(layout: Layout, of_day: DayInputs, columns: Sequence[str] = _OF_DETECTIONS) -> pa.Table:
    """Return the events of a detection table, with some columns; raises `DamagedFileError`."""
    found = tables.read_arrow(layout.detections(of_day.key), [*dict.fromkeys([*columns, "outcome"])])
    return found.filter(pc.equal(found["outcome"], "event")).select(list(columns)).replace_schema_metadata(None)


def _in_threads(read: Callable[[DayInputs], T], days: Iterable[DayInputs]) -> list[T]:
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(read, days))


def _concatenated(parts: Sequence[pa.Table], columns: Sequence[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame({name: [] for name in columns}).astype({"event_id": object})
    frame: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas()
    return frame


def _labels(layout: Layout, of_day: DayInputs) -> pa.Table:
    path = layout.labels(of_day.key)
    found = tables.read_arrow(path, [*_OF_LABELS, "latent"])
    classes = tables.read_summary(path).get("classes", [])
    versions = found["model_version"].unique().to_pylist()
    maker = _maker(layout.champion_model(versions[0])) if len(versions) == 1 else _Maker()
    distance = np.full(found.num_rows, np.nan, dtype=np.float32)
    if maker.centroids is not None and found.num_rows:
        latent = found["latent"].combine_chunks().flatten().to_numpy().reshape(found.num_rows, -1)
        cluster = np.array(
            [classes.index(number) if number in classes else -1 for number in found["label"].to_pylist()]
        )
        own = np.flatnonzero((cluster >= 0) & (cluster < len(maker.centroids)))
        distance[own] = np.linalg.norm(latent[own] - maker.centroids[cluster[own]], axis=1)
    kind = CALIBRATED if maker.calibrated else MEMBERSHIP
    found = found.select(_OF_LABELS).replace_schema_metadata(None)
    return found.append_column("probability_kind", pa.array([kind] * found.num_rows, pa.string())).append_column(
        "distance", pa.array(distance)
    )


@lru_cache(maxsize=16)
def _maker(folder: Path) -> _Maker:
    """Return what must be known of a champion's model; nothing of one whose files are gone or cannot be opened here."""
    from ris_core.clustering.champion_files import load_copy  # brings torch

    try:
        model = load_copy(folder)
    except (DamagedFileError, UnknownKindError, FileNotFoundError):
        return _Maker()
    return _Maker(model.is_calibrated, model.centroids)


def _spectral(layout: Layout, days: Sequence[DayInputs], noise_quantile: float, known: Known) -> pd.DataFrame:
    anew = [each for each in days if known.spectrograms.get(str(each.key)) != each.spectrograms]
    before = known.rows[["event_id", *SPECTRAL]]
    parts = [spectral_columns(layout.spectrograms(each.key), noise_quantile) for each in anew]
    read = pd.concat([before.iloc[:0], *parts], ignore_index=True)
    return pd.concat([read, before[~before["event_id"].isin(read["event_id"])]], ignore_index=True)


def _completed(frame: pd.DataFrame, inputs: CatalogueInputs) -> pd.DataFrame:
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ns").astype("int64")
    without = frame["label"].isna()
    numbers = frame["label"].fillna(NO_LABEL).astype("int32")
    names = {number: inputs.names.get(number, str(number)) for number in numbers.unique().tolist()}
    frame["label"] = numbers
    frame["class_name"] = numbers.map(names | {NO_LABEL: NO_CLASS})
    for name in ("probability_kind", "model_version"):
        frame[name] = frame[name].astype(object).where(~without, "")
    for name in ("probability", "novelty"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    frame["assigned"] = frame["assigned"].fillna(False).astype(bool)
    reviewed = frame["event_id"].map(inputs.reviewed).astype(object)
    frame["reviewed"] = reviewed.where(reviewed.notna(), None)
    frame["distance"] = frame["distance"].astype("float32")
    return frame


def as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows that were read as `month_rows` gives them, so that they can be written again."""
    values: dict[str, Any] = {name: frame[name].dt.as_unit("ns").astype("int64") for name in _TIMES}
    for name in ("probability", "novelty", "reviewed"):
        values[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame.assign(**values)
