"""The report as a file: all parts of a network, put together and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ris_core.report.cautions import cautions
from ris_core.report.html_elements import Html
from ris_core.report.page import page
from ris_core.report.report_part import MadePart, ReportPart, made
from ris_core.report.report_parts import PARTS
from ris_core.report.report_state import FILE, report_configuration, write_record
from ris_core.station_days.station_days import StationDays
from ris_core.storage.atomic import replacing
from ris_core.storage.layout import Layout

LARGEST = 15_000_000
"""Bytes of a report at most, so that it can be sent by e-mail."""
_ROOM = 200_000
# External resources that a page could load; a check looks for them.
_OUTSIDE = ("<script", 'src="http', 'href="http', "url(", "@import", "<iframe", "<link")


@dataclass(frozen=True)
class FinishedReport:
    """A report that was written.

    Attributes
    ----------
    path
        The file.
    size
        Its bytes.
    parts
        Its parts.
    content
        Digest of the page; empty if it was written elsewhere than in the data root.
    """

    path: Path
    size: int
    parts: tuple[MadePart, ...]
    content: str = ""

    @property
    def absent(self) -> dict[str, str]:
        """Why parts are not there, by title."""
        return {one.part.title: one.absent for one in self.parts if one.absent}


def report_path(layout: Layout) -> Path:
    """Return where the report lies in a data root."""
    return layout.analysis(FILE)


def write_report(
    days: StationDays, path: Path | None = None, parts: Sequence[ReportPart] = PARTS, largest: int = LARGEST
) -> FinishedReport:
    """Make the report of a network and write it.

    A part with which the page would become larger than `largest` is left out, and says so.

    Parameters
    ----------
    days
        The network.
    path
        Where to; by default `report_path`.
    parts
        By default all.
    largest
        Bytes at most.
    """
    target = report_path(days.layout) if path is None else path
    configuration = report_configuration(days)
    size, done = _ROOM, list[MadePart]()
    for part in parts:
        one = made(part, days)
        if size + len(one.html.encode()) > largest:
            one = MadePart(part, Html(""), f"with it the page would be larger than {largest / 1e6:g} MB")
        size += len(one.html.encode())
        done.append(one)
    settings = days.settings
    until = settings.last_day or "now"
    written = page(
        f"Report of the network {settings.network.name}",
        f"{len(days.stations)} stations of {settings.network.code}, {settings.first_day} to {until}",
        cautions(days),
        done,
        f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `ris report`. Times are UTC.",
    ).encode()
    with replacing(target) as temporary:
        temporary.write_bytes(written)
    absent = {one.part.title: one.absent for one in done if one.absent}
    content = write_record(days.layout, configuration, written, absent) if path is None else ""
    return FinishedReport(target, len(written), tuple(done), content)


def loads_from_outside(content: str) -> list[str]:
    """Return what a page would load from elsewhere or run, for a check; nothing if it stands for itself."""
    lower = content.lower()
    return [sign for sign in _OUTSIDE if sign in lower]
