"""The report: it stands for itself, everything is escaped, absent parts say why, and it knows when it is current."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from builders import QUIET, Opened, opened, ris
from matplotlib.figure import Figure

from ris_core.access import read_labels
from ris_core.figures.image import to_png
from ris_core.figures.style import no_data
from ris_core.report.cautions import cautions
from ris_core.report.html_elements import Html, items, pairs, paragraph, picture, table, text
from ris_core.report.report_part import NotMadeError, PartAbsentError, ReportPart, made
from ris_core.report.report_parts import PARTS
from ris_core.report.report_run import loads_from_outside, report_path, write_report
from ris_core.report.report_state import report_is_current
from ris_core.station_days.station_days import StationDays
from ris_dagster.assets.report import build_report_asset

BLANK = to_png(Figure((0.1, 0.1)))
EVIL = "<script>alert('x')</script> & \"quoted\""


class Page(HTMLParser):
    """Tags with their attributes, and which of them are not closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def own(network: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Opened]:
    """A copy of the shared network, to which a report is added."""
    shutil.copytree(network.store.root, tmp_path / "tiny")
    monkeypatch.setenv("RIS_DATA", str(tmp_path))
    with opened(network.config) as found:
        yield found


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take most of a report's time; tests of what is around them do without."""
    monkeypatch.setattr("ris_core.report.html_elements.to_png", lambda fig, dpi: BLANK)


def test_text_of_any_piece_is_escaped(own: Opened) -> None:
    pieces = [
        text(EVIL),
        paragraph(EVIL),
        items([EVIL]),
        pairs({EVIL: EVIL}),
        table(pd.DataFrame({EVIL: [EVIL]}), {EVIL: EVIL}),
        picture(no_data("x"), EVIL, EVIL),
    ]
    for piece in pieces:
        assert "<script" not in piece and "&lt;script&gt;" in piece

    def evil(days: StationDays) -> Sequence[Html]:
        raise NotMadeError(EVIL)

    part = ReportPart("evil", EVIL, evil, EVIL)
    content = write_report(own.days, own.store.root.parent / "x.html", [part]).path.read_text(encoding="utf-8")
    assert "<script" not in content and loads_from_outside(content) == []
    assert not Page(content).wrong


def test_values_are_written_as_a_reader_expects() -> None:
    values = [
        None,
        np.nan,
        pd.NaT,
        np.float32(-0.25),
        1234,
        np.int64(1234),
        True,
        pd.Timestamp("2015-01-10T01:02:03.4"),
    ]
    assert [str(text(value)) for value in values] == [
        "",
        "",
        "",
        "−0.25",
        "1,234",
        "1,234",
        "yes",
        "2015-01-10 01:02:03",
    ]


def test_a_long_table_says_what_it_leaves_out() -> None:
    found = table(pd.DataFrame({"n": range(70)}), most=60)
    assert found.count("<tr>") == 61 and "10 more rows" in found


def test_the_report_of_a_network_stands_for_itself(own: Opened) -> None:
    found = write_report(own.days)
    content = found.path.read_text(encoding="utf-8")
    page = Page(content)
    assert not page.wrong and not page.open
    assert loads_from_outside(content) == [] and found.size < 5_000_000
    assert str(own.store.root) not in content
    assert all(attributes["src"].startswith("data:image/png;base64,") for tag, attributes in page.tags if tag == "img")
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    anchors = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert anchors == {f"#{attributes['id']}" for tag, attributes in page.tags if tag == "section"}
    assert {"overview", "classes", "quality", "provenance", "completeness"} <= {a[1:] for a in anchors}
    shown = {one.part.name for one in found.parts if not one.absent}
    assert {"overview", "classes", "completeness", "quality", "provenance"} <= shown
    labels = set(read_labels(own.days)["label"])
    assert len(re.findall('alt="Class ', content)) == len(labels)


@pytest.mark.usefixtures("blank_pictures")
def test_the_head_says_that_waveforms_and_reviews_are_not_real(own: Opened) -> None:
    assert cautions(own.days) == ["The waveforms are synthetic. Nothing here is about real ice."]
    assert ris("review", "--config", own.config, "--simulate", "truth", "--count", "3").exit_code == 0
    said = "3 of 3 reviewed events were reviewed by a simulated reviewer"
    assert said in cautions(own.days)[1]
    content = write_report(own.days).path.read_text(encoding="utf-8")
    assert content.index(said) < content.index("<nav>") and "3 of them by a simulated reviewer" in content


