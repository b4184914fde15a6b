"""Requests of an event's files: sound, raw record, downloads."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import RefusedError, answering, asked_of, json_answer
from ris_explorer.event.event_downloads import as_csv, as_miniseed, as_png, attachment
from ris_explorer.event.event_signal import samples_of
from ris_explorer.event.event_sound import sound, speed_of
from ris_explorer.event.open_event import OpenEvents, event_id_of
from ris_explorer.event.raw_record import raw_miniseed, record_answer
from ris_explorer.explorer import Explorer

ADDRESS = "/api/events/{event_id}"
"""Where the requests of one event are."""


def file_routes(explorer: Explorer, events: OpenEvents, band: tuple[float, float]) -> list[Route]:
    """Return the routes of an event's files.

    Parameters
    ----------
    explorer, events
        The explorer and its open events.
    band
        What is to be heard, Hz.
    """

    @answering
    def wav(request: Request) -> Response:
        """Answer with the sound of a component."""
        asked = request.query_params
        found = samples_of(events.read(event_id_of(request)), asked.get("component", ""))
        content = sound(found.values, found.sampling_rate, speed_of(asked.get("speed", ""), band))
        return Response(content, media_type="audio/wav", headers={"Cache-Control": "no-store"})

    @answering
    def raw(request: Request) -> Response:
        """Read the raw record, and fetch it where it is not at hand, which stores it."""
        asked_of(request, {})
        return json_answer(record_answer(explorer, events, event_id_of(request)))

    @answering
    def download(request: Request) -> Response:
        """Answer with a file of the event."""
        event_id, kind = event_id_of(request), request.path_params["kind"]
        found = events.read(event_id)
        component = request.query_params.get("component", "")
        if kind == "event.mseed":
            return attachment(as_miniseed(found), "application/vnd.fdsn.mseed", event_id, ".mseed")
        if kind == "raw.mseed":
            return attachment(raw_miniseed(explorer, event_id), "application/vnd.fdsn.mseed", event_id, ".raw.mseed")
        if kind == "event.csv":
            return attachment(as_csv(found, samples_of(found, component)), "text/csv; charset=utf-8", event_id, ".csv")
        if kind == "event.png":
            return attachment(as_png(found, samples_of(found, component), ""), "image/png", event_id, ".png")
        raise RefusedError(f"{kind[:40]!r}: there are event.mseed, raw.mseed, event.csv and event.png", 404)

    return [
        Route(f"{ADDRESS}/sound.wav", wav),
        Route(f"{ADDRESS}/raw", raw, methods=["POST"]),
        Route(f"{ADDRESS}/download/{{kind}}", download),
    ]
