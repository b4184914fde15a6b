"""What the report on disk was made from, and whether that is what there is now."""

from __future__ import annotations

import hashlib
from typing import Any

from ris_core import versions
from ris_core.clustering.champion import champion_or_none
from ris_core.rates.panels_run import shown_panels
from ris_core.report.provenance_part import analysis_files
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout

FILE, RECORD = "report.html", "report.json"
_FIELDS: dict[str, type | tuple[type, ...]] = {"configuration": str, "content": str, "absent": dict}


def report_configuration(days: StationDays) -> str:
    """Return the digest of all that the report shows, except the state of station-days.

    That state (failures, station-days that are not labelled yet) changes without any table of the analysis.
    """
    layout, settings, champion = days.layout, days.settings, champion_or_none(days.layout)
    files: list[Any] = []
    for path in analysis_files(days):
        try:
            stamp, content, rows = tables.read_stamp(path)
            files.append([layout.relative(path), None if stamp is None else stamp.as_dict(), content, rows])
        except DamagedFileError as error:
            files.append([layout.relative(path), error.why])
    try:
        pictures = [[name, hashlib.sha256(png).hexdigest()] for name, png in shown_panels(layout)]
    except DamagedFileError as error:
        pictures = [[layout.relative(error.path), error.why]]
    said = [settings.digest(), None if champion is None else champion.digest, files, pictures]
    return digest_of([versions.REPORT, *said])


def write_record(layout: Layout, configuration: str, content: bytes, absent: dict[str, str]) -> str:
    """Write what a report was made from, and return the digest of the page."""
    digest = _digest(content)
    write_json(layout.analysis(RECORD), {"configuration": configuration, "content": digest, "absent": absent})
    return digest


def report_is_current(days: StationDays) -> bool:
    """Return whether the report is undamaged, and of the tables, settings and model that there are now."""
    layout = days.layout
    try:
        found = read_record(layout.analysis(RECORD), _FIELDS)
        same = found["content"] == _digest(layout.analysis(FILE).read_bytes())
        return bool(same and found["configuration"] == report_configuration(days))
    except (FileNotFoundError, DamagedFileError):
        return False


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
