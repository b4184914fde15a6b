"""The explorer's page in Chromium: filter, map of events, saved filters, themes, keyboard, accessibility."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import ABSENT, CHROMIUM, WEBGL, chromium, new_page
from explorer_network import Explored, served
from explorer_table import explorer_of
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)
PAGES = ("events", "classes", "review", "comparison")
TABS = ("gallery", "calendar", "stations")
MANY = 430_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(WEBGL) as started:
        yield started


@pytest.fixture(scope="module")
def address(explored: Explored) -> Iterator[str]:
    with served(explored.explorer()) as found:
        yield found


def counts(page: Page, query: str) -> dict[str, Any]:
    """Return what the server counts for a filter."""
    found: dict[str, Any] = page.evaluate("query => fetch(`/api/counts?${query}`).then((it) => it.json())", query)
    return found


def query_of(page: Page) -> str:
    return page.url.partition("?")[2]


def total(page: Page) -> int:
    """Return how many events pass, as the page says."""
    words = page.locator(".filter-total").inner_text()
    found = re.match(r"(?:All )?([\d,]+)", words)
    return int(found[1].replace(",", "")) if found else 0


def drawn(page: Page) -> None:
    """Wait until the map is drawn."""
    expect(page.locator(".map-words p").first).to_be_visible()
    expect(page.locator(".map-entry").first).to_be_visible()


def colours_of(page: Page) -> int:
    """Return how many pixels of the map are not of its ground."""
    page.wait_for_timeout(300)
    found: int = page.evaluate(
        """() => {
          const canvas = document.querySelector(".map-box canvas");
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          let coloured = 0;
          for (let i = 0; i < data.length; i += 4) {
            const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
            if (data[i + 3] > 60 && spread > 60) coloured += 1;
          }
          return coloured;
        }"""
    )
    return found


def draw_lasso(page: Page, left: float, right: float) -> None:
    """Draw an ellipse with the mouse over a part of the map, given in shares of its width."""
    box = page.locator(".map-box").bounding_box()
    assert box is not None
    page.get_by_role("button", name="Lasso", exact=True).click()
    middle, wide = box["x"] + box["width"] * (left + right) / 2, box["width"] * (right - left) / 2
    corners = [(math.cos(a / 40 * 6.28), math.sin(a / 40 * 6.28)) for a in range(41)]
    places = [(middle + wide * c, box["y"] + box["height"] * (0.5 + 0.48 * s)) for c, s in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def test_filter_by_address_by_controls_and_back(page: Page, address: str) -> None:
    page.goto(f"{address}/?class=1&station=AA")
    wanted = counts(page, "class=1&station=AA")["events"]
    expect(page.locator(".filter-total")).to_contain_text(f"{wanted} of ")
    page.get_by_role("group", name="Classes").get_by_role("checkbox").nth(2).check()
    expect(page).to_have_url(re.compile("class=1,2"))
    expect(page.locator(".filter-total")).to_contain_text(f"{counts(page, 'class=1,2&station=AA')['events']} of ")
    page.go_back()
    expect(page.locator(".filter-total")).to_contain_text(f"{wanted} of ")
    page.get_by_role("button", name="Remove: station AA").click()
    expect(page.locator(".filter-total")).to_contain_text(f"{counts(page, 'class=1')['events']} of ")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(".filter-total")).to_have_text(f"All {counts(page, '')['events']} events")
    assert query_of(page) == ""
    page.goto(f"{address}/?clas=1")
    expect(page.get_by_text("not known, and that choose nothing: clas")).to_be_visible()


def test_fields_write_times_hours_and_quantities_into_the_address(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label(re.compile("^from, UTC")).fill("2020-02-29 12:00")
    page.get_by_label("hours: from").select_option("20")
    page.get_by_text("Quantities").click()
    page.get_by_label("SNR, dB: at least").fill("2")
    expect(page).to_have_url(re.compile("snr=2.."))
    page.get_by_text("Review", exact=True).last.click()
    query = query_of(page)
    assert "from=2020-02-29T12:00" in query
    assert "hours=20-23" in query
    wanted = counts(page, query)["events"]
    expect(page.locator(".filter-total")).to_contain_text(f"{wanted} of ")
    page.get_by_label("SNR, dB: at least").fill("2e")
    expect(page.get_by_label("SNR, dB: at least")).to_have_attribute("aria-invalid", "true")
    assert query_of(page) == query


def test_a_choice_right_after_typing_does_not_lose_what_was_typed(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label(re.compile("^from, UTC")).evaluate(
        """(typed) => {
            typed.focus();
            typed.value = "2020-02-29";
            typed.dispatchEvent(new Event("input"));
            const hours = document.querySelector("[aria-label='hours: from']");
            hours.value = "20";
            hours.dispatchEvent(new Event("change"));
        }"""
    )
    expect(page).to_have_url(re.compile("from=2020-02-29"))
    assert "hours=20-23" in query_of(page)


def test_what_is_wrong_in_the_address_is_said_and_can_be_removed(page: Page, address: str) -> None:
    page.goto(f"{address}/?station=ZZ&snr=abc&class=1")
    trouble = page.locator(".panel-filter .trouble[role=alert]")
    expect(trouble).to_contain_text("snr = 'abc' is not a range")
    page.get_by_role("button", name="Remove: SNR abc").click()
    expect(trouble).to_contain_text("station = 'ZZ': there is none")
    expect(page.locator(".map-words")).to_contain_text("The filter cannot be used")
    page.get_by_role("button", name="Remove: station ZZ").click()
    expect(trouble).to_be_hidden()
    expect(page.locator(".filter-total")).to_contain_text(f"{counts(page, 'class=1')['events']} of ")


def test_map_draws_and_a_lasso_chooses_the_events_in_it(page: Page, address: str) -> None:
    page.goto(address)
    drawn(page)
    assert colours_of(page) > 100
    everything = total(page)
    draw_lasso(page, 0.02, 0.55)
    expect(page).to_have_url(re.compile("lasso="))
    lasso = query_of(page)
    assert 3 <= lasso.count(";") + 1 <= 64
    chosen = counts(page, lasso)
    assert 0 < chosen["events"] < everything
    expect(page.locator(".filter-total")).to_contain_text(f"{chosen['events']} of ")
    expect(page.locator(".map-words p").first).to_contain_text(f"{chosen['events']} events of ")
    legend = [int(each.split()[-1]) for each in page.locator(".map-entry").all_inner_texts()]
    assert legend == [chosen["by_class"][str(number)] for number in (0, 1, 2, -1)]
    page.get_by_role("button", name="Clear lasso").click()
    expect(page.locator(".filter-total")).to_have_text(f"All {everything} events")


def test_map_by_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    drawn(page)
    page.locator(".map-box canvas").focus()
    for _ in range(5):
        page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile("lasso="))
    seen = counts(page, query_of(page))["events"]
    expect(page.locator(".map-words p").first).to_contain_text(f"{seen} event")
    page.get_by_role("button", name="Rectangle").click()
    dialog = page.get_by_role("dialog", name="Rectangle on the map of events")
    for name, value in {"x from": "-1000", "x to": "1000", "y from": "-1000", "y to": "1000"}.items():
        dialog.get_by_label(name).fill(value)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("lasso=-1000,-1000;1000,-1000"))
    placed = page.evaluate("fetch('/api/event_map').then((it) => it.json())")["placed"]
    expect(page.locator(".filter-total")).to_contain_text(str(placed))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("draw a lasso")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


@pytest.mark.parametrize("webgl", [True, False])
def test_click_on_a_point_opens_its_event(browser: Browser, address: str, webgl: bool) -> None:
    with new_page(browser, f"explorer_click_{'webgl' if webgl else 'plain'}") as page:
        if not webgl:
            page.add_init_script(
                "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext ="
                "function (kind, ...more) { return kind.includes('webgl') ? null : get.call(this, kind, ...more); };"
            )
        page.goto(address)
        drawn(page)
        assert colours_of(page) > 100
        if not webgl:
            expect(page.locator(".map-words")).to_contain_text("has no WebGL")
        place = page.evaluate(
            """async () => {
              const point = await fetch("/api/event_map/point?row=7").then((it) => it.json());
              return { ...point };
            }"""
        )
        page.get_by_role("button", name="Rectangle").click()  # says which part of the map is visible
        fields = {
            name: float(page.locator(f".map-rectangle [name={name}]").input_value())
            for name in ("x1", "x2", "y1", "y2")
        }
        page.keyboard.press("Escape")
        box = page.locator(".map-box canvas").bounding_box()
        assert box is not None
        share_x = (place["x"] - fields["x1"]) / (fields["x2"] - fields["x1"])
        share_y = (fields["y2"] - place["y"]) / (fields["y2"] - fields["y1"])
        at = box["x"] + box["width"] * share_x, box["y"] + box["height"] * share_y
        for step in range(20):
            page.mouse.move(at[0] + step % 2, at[1], steps=2)
            page.wait_for_timeout(250)
            if page.locator(".map-tip").is_visible():
                break
        expect(page.locator(".map-tip")).to_contain_text("UTC")
        page.mouse.click(*at)
        expect(page).to_have_url(re.compile("event="))
        opened = page.evaluate("new URLSearchParams(location.search).get('event')")
        found = page.evaluate("id => fetch(`/api/event_map/point?event=${id}`).then((it) => it.json())", opened)
        near = math.hypot(found["x"] - place["x"], found["y"] - place["y"])
        assert near < 0.03 * (fields["x2"] - fields["x1"])
        expect(page.get_by_role("region", name="Event", exact=True)).to_be_visible()


def test_saved_filters_are_kept_applied_and_deleted(page: Page, address: str) -> None:
    page.goto(f"{address}/?class=1&station=BB")
    page.get_by_label("Name of the filter").fill("ice <b>at</b> BB")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.reload()
    page.get_by_role("link", name="ice <b>at</b> BB").click()
    expect(page.locator(".filter-total")).to_contain_text(f"{counts(page, 'class=1&station=BB')['events']} of ")
    page.get_by_role("button", name="Delete the filter ice <b>at</b> BB").click()
    page.reload()
    expect(page.get_by_role("link", name="ice <b>at</b> BB")).to_have_count(0)


def test_theme_follows_the_system_until_one_is_chosen(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light page").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    expect(page.get_by_role("button", name="Dark page")).to_be_visible()
    assert page.evaluate(ground) == light


def test_no_serious_finding_no_other_host_and_no_error(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    troubles: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: hosts.add(re.sub(r"^(https?://[^/]+|blob|data).*", r"\1", request.url)))
    page.goto(address)
    drawn(page)
    event = page.evaluate("fetch('/api/event_map/point?row=7').then((it) => it.json())")["event_id"]
    found: list[str] = []
    for shown in [*(f"view={view}" for view in PAGES[1:]), *(f"tab={tab}" for tab in TABS), f"class=1&event={event}"]:
        page.goto(f"{address}/?{shown}")
        expect(page.locator("main section").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{shown}, {scheme}: {each}" for each in serious_findings(page)]
    assert found == []
    assert troubles == []
    assert hosts <= {address, "blob", "data"}


def serious_findings(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']} ({each['help']}): {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_very_many_events_load_pan_and_filter(page: Page, explored: Explored) -> None:
    with served(explorer_of(explored.explorer(), MANY)) as address:
        page.goto(address)
        drawn(page)
        expect(page.locator(".filter-total")).to_have_text("All 430,000 events")
        assert colours_of(page) > 1000
        page.locator(".map-box canvas").focus()
        page.keyboard.press("+")
        page.get_by_role("group", name="Classes").get_by_role("checkbox").nth(3).check()
        wanted = counts(page, "class=3")["events"]
        expect(page.locator(".map-words p").first).to_contain_text(f"{wanted:,} events of 430,000")
        draw_lasso(page, 0.1, 0.6)
        expect(page).to_have_url(re.compile("lasso="))
        chosen = counts(page, query_of(page))["events"]
        expect(page.locator(".filter-total")).to_contain_text(f"{chosen:,} of 430,000" if chosen else "No event")


def test_what_is_wrong_is_said_while_it_is_and_views_show_their_events_again_after_it(page: Page, address: str) -> None:
    page.goto(f"{address}/?tab=stations")
    expect(page.locator(".stations-table")).to_contain_text("AA")
    page.route(re.compile("/api/(version|stations)"), lambda route: route.abort())
    expect(page.locator("#steady")).to_contain_text("does not answer")
    page.get_by_role("group", name="Classes").get_by_role("checkbox").nth(1).check()
    expect(page.locator(".panel-more .trouble")).to_contain_text("does not answer")
    page.unroute_all()
    expect(page.locator("#steady")).to_be_hidden()
    expect(page.locator(".panel-more .trouble")).to_have_count(0)
    now = page.request.get(f"{address}/api/version").json()
    page.route("**/api/version", lambda route: route.fulfill(json={**now, "started": "other"}))
    expect(page.locator("#steady")).to_contain_text("started again: load this page again")
