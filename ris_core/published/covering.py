"""Whether the settings describe the network of a published file, and settings that do."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ris_core.config import Settings
from ris_core.listing import some
from ris_core.published.published_catalogue import Catalogue
from ris_core.shipped_files import SHIPPED
from ris_core.storage.atomic import replacing
from ris_core.storage.published_file import PublishedFileError

EXAMPLE = SHIPPED / "config" / "ris_published.yaml"
_EPOCH = date(1970, 1, 1)
_SHOWN = 40


def day_of(number: int) -> date:
    """Return the day of a number of days since 1970."""
    return _EPOCH + timedelta(days=number)


def check_covered(settings: Settings, catalogue: Catalogue, path: Path) -> None:
    """Raise `PublishedFileError` unless the settings cover the events of a file; the message names all they lack."""
    wrong = []
    if not settings.imported:
        wrong.append(
            f"source.kind is '{settings.source.kind}', whose station-days are made here; write other settings, with  "
            "source: {kind: published}"
        )
    for name, own, found in (
        ("network.code", settings.network.code, catalogue.network),
        ("channel", settings.channel, catalogue.channel),
    ):
        if found != (own,):
            several = "" if len(found) == 1 else "; a file with one network and one channel is needed"
            wrong.append(f"{name} is {own}, the file's: {', '.join(found)}{several}")
    known = {station.code for station in settings.stations}
    missing = [code for code in catalogue.stations if code not in known]
    if missing:
        entries = some([f"{{code: {code}}}" for code in missing], _SHOWN)
        wrong.append(f"stations lack {len(missing)} of the file's; append  {entries}")
    first, last = day_of(int(catalogue.day.min())), day_of(int(catalogue.day.max()))
    days = settings.days()
    if not days or first < days[0] or last > days[-1]:
        wrong.append(
            f"first_day ... last_day are {settings.first_day} ... {settings.last_day or 'yesterday'}; the file has "
            f"events from {first} to {last}"
        )
    rates = np.unique(catalogue.sampling_rate)
    if rates.tolist() != [settings.conditioning.sampling_rate]:
        wrong.append(
            f"conditioning.sampling_rate is {settings.conditioning.sampling_rate:g} Hz, the file's fs: "
            + ", ".join(f"{rate:g}" for rate in rates)
        )
    if wrong:
        raise PublishedFileError(
            f"{path}: the settings do not cover it\n  "
            + "\n  ".join(wrong)
            + "\nThe option --write-config NEW.yaml writes settings that do."
        )


def write_settings(catalogue: Catalogue, path: Path) -> Settings:
    """Write settings that cover the events of a file, and return them.

    All that does not follow from the file is as in ``config/ris_published.yaml``.

    Raises
    ------
    PublishedFileError
        There is a file at `path` already, or the catalogue has several networks or channels.
    """
    if path.exists():
        raise PublishedFileError(f"{path}: it exists already; choose another name for the settings")
    if len(catalogue.network) != 1 or len(catalogue.channel) != 1:
        raise PublishedFileError(
            f"{path}: the catalogue has the networks {', '.join(catalogue.network)} and the channels "
            f"{', '.join(catalogue.channel)}; settings describe one network and one channel"
        )
    code = catalogue.network[0]
    values: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    name = f"{code.lower()}_published"
    values["network"] = {
        "name": name if name[0].isalpha() else f"n{name}",
        "code": code,
        "title": f"{code}, published events",
    }
    values["stations"] = [{"code": station} for station in catalogue.stations]
    values["channel"] = catalogue.channel[0]
    values["first_day"] = day_of(int(catalogue.day.min()))
    values["last_day"] = day_of(int(catalogue.day.max()))
    text = yaml.safe_dump(values, sort_keys=False)
    with replacing(path) as temporary:
        temporary.write_text(f"# Events of the published HDF5 file; see docs/published_data.md.\n{text}", "utf-8")
    return Settings.model_validate(values)
