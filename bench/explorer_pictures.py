"""Pictures of the explorer for the documentation, taken from a running one in Chromium.

Run ``python -m bench.explorer_pictures http://127.0.0.1:8050 --into docs/images`` beside an explorer of the demo
(``make demo``, then ``ris explore --config config/demo.yaml``). Look at them before they are committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.small_pictures import small

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 1280, 800
_WAIT_MS = 180_000
_STEADY_MS = 1500
_REVIEWER = "ada"


def take(address: str, into: Path, names: list[str]) -> list[Path]:
    """Take pictures of an explorer and return their paths.

    Parameters
    ----------
    address
        Of the explorer, like ``http://127.0.0.1:8050``.
    into
        The folder that gets ``explorer_NAME.png``.
    names
        Of `PICTURES`.
    """
    made = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        for name in names:
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            context.set_default_timeout(_WAIT_MS)
            context.add_init_script(f"localStorage.setItem('ris-explorer-reviewer', {_REVIEWER!r})")
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(".filter-total")
            PICTURES[name](page, address)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(_STEADY_MS)
            path = into / f"explorer_{name}.png"
            path.write_bytes(small(page.screenshot()))
            made.append(path)
            context.close()
        browser.close()
    return made


def _events(page: Page, address: str) -> None:
    page.wait_for_selector(".map-entry")
    page.locator(".gallery-option").first.click()
    page.wait_for_selector(".event-spectrogram")
    page.locator(".middle").evaluate("each => { each.scrollTop = 0; }")


def _map(page: Page, address: str) -> None:
    page.goto(f"{address}/?class=1&colour=station")
    page.wait_for_selector(".map-entry")
    page.locator(".panel-map").scroll_into_view_if_needed()


def _timeline(page: Page, address: str) -> None:
    page.goto(f"{address}/?measure=rates&tab=calendar")
    page.wait_for_selector(".timeline-plot canvas")
    page.locator(".panel-timeline").evaluate("each => each.scrollIntoView()")


def _stations(page: Page, address: str) -> None:
    page.goto(f"{address}/?tab=stations")
    page.locator(".panel-more").evaluate("each => each.scrollIntoView()")


def _gallery(page: Page, address: str) -> None:
    page.goto(f"{address}/?sort=-novelty")
    page.locator(".gallery-option").nth(7).wait_for()
    page.locator(".panel-more").evaluate("each => each.scrollIntoView()")


def _classes(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=classes")
    page.wait_for_selector(".page-classes table")


def _review(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=review")
    page.wait_for_selector(".review-about strong")


def _models(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=comparison")
    page.wait_for_selector(".comparison-total, .comparison-label")
    if page.locator(".comparison-label").count():
        page.locator(".comparison-label").click()
    page.wait_for_selector(".comparison-total")


PICTURES: dict[str, Callable[[Page, str], None]] = {
    "events": _events,
    "map": _map,
    "timeline": _timeline,
    "stations": _stations,
    "gallery": _gallery,
    "classes": _classes,
    "review": _review,
    "models": _models,
}
"""What each picture shows, by name: a function that brings a page there."""


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.explorer_pictures", allow_abbrev=False)
    parser.add_argument("address", help="of a running explorer")
    parser.add_argument("--into", type=Path, default=Path("docs/images"), help="folder of the pictures")
    parser.add_argument("--only", choices=list(PICTURES), nargs="+", default=list(PICTURES))
    asked = parser.parse_args()
    for path in take(asked.address.rstrip("/"), asked.into, asked.only):
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
