"""The catalogue as CSV and as Parquet, written month by month."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA


class EventWriter(Protocol):
    """Takes the rows of one month after another; use it as a context manager."""

    def write(self, events: pa.Table) -> None:
        """Write rows with the columns of `CATALOGUE_SCHEMA`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class CsvWriter:
    """CSV in UTF-8: ISO 8601 in UTC with nanoseconds, text in quotes, nothing for an absent value, nan for NaN."""

    def __init__(self, path: Path) -> None:
        fields = [
            pa.field(field.name, pa.string()) if pa.types.is_timestamp(field.type) else field
            for field in CATALOGUE_SCHEMA
        ]
        self._schema = pa.schema([field.remove_metadata() for field in fields])
        self._writer = pa_csv.CSVWriter(path, self._schema)

    def write(self, events: pa.Table) -> None:
        """Write rows with the columns of `CATALOGUE_SCHEMA`."""
        columns = [
            pa.array(iso_times(events[field.name])) if pa.types.is_timestamp(field.type) else events[field.name]
            for field in CATALOGUE_SCHEMA
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


class ParquetWriter:
    """Parquet with the columns' words as metadata; a group of rows a month."""

    def __init__(self, path: Path, said: dict[str, str]) -> None:
        metadata = {key.encode(): value.encode() for key, value in said.items()}
        self._schema = CATALOGUE_SCHEMA.with_metadata(metadata)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, events: pa.Table) -> None:
        """Write rows with the columns of `CATALOGUE_SCHEMA`."""
        self._writer.write_table(events.cast(self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


def iso_times(column: pa.ChunkedArray) -> list[str]:
    """Return times as ISO 8601 in UTC, with nanoseconds."""
    values = column.to_numpy().astype("datetime64[ns]")
    return [f"{text}Z" for text in np.datetime_as_string(values, unit="ns").tolist()]
