"""What the tables say of one event: each part in its own words, or why it is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ris_core.access import read_attributes, read_catalogue
from ris_core.attributes import attribute_columns
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.contracts.station_day import StationDay
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.event.open_event import row_of, station_day_of
from ris_explorer.explorer import Explorer
from ris_explorer.links import champion_page, model_pages, station_day_page

_LABELLED = "`ris run --only label` makes it"


def event_answer(explorer: Explorer, event_id: str) -> dict[str, Any]:
    """Return what is known of an event beside its samples, as plain values.

    Parts that cannot be read have an ``error``, a sentence, instead of their values.

    Raises
    ------
    RefusedError
        The catalogue has no such event.
    """
    table, row = explorer.table, row_of(explorer, event_id)
    of_class = table.classes[table.class_index[row]]
    key = station_day_of(explorer, event_id)
    return {
        "event_id": event_id,
        "station": table.stations[table.station[row]],
        "time": int(table.time[row]) / 1e9,
        "class": of_class.number,
        "station_day": str(key),
        "fields": _tried(lambda: _catalogue_fields(explorer, event_id, row)),
        "attributes": _tried(lambda: _attributes(explorer, event_id, key)),
        "memberships": _tried(lambda: _memberships(explorer, event_id, key)),
        "same_source": _same_source(explorer, row),
        "links": _links(explorer, key),
    }


def _tried(of: Callable[[], Any]) -> Any:
    try:
        return of()
    except (DamagedFileError, FileNotFoundError, RefusedError, ValueError) as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"{error.filename}: cannot be read: {error.strerror or error}"}


def _catalogue_fields(explorer: Explorer, event_id: str, row: int) -> list[dict[str, Any]]:
    day = explorer.table.time[row].astype("datetime64[ns]").astype("datetime64[D]").item()
    values = _row(read_catalogue(explorer.network, first=day, last=day), event_id, "the catalogue")
    return [
        _field(
            each.name, values[each.name], *(_said(each.metadata, name) for name in ("unit", "description", "source"))
        )
        for each in CATALOGUE_SCHEMA
        if each.name != "reviewed"  # shown with the reviews, which a reviewer may not want to see first
    ]


def _said(metadata: Mapping[bytes, bytes] | None, name: str) -> str:
    return (metadata or {}).get(name.encode(), b"").decode()


def _field(name: str, value: Any, unit: str, about: str, source: str = "") -> dict[str, Any]:
    return {"name": name, "value": _plain(value), "unit": unit, "about": about, "source": source}


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value


def _row(frame: pd.DataFrame, event_id: str, where: str) -> Mapping[str, Any]:
    found = frame[frame["event_id"] == event_id]
    if not len(found):
        raise RefusedError(
            f"{where} does not have this event: its station-day was processed again. `ris run` brings all up to date",
            409,
        )
    return dict(zip(found.columns, found.iloc[0].to_list(), strict=True))


def _attributes(explorer: Explorer, event_id: str, key: StationDay) -> list[dict[str, Any]]:
    settings = explorer.network.settings
    frame = read_attributes(explorer.network, key.station, key.day, key.day)
    values = _row(frame, event_id, str(explorer.network.layout.attributes(key)))
    longest = settings.spectrogram.duration if settings.imported else None
    known = attribute_columns(settings.attributes_of_tables, settings.input_spec().components, longest)
    return [_field(each.name, values[each.name], each.unit, each.meaning) for each in known if each.name in values]


def _memberships(explorer: Explorer, event_id: str, key: StationDay) -> dict[str, Any]:
    network = explorer.network
    path = network.layout.labels(key)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no label table of {key} yet; {_LABELLED}")
    values = _row(tables.read_table(path), event_id, str(path))
    said, champion = tables.read_summary(path), champion_or_none(network.layout)
    classes = [int(number) for number in said["classes"]]
    names = class_names(network.settings.champion, classes, champion)
    found: dict[str, Any] = {
        "model_version": values["model_version"],
        "of_present_model": champion is not None and champion.model_version == values["model_version"],
        "words": _said(tables.read_schema(path).field("probability").metadata, "description"),
        "bars": [
            {"class": number, "name": names[number], "probability": float(share)}
            for number, share in zip(classes, values["probabilities"], strict=True)
        ],
        "novelty": _plain(values["novelty"]),
        "novelty_threshold": float(said["novelty_threshold"]) if "novelty_threshold" in said else None,
        "assigned": bool(values["assigned"]),
    }
    if "conformal_set" in values:
        numbers = [int(number) for number in values["conformal_set"]]
        known = class_names(network.settings.champion, numbers, champion)
        found |= {
            "conformal_set": [{"class": number, "name": known[number]} for number in numbers],
            "new": bool(values["new"]),
            "unsupervised_label": _plain(values["unsupervised_label"]),
        }
    return found


def _same_source(explorer: Explorer, row: int) -> list[dict[str, Any]]:
    table = explorer.table
    if table.source[row] < 0:
        return []
    rows = np.flatnonzero(table.source == table.source[row])
    return [
        {
            "event_id": table.name(other),
            "station": table.stations[table.station[other]],
            "class": table.classes[table.class_index[other]].number,
            "later": (int(table.time[other]) - int(table.time[row])) / 1e9,
        }
        for other in rows.tolist()
        if other != row
    ]


def _links(explorer: Explorer, key: StationDay) -> list[dict[str, str]]:
    addresses = explorer.addresses
    links = [
        {"text": f"{key} in Dagster", "address": station_day_page(addresses, key)},
        {"text": "the model that labels in Dagster", "address": champion_page(addresses)},
    ]
    try:
        champion = champion_or_none(explorer.network.layout)
    except DamagedFileError:
        champion = None  # the memberships say so
    if champion is not None:
        links += [
            {"text": f"{name} in MLflow", "address": page} for name, page in model_pages(addresses, champion).items()
        ]
    return [link for link in links if link["address"]]
