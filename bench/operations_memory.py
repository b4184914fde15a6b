"""Part of `bench.operations`: memory of the servers over a large record, before and after a look at the assets."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from bench.archive import write_archive
from bench.operations_network import Network, Servers, first_days, network_of, served, until
from ris_core.contracts.station_day import StationDay
from ris_dagster.adapter.commands import DAEMON_MODULE
from ris_dagster.adapter.materializations import log_without_run, partition_tags
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.instance import open_instance
from ris_dagster.partitions import partition_key

STATIONS = [f"S{n:02d}" for n in range(1, 35)]
PAGE = """
query ($assets: [AssetKeyInput!]!, $sample: [String!]!) {
  assetNodes(assetKeys: $assets) {
    assetKey { path }
    staleStatus
    partitionStats { numMaterialized numPartitions numFailed numMaterializing }
    partitionKeysByDimension { name partitionKeys }
    assetPartitionStatuses {
      ... on MultiPartitionStatuses {
        primaryDimensionName
        ranges {
          primaryDimStartKey
          primaryDimEndKey
          secondaryDim {
            ... on DefaultPartitionStatuses {
              materializedPartitions
              failedPartitions
              unmaterializedPartitions
              materializingPartitions
            }
          }
        }
      }
    }
    latestMaterializationByPartition(partitions: $sample) { timestamp }
    assetMaterializations(limit: 100) { timestamp partition metadataEntries { label } }
  }
}
"""
# The first one with its part in the command line; webserver and daemon share the code server.
_SERVERS = {
    "webserver": "ris_dagster.webserver",
    "daemon": DAEMON_MODULE,
    "code server": "code-server start",
    "MLflow": "ris_dagster.mlflow_web",
}
_BATCH = 500


def with_many_recorded(folder: Path, partitions: int) -> dict[str, Any]:
    """Record many station-days of 34 stations and return the memory of the servers over them.

    Parameters
    ----------
    folder
        Folder for the network.
    partitions
        Station-days to record at least, in whole days of all stations, each with its three assets.
    """
    days = first_days(-(-partitions // len(STATIONS)))
    archive = folder / "archive"
    write_archive(archive, STATIONS[:1], days[:1])
    network = network_of(folder / "memory", archive, STATIONS, days)
    first = days[0].isoformat()
    # One real station-day: its materializations, with their pictures, are the pattern of all others.
    network.run("backfill", "--inline", "--yes", "--stations", STATIONS[0], "--from", first, "--to", first)
    started = time.perf_counter()
    with open_instance(network.days.layout) as instance:
        assets = [asset for stage in ("acquire", "process") for asset in BINDINGS[stage].assets]
        for asset in assets:
            record_after_pattern(instance, asset, list(network.days.all())[1:])
            print(f"{asset.to_user_string()}: {network.station_days} recorded", file=sys.stderr)
    recorded_s = time.perf_counter() - started
    home = network.days.layout.dagster_home
    size = sum(path.stat().st_size for path in home.rglob("*.db*") if path.is_file())
    with served(network) as servers:
        _wait_for_daemons(network)
        before = _memory(servers)
        started = time.perf_counter()
        materialized = _look(network, servers, assets)
        page_s = time.perf_counter() - started
        after = _memory(servers)
    wrong = {name: count for name, count in materialized.items() if count != network.station_days}
    if wrong:
        raise RuntimeError(f"{network.station_days} station-days were recorded, but the UI shows {wrong}")
    return {
        "partitions": network.station_days,
        "events": network.station_days * len(assets),
        "recorded_s": recorded_s,
        "database_mb": size / 2**20,
        "page_s": page_s,
        "started_rss_mb": before,
        "page_loaded_rss_mb": after,
    }


def record_after_pattern(
    instance: dg.DagsterInstance, asset: dg.AssetKey, keys: Sequence[StationDay], pictures: bool = True
) -> None:
    """Record station-days as an import does, after the pattern of the latest record of the asset."""
    (record,) = instance.fetch_materializations(asset, limit=1).records
    pattern = record.asset_materialization
    if pattern is None:
        raise RuntimeError(f"{asset.to_user_string()}: nothing is recorded to take as a pattern")
    metadata = {n: v for n, v in pattern.metadata.items() if pictures or not isinstance(v, dg.MarkdownMetadataValue)}
    for low in range(0, len(keys), _BATCH):
        made = [
            dg.AssetMaterialization(
                asset, partition=key, metadata=metadata, tags={**(pattern.tags or {}), **partition_tags(key)}
            )
            for key in map(partition_key, keys[low : low + _BATCH])
        ]
        log_without_run(instance, made)


def _look(network: Network, servers: Servers, assets: Sequence[dg.AssetKey]) -> dict[str, int]:
    """Request the content of the assets' pages once; returns the number of materialized partitions of each."""
    keys = [str(partition_key(key)) for key in network.days.all()]
    sample = keys[:: max(1, len(keys) // 100)]
    nodes = servers.ask(PAGE, assets=[{"path": list(asset.path)} for asset in assets], sample=sample)["assetNodes"]
    return {"/".join(node["assetKey"]["path"]): node["partitionStats"]["numMaterialized"] for node in nodes}


def _wait_for_daemons(network: Network) -> None:
    """Wait until every thread of the daemon has sent a heartbeat."""
    with open_instance(network.days.layout) as instance:
        needed = set(instance.get_required_daemon_types())
        until(lambda: needed <= set(instance.get_daemon_heartbeats()), "heartbeats of the daemon")


def _memory(servers: Servers) -> dict[str, float]:
    """Return the resident memory in MB of each server with its children; shared pages count in each process."""
    found: dict[str, float] = {}
    claimed: set[int] = set()
    for process in servers.process.children(recursive=True):
        if process.pid in claimed:
            continue
        line = " ".join(process.cmdline())
        name = next((name for name, part in _SERVERS.items() if part in line), None)
        if name is None:
            continue
        family = [process, *process.children(recursive=True)]
        claimed |= {member.pid for member in family}
        found[name] = found.get(name, 0.0) + sum(_rss_mb(member) for member in family)
    found["all of ris ui"] = sum(map(_rss_mb, [servers.process, *servers.process.children(recursive=True)]))
    return found


def _rss_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0
