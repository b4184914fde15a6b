"""What `ris_dagster/adapter/backfills.py` relies on: which backfills are at work, and what is left of them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg
import pytest
from contracts import relied_upon
from dagster_internals import end_backfill, request_backfill

from ris_dagster.adapter.asset_graph import AssetGraph, asset_graph_of
from ris_dagster.adapter.backfills import has_ended, targets_of_backfills_at_work
from ris_dagster.adapter.materializations import log_without_run

KEYS = ["a", "b", "c"]


def dagster_keeps(what: str) -> AbstractContextManager[None]:
    return relied_upon("dagster", what, "ris_dagster/adapter/backfills.py")


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS))
def letters() -> None: ...


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def graph() -> AssetGraph:
    return asset_graph_of(dg.Definitions([letters]))


def test_a_backfill_of_assets_is_at_work_on_its_partitions_until_it_ends(
    instance: dg.DagsterInstance, graph: AssetGraph
) -> None:
    with dagster_keeps("a backfill of assets says which partitions it is going to make"):
        request_backfill(instance, graph, ["letters"], ["a", "b"], 1.0)
        (target,) = targets_of_backfills_at_work(instance, graph)
        assert (target.asset, target.job, sorted(target.partitions)) == (dg.AssetKey("letters"), "", ["a", "b"])
    with dagster_keeps("a backfill has a status that says whether it has ended"):
        assert not has_ended(instance, "ui")
        end_backfill(instance)
        assert has_ended(instance, "ui")
        assert list(targets_of_backfills_at_work(instance, graph)) == []


def test_what_was_made_otherwise_stays_a_target(instance: dg.DagsterInstance, graph: AssetGraph) -> None:
    request_backfill(instance, graph, ["letters"], ["a", "b"], 1.0)
    log_without_run(instance, [dg.AssetMaterialization("letters", partition="a")])
    with dagster_keeps("a backfill is at work on a partition until its own run has made it"):
        (target,) = targets_of_backfills_at_work(instance, graph)
        assert sorted(target.partitions) == ["a", "b"]
