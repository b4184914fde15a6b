"""The pages for readers: links lead to files and headings that exist, named files exist, quoted code is theirs."""

import re
import tomllib
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cffconvert import Citation

from bench.small_pictures import MOST_BYTES
from ris_core.attributes.columns import IN_WINDOW, POLARISATION

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PACKAGES = ("ris_core", "ris_dagster", "ris_explorer", "bench", "tests", "config", "deploy", "docs")
NOT_OURS = {"automation_tick_evaluation_context.py"}
"""Files of Dagster that a page names."""


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them; headings of a page differ."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.append(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    assert len(found) == len(set(found)), f"{page.name}: two headings have the same text"
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_other_sites_are_well_formed(page: Path) -> None:
    found = re.findall(r"\]\((\w+:[^)]*)\)|<(https?:[^>]*)>", prose(page))
    assert [link for link in map("".join, found) if not well_formed(link)] == []


def well_formed(link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme == "mailto":
        return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", parts.path) is not None
    host = re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}|127\.0\.0\.1|localhost", parts.hostname or "")
    return parts.scheme in ("https", "http") and host is not None and re.fullmatch(r"[!-~]+", link) is not None


def test_a_malformed_link_is_found() -> None:
    assert well_formed("https://doi.org/10.1029/2021JB021716") and well_formed("http://127.0.0.1:8050")
    wrong = ("https//a.org", "https://a b.org", "htps://a.org", "https://", "https://a.org/x y", "mailto:nobody")
    assert not any(map(well_formed, wrong))


def test_the_pages_and_headings_that_the_code_names_exist() -> None:
    named = {
        found
        for package in ("ris_core", "ris_dagster", "ris_explorer", "bench", "config", "deploy", "docs")
        for file in (ROOT / package).rglob("*")
        if file.suffix in (".py", ".js", ".html", ".yaml", ".yml") and "vendor" not in file.parts
        for found in re.findall(r"\bdocs/(\w+\.md)(?:#([\w-]+))?", file.read_text(encoding="utf-8"))
    }
    assert ("method.md", "") in named
    pages = {page.name: page for page in PAGES if page.parent.name == "docs"}
    assert [
        name for name, anchor in sorted(named) if name not in pages or (anchor and anchor not in anchors(pages[name]))
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_modules_that_a_page_names_exist(page: Path) -> None:
    files = [file.as_posix() for file in chain(*((ROOT / package).rglob("*.py") for package in PACKAGES))]
    named = set(re.findall(r"`([\w/]+\.py)`", prose(page))) - NOT_OURS
    assert [name for name in sorted(named) if not any(file.endswith(f"/{name}") for file in files)] == []


def test_code_that_a_page_quotes_is_in_the_file() -> None:
    quoted = [
        (page.name, file, code)
        for page in PAGES
        for file, code in re.findall(
            r"^<!-- ([\w/]+\.py) -->\n```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    ]
    assert len([page for page, _, _ in quoted if page == "extending.md"]) >= 3
    for page, file, code in quoted:
        assert code in (ROOT / file).read_text(encoding="utf-8"), f"{page}: {file} has changed; quote it again"


def test_the_attributes_of_the_method_are_those_of_the_code() -> None:
    rows = ["| name | unit | what it is | values | source |", "|---|---|---|---|---|"]
    rows += [
        f"| `{a.name}` | {a.unit or '–'} | {a.meaning} | {a.range} | {a.source} |" for a in (*IN_WINDOW, *POLARISATION)
    ]
    found = re.search(
        r"^\| name \| unit \| what it is .*?\n\n", (ROOT / "docs/method.md").read_text("utf-8"), re.M | re.S
    )
    wanted = "\n".join(rows)
    assert found is not None and found[0].strip() == wanted, f"docs/method.md: the table of attributes is\n{wanted}"


def test_the_citation_is_valid() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    Citation(text).validate()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert yaml.safe_load(text)["version"] == project["version"]


def test_every_page_has_a_place_on_the_site() -> None:
    placed = set(re.findall(r"^ +- .*: (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert {page.name for page in ROOT.glob("docs/*.md")} <= placed


def test_pictures_are_small_and_each_is_shown() -> None:
    pictures = list(ROOT.glob("docs/images/**/*.png"))
    sizes = {path.name: path.stat().st_size for path in pictures}
    assert {name: size for name, size in sizes.items() if size >= MOST_BYTES} == {}
    assert sum(sizes[path.name] for path in pictures if path.parent.name == "gallery") < 2_000_000
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    names = [path.relative_to(ROOT / "docs").as_posix() for path in pictures]
    assert [name for name in names if f"{name})" not in shown] == []
