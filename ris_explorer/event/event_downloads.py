"""An event as files: miniSEED, CSV and PNG."""

from __future__ import annotations

import io
import re

import numpy as np
from starlette.responses import Response

from ris_core.access import Event
from ris_core.contracts.station_day import NS
from ris_explorer.answers import RefusedError
from ris_explorer.event.event_signal import Samples, samples_of

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def attachment(content: bytes, media_type: str, event_id: str, ending: str) -> Response:
    """Return a file to be saved; its name is the event's identifier with an ending, in ASCII without blanks."""
    name = _UNSAFE.sub("_", f"{event_id}{ending}").lstrip(".")
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def as_miniseed(event: Event) -> bytes:
    """Return the conditioned trace of each recorded component, of the context if there is one, as 32-bit floats."""
    from obspy import Stream

    traces = []
    for letter in event.components:
        try:
            found = samples_of(event, letter)
        except RefusedError:
            continue  # not recorded
        if len(found.values):
            traces.append(event.context_trace(letter) if found.is_context else event.trace(letter))
    if not traces:
        raise RefusedError(f"{event.event_id}: no component was recorded", 409)
    made = io.BytesIO()
    Stream(traces).write(made, format="MSEED", encoding="FLOAT32")
    return made.getvalue()


def as_csv(event: Event, found: Samples) -> bytes:
    """Return samples as a table of text with a header that says the units."""
    channel = event.event_id.split(".", 4)[3][:-1] + found.component
    since = np.arange(len(found.values)) / found.sampling_rate
    times = found.start_ns + np.round(since * NS).astype(np.int64)
    texts = np.datetime_as_string(times.astype("datetime64[ns]"), unit="us")
    lines = [f"time (UTC),time from the start of the window (s),{channel} conditioned ({found.unit})"]
    lines += [
        f"{text}Z,{second:.6f},{value!s}"
        for text, second, value in zip(texts, since - found.window[0], found.values, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def as_png(event: Event, found: Samples, title: str) -> bytes:
    """Return a figure of the event: samples above spectrograms, with axes and units."""
    from ris_core.figures.image import to_png
    from ris_core.figures.review_picture import review_picture

    seconds = np.arange(len(found.values)) / found.sampling_rate - found.window[0]
    figure = review_picture(
        [event.spectrogram],
        [title],
        event.frequency,
        event.time,
        found.values,
        seconds,
        title=f"{event.event_id} ({event.unit})",
        components=event.components,
    )
    return to_png(figure, dpi=120, colours=128)
