"""Clustering against the truth: ``python -m bench.clustering``.

On scikit-learn's digits, on 5,000 digits of MNIST and on the events of synthetic networks: k-means, Gaussian mixtures
on principal components and on the latents of our autoencoder, our DEC and IDEC. Every run is one process on one thread
and counts its CPU-seconds, from the data in memory to the labels.

Synthetic networks follow the protocol of `docs/synthetic.md`: generator seeds are apart from model seeds, settings are
tuned on generators 0 to 2, and by default the generators from 3 on are reported. K is chosen without truth as the one
of 5 to 10 with the best silhouette of its partition (for DEC: of its initial clusters) in the space of the method's own
input; results with the true K are given too. Settings of the digits were tuned on seeds from 100 on.

Finished runs are kept in a file of JSON lines; an interrupted benchmark continues from there.
"""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from bench.arguments import add_size, parse, size_of, volcano_size_of
from bench.clustering_events import make_all
from bench.clustering_tasks import PARTS, PROFILES, generators_of, key_of, tasks_of
from bench.runs import Row, Task, plain, quiet_threads, run_all

FURTHER = "further members, each in a consensus of its own; umap needs the extra"


def _run(task: Task, cache: str) -> list[Row]:
    from bench.clustering_run import run

    return run(task, cache)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=10, help="seeds for digits")
    parser.add_argument("--model-seeds", type=int, default=3, help="seeds for each generator")
    parser.add_argument("--network-seeds", type=int, default=3, help="of these, those with networks of neurons")
    parser.add_argument("--novelty-seeds", type=int, default=1, help="seeds for each generator, for novelty")
    parser.add_argument("--first-seed", type=int, default=0, help="100 and more are for tuning")
    parser.add_argument("--generators", type=int, default=10, help="synthetic networks")
    parser.add_argument("--first-generator", type=int, default=3, help="0 to 2 are for tuning")
    parser.add_argument("--volcanoes", type=int, default=8, help="synthetic volcanoes, from seed 0 on")
    parser.add_argument("--members", nargs="*", choices=("hdbscan", "umap"), default=["hdbscan"], help=FURTHER)
    parser.add_argument("--profiles", nargs="*", choices=PROFILES, default=list(PROFILES))
    parser.add_argument(
        "--variant",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "PROFILE", "JSON"),
        help='a profile with other values, like: unshuffled recommended \'{"dec": {"shuffle": false}}\'',
    )
    parser.add_argument("--objectives", nargs="*", choices=("joint", "dec", "idec"), default=["dec", "idec"])
    parser.add_argument("--k", type=int, nargs="+", default=[5, 6, 7, 8, 9, 10], help="K to choose from")
    add_size(parser)
    parser.add_argument("--aec-epochs", type=int, help="fewer epochs of the platform's autoencoder")
    parser.add_argument("--dec-epochs", type=int, help="fewer epochs of its DEC")
    parser.add_argument("--digit-epochs", type=int, help="fewer epochs on digits")
    return parse(parser, "clustering.jsonl")


def main() -> None:
    """Parse the command line, run, and print conditions, tables and RESULT."""
    quiet_threads()
    arguments = _arguments()
    console = Console(width=max(Console().width, 180))
    tasks = list(tasks_of(arguments))
    if {"network", "novelty"} & set(arguments.parts):
        make_all(generators_of(arguments, "network"), size_of(arguments), arguments.cache, arguments.workers)
    if "volcano" in arguments.parts:
        from bench.clustering_volcano import make_volcanoes

        volcanoes = generators_of(arguments, "volcano")
        make_volcanoes(volcanoes, volcano_size_of(arguments), arguments.cache, arguments.workers)
    keys = [key_of(task) for task in tasks]
    rows = run_all(_run, tasks, keys, arguments.results, arguments.cache, arguments.workers)
    from bench.clustering_tables import report

    result = report(rows, console)
    result["conditions"] = {
        "cores": os.cpu_count(),
        "workers": arguments.workers,
        "seeds": arguments.seeds,
        "generators": generators_of(arguments, "network"),
        "volcanoes": generators_of(arguments, "volcano"),
        "model_seeds": arguments.model_seeds,
        "network_seeds": arguments.network_seeds,
        "members": arguments.members,
        "events": arguments.events,
        "k": arguments.k,
    }
    console.print("Conditions: " + json.dumps(result["conditions"]))
    print("RESULT " + json.dumps(plain(result), allow_nan=False))


if __name__ == "__main__":
    main()
