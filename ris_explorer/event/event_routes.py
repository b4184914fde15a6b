"""Requests of this room."""

from __future__ import annotations

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.figures.decibels import DYNAMIC_RANGE_DB, decibels_below_max
from ris_core.figures.palette import SEQUENTIAL_COLOURS
from ris_core.storage.spectrogram_file import power_unit
from ris_explorer.answers import answering, bytes_answer, json_answer
from ris_explorer.event.event_fields import event_answer
from ris_explorer.event.event_signal import band_of, filtered, samples_of
from ris_explorer.event.event_sound import speed_for, words_of
from ris_explorer.event.file_routes import ADDRESS, file_routes
from ris_explorer.event.neighbours import neighbours_of
from ris_explorer.event.open_event import OpenEvents, event_id_of
from ris_explorer.event.raw_record import raw_said
from ris_explorer.explorer import Explorer


def event_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    events = OpenEvents(explorer)
    band = _band(explorer)

    @answering
    def event(request: Request) -> Response:
        """Answer with what the tables say of an event."""
        return json_answer(event_answer(explorer, event_id_of(request)))

    @answering
    def signal(request: Request) -> Response:
        """Answer with what there is to see and to hear of an event."""
        found = events.read(event_id_of(request))
        recorded = np.ones(len(found.components), bool) if found.recorded is None else np.atleast_1d(found.recorded)
        speeds = sorted({max(1, speed_for(band) // 3), speed_for(band), 2 * speed_for(band)})
        return json_answer(
            {
                "components": [
                    {"letter": letter, "recorded": bool(there)}
                    for letter, there in zip(found.components, recorded, strict=True)
                ],
                "channel": found.event_id.split(".", 4)[3],
                "unit": found.unit,
                "power_unit": power_unit(found.unit),
                "sampling_rate": found.sampling_rate,
                "frequency": [found.frequency[0], found.frequency[-1]],
                "time": [found.time[0], found.time[-1]],
                "range_db": DYNAMIC_RANGE_DB,
                "colours": SEQUENTIAL_COLOURS,
                "has_context": found.context is not None,
                "speeds": [{"speed": speed, "words": words_of(speed, band)} for speed in speeds],
                "speed": speed_for(band),
                "band": band,
                "raw": raw_said(explorer, found.event_id),
            }
        )

    @answering
    def spectrogram(request: Request) -> Response:
        """Answer with the spectrograms (C, F, T), dB below the greatest power of all components, float32."""
        found = events.read(event_id_of(request))
        power = np.maximum(found.spectrogram if found.spectrogram.ndim == 3 else found.spectrogram[None], 0)
        return bytes_answer(decibels_below_max(power).astype(np.float32))

    @answering
    def waveform(request: Request) -> Response:
        """Answer with the recorded samples of a component, perhaps filtered; times are seconds from the first one."""
        asked = request.query_params
        found = samples_of(events.read(event_id_of(request)), asked.get("component", ""))
        low, high = band_of(asked.get("low", ""), asked.get("high", ""), found.sampling_rate)
        values, words = filtered(found.values, found.sampling_rate, low, high)
        return bytes_answer(
            values,
            rate=repr(found.sampling_rate),
            window=",".join(map(repr, found.window)),
            peak=repr(found.peak),
            context="yes" if found.is_context else "no",
            filtered=words.replace("–", "-"),
        )

    @answering
    def neighbours(request: Request) -> Response:
        """Answer with the events that are most like one."""
        return json_answer(neighbours_of(explorer, event_id_of(request), request.query_params.get("number", "")))

    return [
        Route(ADDRESS, event),
        Route(f"{ADDRESS}/signal", signal),
        Route(f"{ADDRESS}/spectrogram", spectrogram),
        Route(f"{ADDRESS}/waveform", waveform),
        Route(f"{ADDRESS}/neighbours", neighbours),
        *file_routes(explorer, events, band),
    ]


def _band(explorer: Explorer) -> tuple[float, float]:
    """Return the band of the spectrograms, Hz; a band from zero is taken from a twentieth of its upper end."""
    of = explorer.network.settings.spectrogram
    return max(of.frequency_low, of.frequency_high / 20), of.frequency_high
