"""Review against the truth: ``python -m bench.review --generators 3-10``.

A simulated reviewer goes through the queue of a synthetic network. After some numbers of events, those that are not
decided get their classes from the class model, as the platform trains it, on the attributes of windows of 4 and 10 s.
Scores are of events that share neither a source nor a block of 30 minutes with an event that was shown, at whatever
station. Beside the queue stand random order, and a reviewer who is wrong in some cases: then the class is another one,
drawn uniformly. With 0 reviews there is the consensus, with K chosen without truth.

Settings were tuned on generators 0 to 2. Finished runs are kept in a file of JSON lines; an interrupted benchmark
continues from there.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console

from bench.arguments import add_size, numbers, parse, size_of, volcano_size_of
from bench.clustering_events import make_all
from bench.runs import Row, Task, plain, quiet_threads, run_all
from ris_core import versions
from ris_core.config import ClassModelSettings, MicroSettings, ReviewSettings
from ris_core.section import digest_of

VERSION = 1


def tasks_of(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks, each with everything that influences its result."""
    micro = _own(MicroSettings(), {})
    sections = {
        "review": _own(ReviewSettings(), arguments.review),
        "class_model": _own(ClassModelSettings(), arguments.class_model),
        "micro": micro,
    }
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for generator in arguments.generators:
            draw = {"world": arguments.world, "generator": generator, "seed": seed, "size": asdict(_size(arguments))}
            base = {**draw, "reviews": arguments.reviews, **sections}
            yield {**base, "order": "none", "error": 0.0}
            for error in arguments.errors:
                yield {**base, "order": "queue", "error": error}
            if arguments.random:
                yield {**base, "order": "random", "error": 0.0}


def _own(section: Any, values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = type(section).model_validate(section.model_dump() | values).model_dump(mode="json")
    return found


def _size(arguments: argparse.Namespace) -> Any:
    return volcano_size_of(arguments) if arguments.world == "volcano" else size_of(arguments)


def key_of(task: Task) -> str:
    """Return the digest under which a task's result is kept."""
    return digest_of(
        [VERSION, versions.PROCESS, versions.REPRESENTATION, versions.CANDIDATE, versions.CLASS_MODEL, task]
    )


def _run(task: Task, cache: str) -> list[Row]:
    from bench.review_run import run

    return run(task, cache)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=("network", "volcano"), default="network")
    parser.add_argument("--generators", type=numbers, default=list(range(3, 11)), help="like 3-10; 0-2 are for tuning")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each generator")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--reviews", type=int, nargs="+", default=[20, 50, 100, 200], help="numbers of events shown")
    parser.add_argument("--errors", type=float, nargs="+", default=[0.0, 0.05], help="shares of wrong answers")
    parser.add_argument("--random", action=argparse.BooleanOptionalAction, default=True, help="random order, too")
    parser.add_argument("--review", type=json.loads, default={}, help="JSON: other values of the section review")
    parser.add_argument("--class-model", type=json.loads, default={}, help="JSON: of the section class_model")
    add_size(parser)
    return parse(parser, "review.jsonl")


def main() -> None:
    """Parse the command line, run, and print conditions, tables and RESULT."""
    quiet_threads()
    arguments = _arguments()
    console = Console(width=max(Console().width, 180))
    tasks = list(tasks_of(arguments))
    if arguments.world == "volcano":
        from bench.clustering_volcano import make_volcanoes

        make_volcanoes(arguments.generators, _size(arguments), arguments.cache, arguments.workers)
    else:
        make_all(arguments.generators, _size(arguments), arguments.cache, arguments.workers)
    keys = [key_of(task) for task in tasks]
    rows = run_all(_run, tasks, keys, arguments.results, arguments.cache, arguments.workers)
    from bench.review_tables import report

    result = report(rows, tasks[0]["class_model"]["coverage"], console)
    names = ("world", "generators", "seeds", "errors", "events")
    result["conditions"] = {name: getattr(arguments, name) for name in names} | {"cores": os.cpu_count()}
    console.print("Conditions: " + json.dumps(result["conditions"]))
    print("RESULT " + json.dumps(plain(result), allow_nan=False))


if __name__ == "__main__":
    main()
