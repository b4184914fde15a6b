from collections.abc import Iterator

import pytest
from browsing import chromium, new_page
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    with new_page(browser, request.node.name) as shown:
        yield shown


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A page of the explorer, in whose console no error may appear."""
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 800})
    yield page
    assert not troubles, troubles
