"""Requests of this room."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_core.labels.compared_models import ComparedModel
from ris_core.labels.kept_labels import NotLabelledError
from ris_explorer.answers import RefusedError, answering, body_of, json_answer
from ris_explorer.comparison.comparing import Compared, answer_of, compare
from ris_explorer.comparison.labelling import Labelling
from ris_explorer.comparison.model_labels import ModelLabels, RowLabels
from ris_explorer.event_table import EventTable
from ris_explorer.explorer import Explorer
from ris_explorer.links import training_run_page
from ris_explorer.selection import Selection

_PAGE = 30
_MOST_SHOWN = 300
"""Events of which the identifiers are sent at most: they become part of an address."""
_CRITERIA = ("agreement", "hour_ami", "amplitude_ami", "same_source", "stability", "silhouette")
_PAIR = ("before", "after")
_CELL = ("from_class", "to_class", "page")


def comparison_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""
    room = _Room(explorer)

    async def label(request: Request) -> Response:
        """Begin to label events by models, in a process of its own."""
        content = await request.body()
        return await run_in_threadpool(answering(lambda _: room.label(content)), request)

    return [
        Route("/api/comparison/models", answering(room.models)),
        Route("/api/comparison", answering(room.comparison)),
        Route("/api/comparison/changed", answering(room.changed)),
        Route("/api/comparison/labels", answering(room.progress)),
        Route("/api/comparison/labels", label, methods=["POST"]),
    ]


class _Room:
    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._labels, self._labelling = ModelLabels(explorer.network), Labelling(explorer.network)

    def models(self, request: Request) -> Response:
        """Answer with the models that can be compared."""
        found, left_out = self._labels.models()
        return json_answer({"models": [_described(self._explorer, one) for one in found], "left_out": left_out})

    def comparison(self, request: Request) -> Response:
        """Answer with a comparison of two models, or with the models that have not labelled the events yet."""
        both, table = self._pair(request), self._explorer.table
        lacking = []
        for model in both:
            try:
                self._labels.of(model, table)
            except NotLabelledError:
                lacking.append(model.name)
        if lacking:
            return json_answer({"lacking": lacking})
        found, result = self._compared(both, request, table)
        return json_answer(answer_of(self._explorer.network, table, both, found, result))

    def changed(self, request: Request) -> Response:
        """Answer with a page of the events that changed, all or those of a class before, a class after, or both."""
        query, table = request.query_params, self._explorer.table
        _, result = self._compared(self._pair(request), request, table)
        places = result.changed(_number(query, "from_class"), _number(query, "to_class"))
        page = max(1, _number(query, "page") or 1)
        return json_answer(
            {
                "events": len(places),
                "pages": -(-len(places) // _PAGE),
                "page": page,
                "shown": [
                    {
                        "event_id": table.name(int(result.rows[place])),
                        "before": int(result.before[place]),
                        "after": int(result.after[place]),
                    }
                    for place in places[(page - 1) * _PAGE : page * _PAGE]
                ],
                "identifiers": [table.name(int(result.rows[place])) for place in places[:_MOST_SHOWN]],
            }
        )

    def progress(self, request: Request) -> Response:
        """Say how far the labelling by models is."""
        return json_answer(self._labelling.state())

    def label(self, content: bytes) -> Response:
        """Begin to label by the models that a body names."""
        names = tuple(dict.fromkeys(str(name) for name in body_of(content, {"models": list}).get("models", ())))
        if not 1 <= len(names) <= len(_PAIR):
            raise RefusedError("name one or two models")
        if any(self._labels.model(name).role == "champion" for name in names):
            raise RefusedError("the labels of the champion are those of the label tables")
        self._labelling.start(names)
        return json_answer(self._labelling.state())

    def _pair(self, request: Request) -> tuple[ComparedModel, ComparedModel]:
        first, second = (self._labels.model(request.query_params.get(name, "")) for name in _PAIR)
        if first.name == second.name:
            raise RefusedError("choose two different models")
        return first, second

    def _compared(
        self, models: tuple[ComparedModel, ComparedModel], request: Request, table: EventTable
    ) -> tuple[tuple[RowLabels, RowLabels], Compared]:
        passing = Selection.of(request.query_params.multi_items(), (*_PAIR, *_CELL)).mask(table)
        found = self._labels.of(models[0], table), self._labels.of(models[1], table)
        return found, compare(self._explorer.network, table, models, found, passing)


def _described(explorer: Explorer, model: ComparedModel) -> dict[str, Any]:
    ranking = model.ranking
    return {
        "name": model.name,
        "candidate": model.candidate,
        "k": model.k,
        "digest": model.digest,
        "role": model.role,
        "reviewed": model.reviewed,
        "numbers": model.numbers,
        "rank": ranking.get("rank"),
        "proposed": ranking.get("proposed"),
        "criteria": {name: ranking.get(name, model.metrics.get(name)) for name in _CRITERIA},
        "address": training_run_page(explorer.addresses, model.run_id),
    }


def _number(query: Any, name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise RefusedError(f"{name} = {text[:40]!r} is not a whole number") from None
