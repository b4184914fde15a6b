"""Pieces of a page in HTML. Text becomes HTML only here, and is escaped."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NewType

import numpy as np
import pandas as pd

from ris_core.figures.image import to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Html = NewType("Html", str)
"""Text that is HTML; everything else is escaped before it becomes so."""
MOST_ROWS = 60
"""Rows of a table at most: the rest is in the tables on disk."""


def text(value: object) -> Html:
    """Return a value as escaped text: numbers with four digits, times by the second, nothing for none and NaN."""
    return Html(html.escape(_words(value)))


def _words(value: object) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}".replace("-", "−")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def paragraph(value: object) -> Html:
    """Return a paragraph of escaped text."""
    return Html(f"<p>{text(value)}</p>")


def note(value: object) -> Html:
    """Return a paragraph of escaped text in small letters, below a table or a picture."""
    return Html(f'<p class="note">{text(value)}</p>')


def heading(value: object) -> Html:
    """Return a heading within a part."""
    return Html(f"<h3>{text(value)}</h3>")


def items(values: Iterable[object]) -> Html:
    """Return a list; nothing if it is empty."""
    lines = "".join(f"<li>{text(value)}</li>" for value in values)
    return Html(f"<ul>{lines}</ul>" if lines else "")


def pairs(values: Mapping[str, object]) -> Html:
    """Return names with their values, one a line."""
    rows = "".join(
        f"<tr><th scope='row'>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in values.items()
    )
    return Html(f'<table class="pairs"><tbody>{rows}</tbody></table>')


def table(frame: pd.DataFrame, titles: Mapping[str, str] | None = None, most: int = MOST_ROWS) -> Html:
    """Return a table, with a note of the rows that are left out.

    Parameters
    ----------
    frame
        Its columns, in their order.
    titles
        Headings of columns, with units; by default the names.
    most
        Number of rows at most.
    """
    named = [(titles or {}).get(str(name), str(name)) for name in frame.columns]
    head = "".join(f"<th scope='col'>{text(name)}</th>" for name in named)
    numbers = [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in frame.dtypes]
    rows = []
    for values in frame.head(most).itertuples(index=False):
        cells = zip(values, numbers, strict=True)
        rows.append("".join(f"<td{' class=n' if number else ''}>{text(value)}</td>" for value, number in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    left_out = len(frame) - most
    said = note(f"{left_out:,} more rows are in the table on disk.") if left_out > 0 else ""
    return Html(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{said}')


def picture(fig: Figure | bytes, alternative: str, caption: str = "") -> Html:
    """Return a picture within the page.

    Parameters
    ----------
    fig
        A figure, or a PNG.
    alternative
        What it shows, for readers who do not see it.
    caption
        Text below it.
    """
    png = fig if isinstance(fig, bytes) else to_png(fig, dpi=110)
    data = base64.b64encode(png).decode()
    below = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    image = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alternative, quote=True)}">'
    return Html(f"<figure>{image}{below}</figure>")


def together(parts: Sequence[Html]) -> Html:
    """Return pieces one after another."""
    return Html("\n".join(parts))
