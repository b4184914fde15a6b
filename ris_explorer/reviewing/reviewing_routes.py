"""Requests of this room."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.review.changes import person_name
from ris_explorer.answers import RefusedError, answering, asked_of, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.reviewing.deciding import FIELDS, Deciding
from ris_explorer.reviewing.review_words import last_decisions, summary, words_on

_MOST_DECISIONS = 500


def reviewing_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    deciding = Deciding(explorer, lambda name: False)

    @answering
    def decide(request: Request) -> Response:
        """Write a decision to the log."""
        return json_answer(deciding.decide(asked_of(request, FIELDS)))

    @answering
    def preview(request: Request) -> Response:
        """Say what a decision would change; nothing is written."""
        return json_answer(deciding.decide(asked_of(request, FIELDS), write=False))

    @answering
    def undo(request: Request) -> Response:
        """Withdraw the reviewer's last decision that counts."""
        return json_answer({"withdrawn": deciding.undo(asked_of(request, {"reviewer": str}).get("reviewer", ""))})

    @answering
    def reviewer(request: Request) -> Response:
        """Answer with a reviewer's name as the log spells it, or why it cannot be one."""
        name = person_name(request.query_params.get("name", ""))
        return json_answer({"name": explorer.state.spelt(name)})

    @answering
    def reviews(request: Request) -> Response:
        """Answer with what the reviews amount to."""
        return json_answer(summary(*explorer.reviews, request.query_params.get("reviewer", "")))

    @answering
    def of_event(request: Request) -> Response:
        """Answer with what reviewers say of one event."""
        content, state = explorer.reviews
        return json_answer(words_on(request.path_params["event_id"], content.decisions, state))

    @answering
    def decisions(request: Request) -> Response:
        """Answer with the last decisions."""
        asked = request.query_params
        count = asked.get("count", "50")
        if not count.isdecimal() or not 1 <= int(count) <= _MOST_DECISIONS:
            raise RefusedError(f"count = {count[:40]!r} is not a number from 1 to {_MOST_DECISIONS}")
        return json_answer(
            last_decisions(*explorer.reviews, int(count), asked.get("reviewer", ""), asked.get("notes", "") == "yes")
        )

    return [
        Route("/api/decisions", decide, methods=["POST"]),
        Route("/api/decisions", decisions, methods=["GET"]),
        Route("/api/decisions/preview", preview, methods=["POST"]),
        Route("/api/decisions/undo", undo, methods=["POST"]),
        Route("/api/reviewer", reviewer),
        Route("/api/reviews", reviews),
        Route("/api/reviews/{event_id}", of_event),
    ]
