"""What the site needs beside mkdocs.yml: headings and lists as on GitHub, and pages that lie beside the folder docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parents[1]
BESIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "SECURITY.md": "reporting.md",
    "README.md": "index.md",
}
"""Pages of the project's root, and where they are on the site. The site has its own first page."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ITEM = re.compile(r"^(\s*)([-*]|\d+\.) ")


def slug(text: str, separator: str) -> str:
    """Return the anchor of a heading as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings the anchors that they have on GitHub."""
    config.mdx_configs["toc"]["slugify"] = slug
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie in the project's root."""
    for name, place in BESIDE.items():
        if place != "index.md":
            text = (PROJECT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, place, content=text.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Translate from GitHub's Markdown: links out of the folder, and lists without an empty line before them."""
    folder = PROJECT if page.file.src_uri in BESIDE.values() and page.file.src_uri != "index.md" else PROJECT / "docs"
    return "\n".join(_translated(markdown.splitlines(), folder)) + "\n"


def _translated(lines: list[str], folder: Path) -> Iterator[str]:
    fenced, before = False, ""
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _ITEM.match(line) and before.strip() and not re.match(r" |[-*] |\d+\. ", before):
            yield ""
        said = line if fenced else _LINK.sub(lambda found: _link(found, folder), line)
        if not fenced and (item := _ITEM.match(line)) is not None:
            # GitHub asks for as many blanks as the item above has in front of its text, Python's Markdown for 4.
            said = " " * (4 * -(-len(item[1]) // 4)) + said[len(item[1]) :]
        yield said
        before = line


def _link(found: re.Match[str], folder: Path) -> str:
    picture, text, target, anchor = found[1], found[2], found[3], found[4] or ""
    if picture or re.match(r"\w+:", target):
        return found[0]
    name = target.removeprefix("../")
    if name in BESIDE:
        return f"[{text}]({BESIDE[name]}{anchor})"
    if target == name and (folder / "docs" / name if folder == PROJECT else folder / name).suffix == ".md":
        return found[0]
    # A file of the repository has no page: its path is said.
    return text if name in text else f"{text} (`{name}`)"
