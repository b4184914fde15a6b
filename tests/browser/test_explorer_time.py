"""A time is brushed, hours and stations are chosen in their pictures, and the others follow."""

import re

import pytest
from browsing import ABSENT, CHROMIUM
from explorer_network import served
from playwright.sync_api import Page, expect

from ris_explorer.explorer import Explorer

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


def _drag(page: Page, begin: float, end: float) -> None:
    """Drag over the timeline, from one share of its width to another."""
    plot = page.locator(".timeline-plot .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + begin * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    page.mouse.up()


def test_a_day_is_brushed_by_mouse_and_by_keys(quiet: Page, explorer_address: str, explorer: Explorer) -> None:
    page, table = quiet, explorer.table
    page.goto(f"{explorer_address}/?bin=day&measure=rates&series=temperature")
    notes = page.locator(".timeline-notes")
    expect(notes).to_contain_text("Rates are events per live hour of a station, 3 stations together")
    expect(notes).to_contain_text("temperature: mean (dashed)")
    _drag(page, 0.3, 0.45)
    expect(page).to_have_url(re.compile("from=2020-02-29T00:00Z&to=2020-03-01T00:00Z"))
    days = table.time // 86_400_000_000_000
    second = int((days == days[0] + 1).sum())
    expect(page.locator(".panel-filter")).to_contain_text(f"{second} of {len(table)}")
    # The timeline still shows all days; a double click takes the brush away.
    expect(notes).to_contain_text(f"{len(table)} events, bins of 1 day")
    page.locator(".timeline-plot .u-over").dblclick()
    expect(page).not_to_have_url(re.compile("from="))
    # The same by keys, two days; zooming leaves them, Escape takes brush and zoom away.
    page.locator(".timeline-plot").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator(".timeline-readout")).to_contain_text("2020-02-29 00:00 to 2020-03-02 00:00 UTC")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("from=2020-02-29T00:00Z&to=2020-03-02T00:00Z"))
    page.get_by_role("button", name="Zoom to the chosen time").click()
    expect(notes).to_contain_text("2020-02-29 00:00 to 2020-03-02 00:00 UTC")
    page.locator(".timeline-plot").focus()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("from="))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("begin="))
    page.get_by_text("As a table", exact=True).click()
    expect(page.locator(".timeline-rows tbody tr")).to_have_count(4)


def test_an_hour_and_a_station_are_chosen_in_their_pictures(quiet: Page, explorer: Explorer) -> None:
    page = quiet
    with served(explorer) as address:
        page.goto(f"{address}/?tab=calendar&measure=rates")
        rose = page.get_by_role("group", name="Hour of the day, UTC: events per live hour by class")
        part = rose.get_by_role("button", name=re.compile(r"^22: \d+ events, .* live hours, .* per live hour"))
        part.click()
        expect(page).to_have_url(re.compile("hours=22-22"))
        expect(part).to_have_attribute("aria-pressed", "true")
        counts = page.request.get(f"{address}/api/counts?hours=22-22", headers={"Sec-Fetch-Site": "same-origin"}).json()
        expect(page.locator(".panel-filter")).to_contain_text(f"{counts['events']} of 320")
        # Keys go round the rose; Shift goes on over midnight.
        part.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+Enter")
        expect(page).to_have_url(re.compile("hours=22-1"))
        page.get_by_role("tab", name="Stations").click()
        page.get_by_role("button", name=re.compile(r"^BB: \d+ events")).click()
        expect(page).to_have_url(re.compile("station=BB"))
        table = page.get_by_role("region", name="Table of the stations")
        expect(table.get_by_role("row")).to_have_count(4)
        table.get_by_role("button", name="Sort by events").click()
        expect(table.locator("th[aria-sort=descending]")).to_contain_text("events")
        expect(table.locator("tbody th").last).to_have_text("CC")
        table.get_by_role("button", name="BB", exact=True).click()
        expect(page).not_to_have_url(re.compile("station="))
