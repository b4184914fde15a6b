"""Chromium, and the dialogs of the Dagster UI."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
ABSENT = f"{CHROMIUM} is not installed (apt-get install chromium)"
SCREENSHOTS = Path(__file__).parent / "screenshots"
WAIT_MS = 60_000
RUN_MS = 300_000
"""A run waits in the queue, starts, and works; on a busy machine it takes its time."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)


WEBGL = "--enable-unsafe-swiftshader"
"""Argument with which Chromium draws WebGL without a graphics card."""


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS, *more])
        yield started
        started.close()


@contextmanager
def new_page(browser: Browser, name: str) -> Iterator[Page]:
    """Give a page of a fresh profile; what it shows in the end is kept as a screenshot."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    shown = context.new_page()
    yield shown
    SCREENSHOTS.mkdir(exist_ok=True)
    shown.screenshot(path=SCREENSHOTS / f"{name.removeprefix('test_')}.png")
    context.close()


def materialize(page: Page, address: str) -> Locator:
    """Open an asset or a group and its dialog of runs; returns the dialog."""
    page.goto(address)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs to materialize")
    expect(dialog).to_be_visible()
    return dialog


def choose(page: Page, dialog: Locator, partition: str) -> None:
    """Choose one partition of those that are not days."""
    dialog.get_by_text("Select a partition or create one").click()
    page.get_by_role("menuitem").filter(has_text=partition).click()
    page.keyboard.press("Escape")


def configure(page: Page, dialog: Locator, config: str) -> None:
    """Type a run configuration into the dialog's editor and save it."""
    dialog.get_by_text("Config", exact=True).click()
    dialog.get_by_role("button", name="Add config").click()
    type_config(page, config)
    page.get_by_role("button", name="Save config").click()


def type_config(page: Page, config: str) -> None:
    """Type a run configuration into the editor that is open."""
    page.locator(".CodeMirror").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(config)
    expect(page.get_by_text("No errors")).to_be_visible()


def launch(page: Page, dialog: Locator) -> None:
    """Press the button of a dialog that launches, also where it asks whether upstream assets may be missing."""
    # A page that is left before the server has the request takes it along.
    with page.expect_response(lambda answer: "mutation Launch" in (answer.request.post_data or "")):
        dialog.get_by_role("button", name=re.compile("^Launch")).click()
    expect(dialog).to_have_count(0)


def leave_until(page: Page, done: Callable[[], bool]) -> None:
    """Wait for a run on an empty page: a page of Dagster asks for news every 2 s, and draws them."""
    page.goto("about:blank")
    deadline = time.monotonic() + RUN_MS / 1000
    while not done():
        assert time.monotonic() < deadline, "the run did not end in time"
        time.sleep(0.5)


def see_materialized(page: Page, address: str, partitions: int) -> None:
    """Open a partitions tab, in which so many are materialized."""
    page.goto(address)
    expect(page.get_by_text(f"Materialized ({partitions})")).to_be_visible()
