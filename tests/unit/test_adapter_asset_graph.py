"""What `ris_dagster/adapter/asset_graph.py` relies on: versions and parents of assets, beside a sensor too."""

import dagster as dg
import pytest
from contracts import relied_upon

from ris_dagster.adapter.asset_graph import asset_graph_beside, asset_graph_of, code_version_of, parents_of

MODULE = "ris_dagster/adapter/asset_graph.py"


@dg.asset(code_version="7")
def first() -> None: ...


@dg.asset(deps=["first", "second"])
def third() -> None: ...


DEFINITIONS = dg.Definitions([first, third, dg.AssetSpec("second")])


def test_the_graph_has_versions_and_parents() -> None:
    with relied_upon("dagster", "Definitions have an asset graph with code versions and parents", MODULE):
        graph = asset_graph_of(DEFINITIONS)
        assert code_version_of(graph, dg.AssetKey("first")) == "7"
        assert parents_of(graph, dg.AssetKey("third")) == [dg.AssetKey("first"), dg.AssetKey("second")]
        assert parents_of(graph, dg.AssetKey("first")) == []


def test_the_graph_beside_a_sensor_is_that_of_its_definitions() -> None:
    repository = DEFINITIONS.get_repository_def()
    with (
        relied_upon("dagster", "the repository of a sensor's context has the asset graph", MODULE),
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance, repository_def=repository) as context,
    ):
        assert code_version_of(asset_graph_beside(context), dg.AssetKey("first")) == "7"


def test_a_context_without_definitions_is_refused() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance) as context,
        pytest.raises(ValueError, match="has no repository_def: build it with one"),
    ):
        asset_graph_beside(context)