def test_an_empty_network_says_of_each_part_why_it_is_absent(own: Opened) -> None:
    shutil.rmtree(own.store.root / "catalogue")
    shutil.rmtree(own.store.root / "analysis")
    found = write_report(own.days)
    assert "there is no catalogue of events yet" in found.absent["The network"]
    assert {"Classes", "Rates", "Completeness", "Map of the stations"} <= set(found.absent)
    content = found.path.read_text(encoding="utf-8")
    assert "<code>ris run --only measure_completeness</code>" in content


def test_what_the_settings_do_not_want_no_command_makes(own: Opened) -> None:
    days = StationDays(own.settings.model_copy(update={"environment": (), "environment_figures": ()}), own.store)
    part = next(part for part in PARTS if part.name == "environment")
    found = made(part, days)
    assert "no environmental series" in found.absent and part.command and not found.command


@pytest.mark.usefixtures("blank_pictures")
def test_a_damaged_table_is_a_reason_and_no_failure(own: Opened) -> None:
    path = own.days.layout.analysis("completeness.parquet")
    path.write_bytes(path.read_bytes()[:-60])
    own.days.layout.analysis("environment_panels.json").write_text("{", encoding="utf-8")
    found = write_report(own.days)
    assert "damaged" in found.absent["Completeness"]
    assert str(own.store.root) not in found.path.read_text(encoding="utf-8")


def test_a_part_that_would_make_the_page_too_large_is_left_out(own: Opened) -> None:
    def much(days: StationDays) -> Sequence[Html]:
        return [paragraph("x" * 300_000)]

    def little(days: StationDays) -> Sequence[Html]:
        return [paragraph("short")]

    parts = [ReportPart("much", "Much", much), ReportPart("little", "Little", little)]
    found = write_report(own.days, own.store.root.parent / "x.html", parts, largest=400_000)
    assert found.absent == {"Much": "with it the page would be larger than 0.4 MB"} and found.size < 400_000


def test_parts_tell_what_cannot_be_from_what_was_not_made(own: Opened) -> None:
    def cannot(days: StationDays) -> Sequence[Html]:
        raise PartAbsentError("never")

    def nothing(days: StationDays) -> Sequence[Html]:
        raise KeyError("no such station")

    assert (made(ReportPart("a", "A", cannot, "ris x"), own.days).command) == ""
    found = made(ReportPart("b", "B", nothing, "ris x"), own.days)
    assert (found.absent, found.command) == ("no such station", "ris x")


@pytest.mark.usefixtures("blank_pictures")
def test_the_report_is_current_until_a_table_changes(own: Opened) -> None:
    days = own.days
    write_report(days)
    assert report_is_current(days)
    report_path(days.layout).write_text("else", encoding="utf-8")
    assert not report_is_current(days)
    write_report(days)
    days.layout.analysis("completeness.parquet").unlink()
    assert not report_is_current(days)
    # A copy elsewhere is no reason to call the report of the data root current.
    write_report(days, own.store.root.parent / "copy.html")
    assert not report_is_current(days)


@pytest.mark.usefixtures("blank_pictures")
def test_the_asset_checks_the_page_and_names_absent_parts(own: Opened) -> None:
    own.days.layout.analysis("completeness.parquet").unlink()
    result = dg.materialize(
        [build_report_asset(own.settings)],
        instance=own.instance,
        resources=own.definitions.resources,
        run_config=QUIET,
    )
    assert result.success
    said = own.latest("report").metadata
    assert said["path"].value == "analysis/report.html" and "Completeness" in said["absent"].value
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert checks["stands_for_itself"].passed
    assert not checks["every_part"].passed and "Completeness" in str(checks["every_part"].description)


@pytest.mark.usefixtures("blank_pictures")
def test_the_command_writes_the_report_where_it_is_asked_to(own: Opened, tmp_path: Path) -> None:
    own.days.layout.analysis("completeness.parquet").unlink()
    result = ris("report", "--config", own.config, "--output", tmp_path / "for co-authors.html")
    assert result.exit_code == 0, result.output
    assert "for co-authors.html" in result.output and "not there: Completeness" in result.output
    assert (tmp_path / "for co-authors.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
