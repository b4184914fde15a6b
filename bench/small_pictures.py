"""Makes pictures for the documentation small."""

from __future__ import annotations

import io

from PIL import Image

MOST_BYTES = 150_000
_COLOURS = (128, 64, 32)


def small(png: bytes, aim: int = MOST_BYTES) -> bytes:
    """Return a picture with all its colours if it is small so; else with few, which changes those of small marks.

    Parameters
    ----------
    png
        A PNG.
    aim
        Bytes below which no more colours are taken away; with the fewest the picture may have more.

    Raises
    ------
    ValueError
        It is larger than `MOST_BYTES` with 32 colours, too.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (None, *_COLOURS):
        each = picture if colours is None else picture.quantize(colours, kmeans=1, dither=Image.Dither.NONE)
        found = io.BytesIO()
        each.save(found, "PNG", optimize=True)
        if found.tell() < aim:
            break
    if found.tell() < MOST_BYTES:
        return found.getvalue()
    raise ValueError(f"the picture of {picture.width} x {picture.height} is larger than {MOST_BYTES / 1000:g} kB")
