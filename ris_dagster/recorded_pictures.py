"""Pictures among the metadata of materializations, as images: pages of the UI show them in their place."""

from collections.abc import Sequence

import dagster as dg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ris_core.figures.narrowed import narrowed
from ris_dagster.metadata import PICTURES, png_of

_LOOKED_AT = 20
"""Latest materializations of an asset or partition among which that of a run is looked for."""
_KEPT_S = 86_400


def pictures_route(instance: dg.DagsterInstance) -> Route:
    """Return a route that answers with the recorded pictures of an instance."""

    async def answer(request: Request) -> Response:
        asked, asset = dict(request.query_params), request.path_params["asset"].split("/")
        width = asked.pop("width", "")
        complete = {"shown", "run"} <= asked.keys() <= {"shown", "run", "partition"}
        png = await run_in_threadpool(recorded_picture, instance, asset, **asked) if complete else None
        if png is not None and width.isascii() and width.isdigit() and int(width) > 0:
            png = await run_in_threadpool(narrowed, png, int(width))
        if png is None:
            return PlainTextResponse("no such picture is recorded\n", 404)
        # A materialization does not change.
        return Response(png, media_type="image/png", headers={"cache-control": f"private, max-age={_KEPT_S}"})

    return Route(f"/{PICTURES}/{{asset:path}}", answer)


def recorded_picture(
    instance: dg.DagsterInstance, asset: Sequence[str], shown: str, run: str, partition: str = ""
) -> bytes | None:
    """Return a picture among the metadata of a materialization as PNG; None if there is none.

    Parameters
    ----------
    instance
        The instance.
    asset
        Parts of the asset's key.
    shown
        Name of the picture.
    run, partition
        The run that made it, and its partition if it has one.
    """
    records = dg.AssetRecordsFilter(dg.AssetKey(list(asset)), asset_partitions=[partition] if partition else None)
    for record in instance.fetch_materializations(records, limit=_LOOKED_AT).records:
        made = record.asset_materialization
        if record.run_id == run and made is not None and shown in made.metadata:
            return png_of(made.metadata[shown])
    return None
