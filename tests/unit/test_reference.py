"""The pages of the reference are made from the code, and commands that pages show can be given."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from ris_core.config import load_settings
from ris_core.config.settings_reference import Key, settings_groups, settings_reference
from ris_core.contracts.metric_names import metrics_reference, undescribed
from ris_dagster.analysis_jobs import GROUP
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.cli import app
from ris_dagster.commands.command_reference import command_reference, command_tree
from ris_dagster.method_runs import all_jobs

ROOT = Path(__file__).parents[2]
# The changelog speaks of former commands, and the page of the commands is made from them.
PAGES = [
    one for one in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if one.name not in ("CHANGELOG.md", "commands.md")
]
TREE = command_tree(app)
OF_AN_EXAMPLE = "noise"
"""The job of the stage that docs/extending.md adds."""


@pytest.fixture(scope="module")
def keys() -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for group in settings_groups(plugins=False):
        for key in group.keys:
            found.setdefault(key.path, []).append(key)
    return found


@pytest.mark.parametrize("page", ["settings", "commands", "metrics"])
def test_pages_of_the_reference_are_current(page: str) -> None:
    made = {
        "settings": lambda: settings_reference(plugins=False),
        "commands": lambda: command_reference(app),
        "metrics": metrics_reference,
    }
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert text == made[page](), f"run: ris reference {page} --output docs/{page}.md"


def test_every_key_has_type_and_meaning(keys: dict[str, list[Key]]) -> None:
    all_keys = [key for several in keys.values() for key in several]
    assert [key.path for key in all_keys if not key.meaning or not key.values] == []
    assert len(all_keys) > 300


def test_keys_have_unit_bounds_default_and_what_presets_say(keys: dict[str, list[Key]]) -> None:
    (rate,) = keys["conditioning.sampling_rate"]
    assert (rate.values, rate.unit, rate.default) == ("number, > 0", "Hz", "50")
    assert dict(rate.elsewhere) == {"icequakes_1000hz": "500 Hz", "regional": "50 Hz", "volcano": "100 Hz"}
    assert keys["aec.grid.batch_size"][0].elsewhere[0] == ("recommended", "[32]")
    assert keys["network.code"][0].default == "required"
    assert {key.default for key in keys["detector.method"]} == {"recursive", "classic", "delayed", "z_detect", "carl"}
    assert keys["last_day"][0].values == "date or none"


def test_a_metric_is_described_or_named_as_not() -> None:
    assert undescribed(["size_3", "best_val_mse", "gap_box_margin", "system/cpu", "silhouette"]) == set()
    assert undescribed(["size_", "silhouettes"]) == {"size_", "silhouettes"}


def shown(page: Path) -> list[str]:
    """Return the commands of `ris` that a page shows, in blocks and in lines."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    shell = [block for language, block in blocks if language in ("", "console", "sh", "bash")]
    lines = [line.strip() for block in shell for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    found = [re.sub(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(?=ris )", "", line) for line in lines]
    return [one for one in [*found, *re.findall(r"`(?:\.venv/bin/)?(ris [^`]+)`", prose)] if one.startswith("ris ")]


def wrong(line: str) -> str:
    """Return what cannot be given of a command; empty if all can."""
    words = shlex.split(re.split(r"\s[&|;>]", line)[0], comments=True)
    called = "ris"
    while len(words) > 1 and f"{called} {words[1]}" in TREE:
        called += f" {words.pop(1)}"
    command = TREE[called]
    if called == "ris" and words[1:] and not words[1].startswith("-") and words[1] not in ("COMMAND", "…"):
        return f"no command {words[1]}"
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for place, word in enumerate(words[1:], 1):
        if not word.startswith("-") or word == "--help":
            continue
        name, given, value = word.partition("=")
        if name not in options:
            return f"{called} has no option {name}"
        value = value if given else (words[place + 1 : place + 2] or [""])[0]
        if name in ("--only", "--without") and not known_job(value):
            return f"{name} {value}: no such job"
    return ""


@cache
def jobs() -> tuple[str, ...]:
    return (*all_jobs(load_settings(ROOT / "config" / "demo.yaml"), BINDINGS, reviewed=True), GROUP)


def known_job(name: str) -> bool:
    return name in (*jobs(), "…", "JOB", OF_AN_EXAMPLE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_shows_exist_with_their_options(page: Path) -> None:
    assert [(line, why) for line in shown(page) if (why := wrong(line))] == []


def test_a_wrong_command_on_a_page_is_found() -> None:
    assert wrong("ris rum") and wrong("ris run --onyl x") and wrong("ris run --only nothing")
    assert wrong(".venv/bin/ris run --only update_catalogue # all") == wrong("ris run --only update_catalogue") == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_that_a_page_shows_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^ *|`)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)) - targets == set()


def test_the_addresses_of_the_readme_are_those_of_ris_ui() -> None:
    ports = {str(one.default) for one in TREE["ris ui"].params if one.name.endswith("port")}
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", (ROOT / "README.md").read_text(encoding="utf-8"))) == ports
