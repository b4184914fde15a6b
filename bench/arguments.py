"""Arguments that the benchmarks of clustering and review have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clustering_windows import Size
from bench.kept_windows import CACHE

if TYPE_CHECKING:
    from bench.clustering_volcano import VolcanoSize


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `size_of` and `volcano_size_of`."""
    parser.add_argument("--stations", type=int, default=Size.stations, help="stations of a network")
    parser.add_argument("--days", type=int, default=Size.days, help="days of a network")
    parser.add_argument("--events", type=int, default=Size.events, help="events of a network")


def size_of(arguments: argparse.Namespace) -> Size:
    """Return the size of the rendered and kept part of a network."""
    return Size(arguments.stations, arguments.days, arguments.events, 6 * arguments.stations * arguments.days)


def volcano_size_of(arguments: argparse.Namespace) -> VolcanoSize:
    """Return the size of a volcano's world, which has at most so many stations and days."""
    from bench.clustering_volcano import VolcanoSize

    whole = VolcanoSize()
    return VolcanoSize(min(whole.stations, arguments.stations), min(whole.days, arguments.days))


def parse(parser: argparse.ArgumentParser, results: str) -> argparse.Namespace:
    """Add the arguments of `bench.runs.run_all`, and parse the command line.

    Parameters
    ----------
    parser
        With all other arguments.
    results
        Name of the file of finished runs in the cache, unless the command line names one.
    """
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of rendered events")
    parser.add_argument("--results", type=Path, help="file of finished runs; by default in the cache")
    arguments = parser.parse_args()
    arguments.results = arguments.results or arguments.cache / results
    return arguments


def numbers(text: str) -> list[int]:
    """Return the numbers of ``3-10`` or ``3,5,8``."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
