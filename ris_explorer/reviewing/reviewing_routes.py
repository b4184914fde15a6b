"""Requests of this room."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.review.changes import person_name
from ris_explorer.answers import RefusedError, answering, asked_of, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.reviewing.deciding import FIELDS, Deciding
from ris_explorer.reviewing.progress import Progress
from ris_explorer.reviewing.queue_ahead import QueueAhead
from ris_explorer.reviewing.retraining_routes import retraining_routes
from ris_explorer.reviewing.review_words import last_decisions, summary, words_on

_MOST_DECISIONS, _MOST_SUGGESTIONS = 500, 200


def reviewing_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    queue, kept = QueueAhead(explorer), Progress(explorer)
    deciding = Deciding(explorer, lambda name: queue.is_processed(name) or name in explorer.state.seen)

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
        count = _whole(asked, "count", 50, _MOST_DECISIONS)
        return json_answer(
            last_decisions(
                *explorer.reviews,
                count,
                asked.get("reviewer", ""),
                asked.get("notes", "") == "yes",
                asked.get("classes", "") == "yes",
            )
        )

    @answering
    def progress(request: Request) -> Response:
        """Answer with agreement, conflicts, and what is known of the class model."""
        return json_answer(kept.now())

    @answering
    def suggestions(request: Request) -> Response:
        """Answer with the next events to look at."""
        asked = request.query_params
        reviewer = explorer.state.spelt(person_name(asked.get("reviewer", "")))
        count = _whole(asked, "count", 10, _MOST_SUGGESTIONS)
        if asked.get("second", "") == "yes":
            return json_answer(queue.second(reviewer, count))
        return json_answer(queue.next(reviewer, count, _whole(asked, "skipped", 0, _MOST_SUGGESTIONS)))

    return [
        *retraining_routes(explorer),
        Route("/api/decisions", decide, methods=["POST"]),
        Route("/api/decisions", decisions, methods=["GET"]),
        Route("/api/decisions/preview", preview, methods=["POST"]),
        Route("/api/decisions/undo", undo, methods=["POST"]),
        Route("/api/queue", suggestions),
        Route("/api/reviewer", reviewer),
        Route("/api/reviews", reviews),
        Route("/api/reviews/progress", progress),
        Route("/api/reviews/{event_id}", of_event),
    ]


def _whole(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdecimal() or int(text) > most:
        raise RefusedError(f"{name} = {text[:40]!r} is not a number from 0 to {most}")
    return int(text)
