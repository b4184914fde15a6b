"""Requests of this room."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ris_explorer.answers import answering, json_answer
from ris_explorer.explorer import Explorer


def overview_routes(explorer: Explorer) -> list[Route]:
    """Return the routes of this room."""

    @answering
    def network(request: Request) -> Response:
        """Answer with what the page needs first."""
        settings, table = explorer.network.settings, explorer.table
        return json_answer(
            {
                "name": settings.network.name,
                "events": len(table),
                "first": int(table.time[0]) / 1e9 if len(table) else None,
                "last": int(table.time[-1]) / 1e9 if len(table) else None,
                "stations": [
                    {"code": each.code, "latitude": each.latitude, "longitude": each.longitude}
                    for each in settings.stations
                ],
                "station_codes": table.stations,
                "classes": [asdict(each) for each in table.classes],
                "reviewed_names": table.reviewed_names,
                "amplitude_unit": table.amplitude_unit,
                "probability_kind": table.probability_kind,
                "notes": table.notes,
                "version": table.version,
                "review_version": table.review_version,
                "started": explorer.started,
                "addresses": {"dagster": explorer.addresses.dagster, "mlflow": explorer.addresses.mlflow},
            }
        )

    @answering
    def version(request: Request) -> Response:
        """Say whether there are other labels or reviews, and why newer ones cannot be read; asked again and again."""
        table = explorer.table
        said = {"version": table.version, "review_version": table.review_version, "trouble": explorer.trouble}
        return json_answer({**said, "started": explorer.started})

    return [Route("/api/network", network), Route("/api/version", version)]
