"""Metadata that are read at a glance: numbers with few digits, and a picture that the UI shows in its place."""

import asyncio
import io
import re
from typing import Any

import dagster as dg
import httpx
import numpy as np
from PIL import Image
from starlette.applications import Starlette

from ris_dagster.metadata import AT_A_GLANCE, picture, presented, rounded
from ris_dagster.recorded_pictures import pictures_route


def drawn(shade: int) -> bytes:
    noise = np.random.default_rng(shade).integers(0, 255, (60, 600, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="PNG")
    return buffer.getvalue()


FIRST, BEST = drawn(1), {"2": drawn(2), "3": drawn(3)}
COUNTS = dg.StaticPartitionsDefinition(["2", "3"])
IN_PLACE = 1000
"""Length of Markdown below which the UI shows it in its place."""


@dg.asset(key=["models", "of_it"], partitions_def=COUNTS)
@presented("clusters")
def models(context: dg.AssetExecutionContext) -> Any:
    entries = {"loss": picture(FIRST, "Loss"), "clusters": picture(BEST[context.partition_key], "Clusters")}
    yield dg.MaterializeResult(metadata={"silhouette": 0.123456789, "sizes": {"0": 1.5000001}, **entries})


@dg.asset
@presented()
def other(context: dg.AssetExecutionContext) -> Any:
    return dg.MaterializeResult(metadata={"seconds": 12345.67891})


def made(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> Any:
    assert dg.materialize([asset], instance=instance, partition_key=partition).success
    (record,) = instance.fetch_materializations(asset.key, limit=1).records
    assert record.asset_materialization is not None
    return record.asset_materialization.metadata


def asked(instance: dg.DagsterInstance, *urls: str) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        app = Starlette(routes=[pictures_route(instance)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ui") as client:
            return [await client.get(url) for url in urls]

    return asyncio.run(ask())


def test_the_picture_that_says_most_is_a_short_link_that_the_webserver_answers() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        links: list[str] = []
        narrow: list[str] = []
        for partition in ("2", "3", "2"):
            shown = made(instance, models, partition)
            text = shown[AT_A_GLANCE].value
            assert next(iter(shown)) == AT_A_GLANCE
            assert len(text) < IN_PLACE < len(shown["clusters"].value)
            small, whole = re.fullmatch(r"\[!\[Clusters\]\((\S+)\)\]\((\S+)\)", text).groups()
            narrow.append(small)
            links.append(whole)
        *pictures, column, unknown, incomplete = asked(
            instance, *links, narrow[0], re.sub("run=[^&]*", "run=none", links[0]), "/pictures/models?shown=loss"
        )
    assert links[0].startswith("/pictures/models/of_it?shown=clusters&run=")
    # Each materialization keeps its own picture.
    assert [each.content for each in pictures] == [BEST[partition] for partition in ("2", "3", "2")]
    with Image.open(io.BytesIO(column.content)) as image:
        assert image.size == (460, 46)
    assert {each.headers["content-type"] for each in pictures} == {"image/png"}
    assert (unknown.status_code, incomplete.status_code) == (404, 404)


def test_numbers_have_few_digits() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        shown = made(instance, models, "2")
        assert (shown["silhouette"].value, shown["sizes"].value) == (0.1235, {"0": 1.5})
        assert made(instance, other)["seconds"].value == 12345.679
    assert rounded([1.23456e-7, -0.5, float("inf"), 0.0, 7, "x"]) == [1.235e-7, -0.5, float("inf"), 0.0, 7, "x"]
