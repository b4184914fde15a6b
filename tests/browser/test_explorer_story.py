"""A person's story from the first look at the events to the labels that follow from what the person said of them."""

import math
import re
from collections.abc import Iterator, Mapping

import pytest
import yaml
from browsing import ABSENT, CHROMIUM, WEBGL, chromium, new_page
from explorer_network import DAYS, Explored
from playwright.sync_api import Browser, Page, expect
from servers import Ui
from servers import served as served_ui

from ris_core.access import read_catalogue, read_labels
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.clustering.champion import read_champion
from ris_core.event_map.event_map_run import make_event_map

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)
REVIEWER = "ada"
REVIEWS = 30
CLASSES = {0: "icequake", 1: "basal slip", 2: "thermal"}
"""What the reviewer calls the events of each cluster."""
TRAINED_MS = 300_000
"""Four jobs, each a process of its own, and the sensor that asks for the next one every 15 s."""


@pytest.fixture(scope="module")
def network(explored: Explored, tmp_path_factory: pytest.TempPathFactory) -> Explored:
    """Two days of the network, all of whose stations were recorded, so that one run labels them."""
    copy = explored.copied_to(tmp_path_factory.mktemp("story"))
    values = yaml.safe_load(copy.config.read_text(encoding="utf-8"))
    values["last_day"] = str(DAYS[1])
    copy.config.write_text(yaml.safe_dump(values), encoding="utf-8")
    days = copy.open()
    update_catalogue(days)
    make_event_map(days)
    return copy


@pytest.fixture(scope="module")
def ui(network: Explored) -> Iterator[Ui]:
    with served_ui(network.config, RIS_DATA=str(network.data)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(WEBGL) as started:
        yield started


def _total(page: Page) -> int:
    """Return how many events pass the filter, by the words of the page."""
    words = page.locator(".filter-total").inner_text()
    found = re.match(r"(?:All )?([\d,]+)", words)
    return int(found[1].replace(",", "")) if found else 0


def _brush_the_first_day(page: Page) -> None:
    plot = page.locator(".timeline-plot .u-over")
    expect(plot).to_be_visible()
    page.wait_for_load_state("networkidle")  # live time is read in the background, then the chart is drawn again
    page.locator(".timeline-plot").evaluate("each => each.scrollIntoView({ block: 'center' })")
    box = plot.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.45, middle, steps=4)
    page.mouse.up()


def _lasso_the_left(page: Page) -> None:
    page.get_by_role("button", name="Lasso", exact=True).click()
    page.locator(".map-box").evaluate("each => each.scrollIntoView({ block: 'center' })")
    box = page.locator(".map-box").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2
    corners = [
        (x + 0.29 * box["width"] * math.cos(angle / 4), y + 0.48 * box["height"] * math.sin(angle / 4))
        for angle in range(26)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()


def _look(page: Page, events: int) -> str:
    """Choose a day and a cloud of events, and open the first event of the gallery; returns its identifier."""
    expect(page.locator(".filter-total")).to_contain_text(f"All {events} events")
    _brush_the_first_day(page)
    expect(page).to_have_url(re.compile("from="))
    expect(page.locator(".filter-total")).to_contain_text(f"of {events}")
    on_the_day = _total(page)
    assert 0 < on_the_day < events
    _lasso_the_left(page)
    expect(page).to_have_url(re.compile("lasso="))
    expect(page.locator(".filter-total")).not_to_have_text(re.compile(f"^{on_the_day} "))
    chosen = _total(page)
    assert 0 < chosen < on_the_day
    pictures = page.locator(".gallery-option")
    expect(pictures).to_have_count(min(60, chosen))
    pictures.first.click()
    expect(page).to_have_url(re.compile("event="))
    expect(page.locator(".event-name")).to_have_text(re.compile(r"^XX\."))
    return page.locator(".event-name").inner_text()


def _hear_and_find_its_like(page: Page) -> None:
    with page.expect_response(re.compile(r"sound\.wav")) as sound:
        page.get_by_role("button", name="Listen").click()
    assert sound.value.ok
    assert sound.value.headers["content-type"].startswith("audio/")
    page.get_by_role("button", name="More like this").click()
    expect(page.locator(".event-like")).to_have_count(12)


def _mark_as_noise(page: Page) -> None:
    panel = page.locator(".panel-event")
    panel.get_by_label("Class to assign").fill("noise")
    panel.get_by_role("button", name="Assign").click()
    page.get_by_label(re.compile("^Your name")).fill(REVIEWER)
    page.get_by_role("button", name="Review under this name").click()
    expect(page.locator("#said")).to_contain_text("written")


def _review_by_key(page: Page, classes: Mapping[str, str]) -> None:
    """Say of the event that is shown what it is, by the key of the class, and wait for the next one."""
    shown = page.locator(".review-about strong")
    expect(shown).to_be_visible()
    name = shown.inner_text()
    page.keyboard.press(page.locator(f'.review-classes button[data-class="{classes[name]}"] kbd').inner_text())
    expect(shown).not_to_have_text(name)


def _train_again(page: Page) -> None:
    button = page.get_by_role("button", name="Retrain", exact=True)
    expect(button).to_be_enabled(timeout=TRAINED_MS)
    button.click()
    panel = page.locator(".review-retraining")
    # Map of events and queue follow, which nothing here waits for.
    expect(panel).to_contain_text("bring the catalogue up to date: done", timeout=TRAINED_MS)


def _compare(page: Page, events: int) -> None:
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_label("Model before", exact=True)).to_have_value(re.compile("spectra-gmm"))
    expect(page.get_by_label("Model after", exact=True)).to_have_value(re.compile("reviewed"))
    page.get_by_role("button", name="Label the events").click()
    # Day and lasso still choose events.
    page.get_by_role("button", name="Clear the filter").click(timeout=TRAINED_MS)
    total = page.locator(".comparison-total")
    expect(total).to_contain_text(f"of {events} changed class")
    expect(page.locator(".comparison-cross thead")).to_contain_text("noise")


def test_from_a_first_look_to_labels_that_carry_reviewed_classes(
    browser: Browser, explored: Explored, network: Explored, ui: Ui
) -> None:
    days = network.open()
    before, events = read_champion(days.layout), len(read_catalogue(days))
    clusters = read_catalogue(explored.open()).set_index("event_id")["label"]  # the queue has events of all days
    classes = {str(name): CLASSES[int(label)] for name, label in clusters.items()}
    with new_page(browser, "test_explorer_story") as page:
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(ui.explorer)
        marked = _look(page, events)
        _hear_and_find_its_like(page)
        _mark_as_noise(page)
        page.get_by_role("link", name="Review").click()
        for _ in range(REVIEWS):
            _review_by_key(page, classes)
        mine = network.explorer().state.all_words().query("reviewer == @REVIEWER").set_index("event_id")
        assert len(mine) == REVIEWS + 1
        assert mine.loc[marked, "class_name"] == "noise"

        _train_again(page)
        now = read_champion(days.layout)
        assert now.reviewed
        assert now.companion is not None and now.companion.model_version == before.model_version
        words = network.explorer().state.reviewed().set_index("event_id")["class_name"]
        labels = read_labels(days).set_index("event_id")
        words = words[words.index.isin(labels.index)]
        assert {"noise", "icequake", "thermal"} <= set(words)
        assert (labels.loc[words.index, "reviewed"] == words).all()

        _compare(page, events)
        assert troubles == []
