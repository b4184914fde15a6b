"""The assets of a code location with their versions and parents."""

from typing import Any, TypeAlias

import dagster as dg

from ris_core.relied_upon import relying_on

with relying_on("dagster", __name__):
    from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

AssetGraph: TypeAlias = "BaseAssetGraph[Any]"
"""All assets that belong together."""


def asset_graph_beside(context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext) -> AssetGraph:
    """Return the assets that are defined together with the sensor or schedule of a context.

    Raises
    ------
    ValueError
        The context was built without ``repository_def``.
    """
    if context.repository_def is None:
        raise ValueError(f"{type(context).__name__} has no repository_def: build it with one")
    return context.repository_def.asset_graph


def asset_graph_of(definitions: dg.Definitions) -> AssetGraph:
    """Return the assets of definitions."""
    return definitions.resolve_asset_graph()


def code_version_of(graph: AssetGraph, asset: dg.AssetKey) -> str:
    """Return the code version of an asset."""
    return str(graph.get(asset).code_version)


def parents_of(graph: AssetGraph, asset: dg.AssetKey) -> list[dg.AssetKey]:
    """Return the assets that an asset is made from, in the order of their keys."""
    return sorted(graph.get(asset).parent_keys)
