"""From the gallery to an event: seen, heard, compared with those like it."""

import io
import re
import wave

import pytest
from browsing import ABSENT, CHROMIUM
from explorer_network import served
from playwright.sync_api import Page, expect

from ris_core.contracts.event_identifier import possible_days
from ris_explorer.explorer import Explorer

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


def _pictures(page: Page):
    return page.locator(".gallery-option img")


def test_gallery_to_event_to_sound_to_more_like_it(quiet: Page, explorer_address: str, explorer: Explorer) -> None:
    page, table = quiet, explorer.table
    page.goto(f"{explorer_address}/?sort=-probability&page=2")
    expect(_pictures(page)).to_have_count(60)
    sources = _pictures(page).evaluate_all("all => all.map(each => each.src)")
    assert len(set(sources)) == 60
    expect(page.locator(".gallery-words")).to_have_text(f"{len(table)} events, 61 to 120.")
    # Arrows move, Enter opens; the address says what is open.
    page.locator(".gallery-option").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    second = page.locator("[data-event]").nth(1).get_attribute("data-event")
    assert second and f"event={second}" in page.url
    expect(page.locator(".event-place")).to_have_text(f"62 of {len(table)}")
    expect(page.locator(".event-spectrogram")).to_have_attribute("aria-label", re.compile("greatest power is at .* Hz"))
    expect(page.locator(".event-seen .event-trace canvas")).to_be_visible()
    # The sound is fetched and can be played.
    with page.expect_response(re.compile(r"/sound\.wav")) as heard:
        page.keyboard.press("p")
    assert heard.value.status in (200, 206)
    page.wait_for_function(
        "() => document.querySelector('audio').duration > 0.1 && !document.querySelector('audio').error"
    )
    address = page.locator("audio").evaluate("audio => audio.src")
    with wave.open(io.BytesIO(page.request.get(address, headers={"Sec-Fetch-Site": "same-origin"}).body())) as file:
        assert file.getnframes() > 1000
    # A filter is drawn, and said.
    page.get_by_label("Low corner of the filter, Hz").fill("4")
    page.get_by_label("High corner of the filter, Hz").fill("8")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Filtered: band-pass 4-8 Hz", exact=False)).to_be_visible()
    # More like it, on the map and in the gallery.
    page.get_by_role("button", name="More like this", exact=True).click()
    expect(page.locator(".event-likes img")).to_have_count(12)
    page.get_by_role("button", name=re.compile("Show these 12")).click()
    expect(page.locator(".gallery-words")).to_have_text("13 events, 1 to 13.")
    expect(_pictures(page)).to_have_count(13)
    page.keyboard.press("Escape")
    page.go_back()
    expect(page.locator(".gallery-words")).to_contain_text(f"{len(table)} events")


def test_selection_by_keys_and_next_event(quiet: Page, explorer_address: str) -> None:
    page = quiet
    page.goto(explorer_address)
    expect(_pictures(page)).to_have_count(60)
    options = page.locator(".gallery-option")
    options.first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".gallery-sums")).to_have_text("3 events selected")
    expect(page.locator(".gallery-option[aria-selected=true]")).to_have_count(3)
    page.get_by_role("button", name="Page after").click()
    expect(page.locator(".gallery-words")).to_contain_text("61 to 120")
    expect(page.locator(".gallery-sums")).to_have_text("3 events selected, 3 on other pages")
    page.get_by_role("button", name="Show only these").click()
    expect(_pictures(page)).to_have_count(3)
    options.first.click()
    expect(page.locator(".event-place")).to_have_text("1 of 3")
    page.keyboard.press("j")
    expect(page.locator(".event-place")).to_have_text("2 of 3")
    page.keyboard.press("k")
    expect(page.locator(".event-place")).to_have_text("1 of 3")


def test_what_is_not_there_is_said(page: Page, explorer: Explorer) -> None:
    name = explorer.table.name(0)
    explorer.network.layout.spectrograms(possible_days(name)[0]).unlink()
    with served(explorer) as address:
        page.goto(f"{address}/?event={name}")
        expect(page.locator(".event-seen .trouble, .event-seen .absent")).to_contain_text("ris run --only process")
        expect(page.get_by_text("All fields of the catalogue")).to_be_visible()
        expect(page.locator(".gallery-option .trouble").first).to_contain_text("it was removed")
        page.goto(f"{address}/?snr=1000000..")
        expect(page.locator(".gallery-words")).to_have_text(re.compile("No event passes the filter"))
        page.goto(f"{address}/?event=no-such-event")
        expect(page.locator(".event-head")).to_contain_text("the catalogue has no such event")
