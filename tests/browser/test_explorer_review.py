"""Reviewing in Chromium: keys, taking back, a new class, classes and their decisions, and what is text stays text."""

import re
from collections.abc import Iterator

import pytest
from browsing import ABSENT, CHROMIUM, WEBGL, chromium
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_explorer.explorer import Explorer

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(WEBGL) as started:
        yield started


def is_trouble(message: ConsoleMessage) -> bool:
    """Return whether the console has an error; that the server refuses something with a sentence is none."""
    return message.type == "error" and "status of 400" not in message.text


@pytest.fixture
def trouble(page: Page) -> list[str]:
    """What the page's console says of errors."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if is_trouble(message) else None)
    return said


def open_page(page: Page, address: str, view: str, name: str = "Dora") -> None:
    page.goto(f"{address}/?view={view}")
    if view == "review":
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Enter")


def shown(page: Page) -> str:
    """Return the event that is shown, once it is there."""
    expect(page.locator(".review-about strong")).to_be_visible()
    return page.locator(".review-about strong").inner_text()


def press(page: Page, key: str) -> str:
    """Press a key that decides or goes on; returns the event that was shown before, once another one is."""
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator(".review-about strong")).not_to_have_text(before)
    return before


def log_of(explorer: Explorer) -> tuple[Decision, ...]:
    return ReviewLog(explorer.network.layout.reviews).read().decisions


def test_five_events_are_reviewed_by_keys_one_is_taken_back_one_is_a_new_class(
    page: Page, explorer: Explorer, explorer_address: str, trouble: list[str]
) -> None:
    before = len(log_of(explorer))
    open_page(page, explorer_address, "review", "simulated-me")
    expect(page.locator("dialog .trouble")).to_contain_text("kept for simulated")
    page.get_by_label("Your name").fill("Dora")
    page.keyboard.press("Enter")
    expect(page.locator(".review-picture canvas").first).to_be_visible()
    expect(page.locator(".review-near")).to_contain_text("Resembles most")
    keys = {"1": "basal slip", "x": "noise", "X": "not an event", "u": "unsure", "2": "icequake"}
    page.get_by_label("Note to the next decision").fill("clear")
    page.keyboard.press("Enter")
    events = [press(page, key) for key in keys]
    written = log_of(explorer)[before:]
    assert [(decision.event_ids, decision.class_name) for decision in written] == [
        ((event,), name) for event, name in zip(events, keys.values(), strict=True)
    ]
    assert {decision.reviewer for decision in written} == {"Dora"}
    assert [decision.note for decision in written] == ["clear", "", "", "", ""]
    assert not any(decision.bulk for decision in written)
    last = press(page, "z")
    assert shown(page) == events[-1] != last
    assert log_of(explorer)[-1].withdrawn == (written[-1].id,)
    page.keyboard.press("n")
    page.get_by_label("Class:").fill("tremmor")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("There is “tremor” already")
    page.get_by_role("button", name="Make this class").click()
    expect(page.locator(".review-about strong")).not_to_have_text(events[-1])
    assert (log_of(explorer)[-1].event_ids, log_of(explorer)[-1].class_name) == ((events[-1],), "tremmor")
    skipped = press(page, " ")
    page.keyboard.press("b")
    expect(page.locator(".review-about strong")).to_have_text(skipped)
    expect(page.locator(".review-progress")).to_contain_text("You: 5 events, 5 of them today")
    expect(page.locator(".review-log")).to_contain_text("all of one <i>swarm</i>")
    expect(page.locator(".review-log i")).to_have_count(0)
    assert trouble == []


def test_second_opinions_are_blind_and_agreement_is_shown(
    page: Page, explorer: Explorer, explorer_address: str, trouble: list[str]
) -> None:
    open_page(page, explorer_address, "review", "carla")
    shown(page)
    page.get_by_label("second opinions").check()
    expect(page.locator(".review-about")).to_contain_text("What a model or others say of it is not shown")
    expect(page.locator(".review-near")).to_be_empty()
    event = press(page, "x")
    assert (log_of(explorer)[-1].reason, log_of(explorer)[-1].event_ids) == ("second", (event,))
    assert explorer.state.words[event].keys() > {"carla"}
    expect(page.locator(".review-progress")).to_contain_text("carla")
    assert trouble == []


def test_retraining_without_a_daemon_says_the_command(page: Page, explorer_address: str) -> None:
    open_page(page, explorer_address, "review")
    expect(page.get_by_role("button", name="Retrain")).to_be_disabled()
    expect(page.locator(".review-retraining code")).to_contain_text("--only train_class_model")


def test_a_class_is_renamed_and_the_rename_withdrawn(
    page: Page, explorer: Explorer, explorer_address: str, trouble: list[str]
) -> None:
    open_page(page, explorer_address, "classes")
    row = page.locator("tr[data-class='1']")
    expect(row.locator("th")).to_contain_text("basal <b>slip</b>")
    expect(row.locator("b")).to_have_count(0)
    expect(row.locator("img")).to_have_count(8)
    page.get_by_role("button", name="Rename: thermal").click()
    page.get_by_label("New name").fill("thermal crack")
    page.keyboard.press("Enter")
    page.get_by_label("Your name").fill("Dora")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"thermal is called thermal crack.*4 changed", re.S))
    page.get_by_role("button", name="Write it").click()
    expect(page.locator("[data-reviewed='thermal crack']")).to_be_visible()
    assert "thermal" not in explorer.state.classes
    page.get_by_role("button", name="Withdraw: thermal is called thermal crack").click()
    expect(page.locator("[data-reviewed='thermal crack']")).to_have_count(0)
    assert "thermal" in explorer.state.classes
    assert [decision.kind for decision in log_of(explorer)[-2:]] == ["rename", "withdraw"]
    assert trouble == []


def test_a_cluster_is_named_by_a_group_of_its_typical_events(
    page: Page, explorer: Explorer, explorer_address: str
) -> None:
    open_page(page, explorer_address, "classes")
    page.get_by_role("button", name="Name it: 1 basal <b>slip</b>").click()
    expect(page.get_by_role("dialog")).to_contain_text("champion.names")
    page.get_by_label("What they are").fill("basal slip")
    page.keyboard.press("Enter")
    page.get_by_label("Your name").fill("Dora")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Write it").click()
    expect(page.locator("#said")).to_contain_text("100 events: basal slip: written")
    last = log_of(explorer)[-1]
    assert (last.bulk, len(last.event_ids), last.class_name) == (True, 100, "basal slip")
