"""Requests about training again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import answering, json_answer
from ris_explorer.explorer import Explorer
from ris_explorer.reviewing.dagster_server import DagsterServer
from ris_explorer.reviewing.retraining import Retraining


def retraining_routes(explorer: Explorer) -> list[Route]:
    """Return the routes: `GET /api/retrain` says how far it is, `POST /api/retrain` begins."""
    address = explorer.addresses.dagster_here
    retraining = Retraining(explorer, DagsterServer(address) if address else None)

    @answering
    def state(request: Request) -> Response:
        return json_answer(retraining.state())

    @answering
    def begin(request: Request) -> Response:
        return json_answer(retraining.begin(), 202)

    return [
        Route("/api/retrain", state, methods=["GET"]),
        Route("/api/retrain", begin, methods=["POST"]),
    ]
