"""The explorer's page in Chromium: seconds until its map is drawn, and until a filter is shown."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"]
_WAIT_MS = 120_000


def first_views(address: str) -> dict[str, float]:
    """Return the seconds of the first view, of a filter and of a gallery page, as a person sees them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(_WAIT_MS)
        page.goto("about:blank")
        found = {"first_view_s": _opened(page, address)}
        begun = time.perf_counter()
        before = page.locator(".filter-total").inner_text()
        page.goto(f"{address}/?hours=20-23")
        page.wait_for_function(
            "before => { const it = document.querySelector('.filter-total'); return it && it.innerText && "
            "it.innerText !== before && /\\d/.test(it.innerText); }",
            arg=before,
        )
        found["page_with_filter_s"] = time.perf_counter() - begun
        browser.close()
    return found


def _opened(page: Page, address: str) -> float:
    begun = time.perf_counter()
    page.goto(address)
    page.locator(".map-words p").first.wait_for(state="visible")
    page.locator(".map-entry").first.wait_for(state="visible")
    return time.perf_counter() - begun
