"""A picture that is not wider than its place on a page."""

from __future__ import annotations

import io

from PIL import Image


def narrowed(png: bytes, width: int) -> bytes:
    """Return a picture as PNG of at most a width, in pixels; a narrower one stays as it is."""
    with Image.open(io.BytesIO(png)) as image:
        if image.width <= width:
            return png
        height = max(1, round(image.height * width / image.width))
        small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
