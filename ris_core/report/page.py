"""The page of the report: one file without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from ris_core.report.html_elements import Html, text
from ris_core.report.page_style import STYLE
from ris_core.report.report_part import MadePart

# Nothing may be loaded: pictures are in the page, and there are no scripts.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(title: str, lead: str, cautions: Sequence[str], parts: Sequence[MadePart], foot: str) -> Html:
    """Return the whole page.

    Parameters
    ----------
    title, lead
        Its heading, and the line below it.
    cautions
        What a reader must know before anything else.
    parts
        Its parts; those that are absent say so.
    foot
        Its last line.
    """
    warned = "".join(f'<p class="absent">{text(one)}</p>' for one in cautions)
    contents = "".join(_entry(one) for one in parts)
    sections = "\n".join(_section(one) for one in parts)
    return Html(
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n"
        f'<header><h1>{text(title)}</h1><p class="lead">{text(lead)}</p>{warned}</header>\n'
        f"<nav><ul>{contents}</ul></nav>\n<main>\n{sections}\n</main>\n"
        f'<footer><p class="note">{text(foot)}</p></footer>\n</body></html>\n'
    )


def _entry(one: MadePart) -> str:
    missing = ' <span class="missing">(not there)</span>' if one.absent else ""
    return f'<li><a href="#{text(one.part.name)}">{text(one.part.title)}</a>{missing}</li>'


def _section(one: MadePart) -> str:
    body: str = one.html
    if one.absent:
        command = f" The command <code>{text(one.command)}</code> makes it." if one.command else ""
        body = f'<p class="absent">Not there: {text(one.absent)}.{command}</p>'
    return f'<section id="{text(one.part.name)}"><h2>{text(one.part.title)}</h2>\n{body}\n</section>'
