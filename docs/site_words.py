"""Links the first use of a hard word on a page to the glossary, and shows the entry when one points at it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.plugins import get_plugin_logger

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

logger = get_plugin_logger(__name__)
GLOSSARY = "glossary.md"
WORDS = {
    "AEC": ("AEC",),
    "ARI": ("ARI",),
    "Audit": ("audit", "audits", "Audits"),
    "Champion": ("champion", "Champion"),
    "Class model": ("class model", "class models"),
    "Completeness": ("completeness", "Completeness"),
    "Conformal set": ("conformal set", "conformal sets"),
    "Consensus": ("consensus",),
    "DEC": ("DEC",),
    "K": ("K",),
    "Kappa": ("κ", "kappa"),
    "Latent": ("latent", "latents", "Latents"),
    "Live time": ("live time", "Live time"),
    "Medoid": ("medoid", "medoids"),
    "Membership": ("membership", "memberships"),
    "Micro-cluster": ("micro-cluster", "micro-clusters"),
    "NMI": ("NMI",),
    "Novelty": ("novelty", "Novelty"),
    "PSD": ("PSD",),
    "SDS": ("SDS",),
    "Silhouette": ("silhouette", "silhouettes"),
    "STA/LTA": ("STA/LTA",),
    "Station-day": ("station-day", "station-days", "Station-days"),
    "Training set": ("training set", "training sets"),
}
"""Headings of the glossary that are linked, and the forms in which pages use them."""
_HEADED = re.compile(r"^## (.+)\n(.+)$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_SEE = re.compile(r"(?:(?<=\.) \[[^\]]*\]\([^)]*\)\.)+$")
"""Where the page says more: at the end of an entry."""
_SPOKEN = re.compile(r'<(?P<end>/?)(?:a|h[1-6])\b[^>]*>|<abbr title="(?P<says>[^"]*)">(?P<word>[^<]*)</abbr>')
_OF_FORM = {form: heading for heading, forms in WORDS.items() for form in forms}
_said: dict[str, str] = {}


def entries(glossary: str) -> dict[str, str]:
    """Return what the glossary says of each heading, as plain text."""
    return {
        name: re.sub(r"[*`]", "", _LINK.sub(r"\1", _SEE.sub("", text))).strip()
        for name, text in _HEADED.findall(glossary)
    }


def on_config(config: MkDocsConfig) -> None:
    """Read the glossary; a word that it lacks is a warning."""
    _said.clear()
    _said.update(entries((Path(config.docs_dir) / GLOSSARY).read_text(encoding="utf-8")))
    for heading in WORDS.keys() - _said.keys():
        logger.warning("%s has no heading %s", GLOSSARY, heading)


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Add the words as abbreviations, so that Markdown finds them in text and not in code."""
    if page.file.src_uri == GLOSSARY:
        return markdown
    return "\n".join([markdown, "", *(f"*[{form}]: {_said.get(name, '')}" for form, name in _OF_FORM.items()), ""])


def on_page_content(content: str, page: Page, **_: object) -> str:
    """Make a link of the first use of each word, and plain text of all others and of those in links and headings."""
    return _SPOKEN.sub(_first_uses(), content)


def _first_uses() -> Callable[[re.Match[str]], str]:
    inside, used = 0, set[str]()

    def replaced(found: re.Match[str]) -> str:
        nonlocal inside
        word = found["word"]
        if word is None:
            inside += -1 if found["end"] else 1
            return found[0]
        heading = _OF_FORM[html.unescape(word)]
        if inside or heading in used:
            return word
        used.add(heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        return f'<a class="glossary" href="glossary.html#{anchor}" title="{found["says"]}">{word}</a>'

    return replaced
