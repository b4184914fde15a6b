"""A picture drawn directly into palette indices, for pictures of which there are tens of thousands.

To draw the same content with matplotlib and reduce it to a palette takes some 0.3 s and 300 kB of pixels; this module
needs a few hundredths of that.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GREYS = 10
"""Number of greys, from black to white, at the start of the palette, for text with smooth edges."""
WHITE = GREYS - 1
BLACK = 0

Mask = NDArray[np.uint8]


class Raster:
    """A picture of few colours.

    Parameters
    ----------
    width, height : int
        Pixels.
    colours : sequence of str
        Colours such as ``#0072B2``; the first one has the index `GREYS`, the next one follows.
    """

    def __init__(self, width: int, height: int, colours: Sequence[str]) -> None:
        if GREYS + len(colours) > 256:
            raise ValueError(f"{len(colours)} colours; a palette can hold {256 - GREYS} besides the greys")
        self.pixels: NDArray[np.uint8] = np.full((height, width), WHITE, np.uint8)
        self._palette = [round(255 * i / WHITE) for i in range(GREYS) for _ in range(3)]
        for colour in colours:
            self._palette.extend(bytes.fromhex(colour.removeprefix("#")))

    def fill(self, left: float, top: float, right: float, bottom: float, index: int) -> None:
        """Fill a rectangle without its right and lower edge, at least one pixel wide and high."""
        x, y = max(round(left), 0), max(round(top), 0)
        self.pixels[y : max(round(bottom), y + 1), x : max(round(right), x + 1)] = index

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 11,
        *,
        align: Literal["left", "centre", "right"] = "centre",
        upright: bool = False,
    ) -> None:
        """Write text in black; (x, y) is in the middle of its height, and at its left, centre or right.

        Parameters
        ----------
        x, y : float
            Pixels from the left and upper edge.
        text : str
        size : int
            Height of the letters' em, pixels.
        align : {"left", "centre", "right"}
        upright : bool
            Written from bottom to top, centred at (x, y).
        """
        mask = _mask(text, size)
        share = 0.5 if upright else {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
        if upright:
            mask = mask[:, ::-1].T
        top, left = round(y - mask.shape[0] / 2), round(x - share * mask.shape[1])
        up, before = max(-top, 0), max(-left, 0)
        part = self.pixels[max(top, 0) : top + mask.shape[0], max(left, 0) : left + mask.shape[1]]
        mask = mask[up : up + part.shape[0], before : before + part.shape[1]]
        # On a coloured background only the core of the letters is drawn.
        np.copyto(part, np.minimum(part, mask), where=(part <= WHITE) | (mask < GREYS // 2))

    def frame(self, left: float, top: float, right: float, bottom: float, index: int = BLACK) -> None:
        """Draw the outline of a rectangle, one pixel wide, outside its edges."""
        self.fill(left - 1, top - 1, right + 1, top, index)
        self.fill(left - 1, bottom, right + 1, bottom + 1, index)
        self.fill(left - 1, top - 1, left, bottom + 1, index)
        self.fill(right, top - 1, right + 1, bottom + 1, index)

    def png(self) -> bytes:
        """Return the picture as a PNG; the same picture gives the same bytes."""
        image = Image.fromarray(self.pixels)
        image.putpalette(self._palette)
        entries = len(self._palette) // 3
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", bits=4 if entries <= 16 else 8, compress_level=6)
        return buffer.getvalue()


def text_width(text: str, size: int = 11) -> int:
    """Return the width of a text, pixels."""
    return int(_mask(text, size).shape[1])


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most this many round values within an interval, evenly spaced."""
    if not high > low:
        return [low]
    raw = (high - low) / max(most, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10, 20) if s * power * (most + 1e-9) >= high - low)
    first = np.ceil(low / step - 1e-9)
    return [float(k * step) for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def number_text(value: float) -> str:
    """Return a number as text for an axis, with a true minus sign."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:.6g}"
    return text.replace("-", "−")


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    import matplotlib as mpl

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


@lru_cache(maxsize=512)
def _mask(text: str, size: int) -> Mask:
    """Return the grey indices of a text on white, (height, width); the height depends only on the size."""
    font = _font(size)
    ascent, descent = font.getmetrics()
    width = max(1, round(font.getlength(text)))
    image = Image.new("L", (width, ascent + descent), 255)
    ImageDraw.Draw(image).text((0, 0), text, fill=0, font=font)
    mask: Mask = np.asarray(np.asarray(image, np.uint16) * WHITE // 255, np.uint8)
    mask.flags.writeable = False
    return mask
