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
import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import track

from bench.clustering_chains import settings_of
from bench.clustering_events import CACHE, make_all
from bench.clustering_windows import Size
from ris_core import versions
from ris_core.section import digest_of

VERSION = 1
PARTS = ("digits", "mnist", "network", "novelty")
PROFILES = ("paper", "recommended")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_LEARNED = ("conditioning", "spectrogram", "normalisation", "aec", "dec", "novelty")
QUIET = {"TQDM_DISABLE": "1"}

Task = dict[str, Any]
Row = dict[str, Any]


def tasks_of(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks, each with everything that influences its result."""
    yield from _digit_tasks(arguments)
    generators = generators_of(arguments)
    size = asdict(size_of(arguments))
    learning = variants_of(arguments)
    for generator in generators:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.model_seeds):
            draw = {"generator": generator, "seed": seed, "size": size, "counts": arguments.k}
            if "network" in arguments.parts:
                yield {"part": "network", "variant": "", **draw}
                for name, values in learning.items():
                    objectives = sorted({values["dec"]["objective"], *arguments.objectives})
                    yield {"part": "network", "variant": name, "settings": values, "objectives": objectives, **draw}
        if "novelty" in arguments.parts:
            from bench.clustering_novelty import PRESENT

            for seed in range(arguments.first_seed, arguments.first_seed + arguments.novelty_seeds):
                for name, values in learning.items():
                    for present in PRESENT:
                        draw = {"generator": generator, "seed": seed, "size": size, "counts": arguments.k}
                        yield {"part": "novelty", "variant": name, "settings": values, "present": present, **draw}


def _digit_tasks(arguments: argparse.Namespace) -> Iterator[Task]:
    from bench.clustering_digits import DIGIT_SETS, RECIPES

    for part in DIGIT_SETS:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            if part not in arguments.parts:
                continue
            yield {"part": part, "variant": "", "generator": -1, "seed": seed}
            for name, recipe in RECIPES[part].items():
                values = asdict(recipe)
                if arguments.digit_epochs:
                    values |= {"epochs": arguments.digit_epochs, "dec_epochs": arguments.digit_epochs}
                yield {"part": part, "variant": name, "generator": -1, "seed": seed, "recipe": values}


def generators_of(arguments: argparse.Namespace) -> list[int]:
    """Return the generator seeds."""
    return list(range(arguments.first_generator, arguments.first_generator + arguments.generators))


def size_of(arguments: argparse.Namespace) -> Size:
    """Return the size of the rendered and kept part of a network."""
    return Size(arguments.stations, arguments.days, arguments.events, 6 * arguments.stations * arguments.days)


def variants_of(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the settings of learning by name: of profiles, and of variants of them."""
    from bench.clustering_synthetic import learning_of

    wanted: dict[str, tuple[str, Any]] = {name: (name, {}) for name in arguments.profiles}
    wanted |= {name: (profile, json.loads(values)) for name, profile, values in arguments.variant}
    found = {}
    for name, (profile, values) in wanted.items():
        settings = learning_of(profile, values).model_dump(mode="json")
        for section, epochs in (("aec", arguments.aec_epochs), ("dec", arguments.dec_epochs)):
            if epochs:
                settings[section]["max_epochs"] = min(epochs, settings[section]["max_epochs"])
        found[name] = {key: settings[key] for key in _LEARNED}
    return found


def key_of(task: Task) -> str:
    """Return the digest under which a task's result is kept."""
    return digest_of([VERSION, versions.PROCESS, versions.AEC, versions.GMM, versions.DEC, task])


def run(task: Task, cache: str) -> list[Row]:
    """Run one task; a failed training is a result too, a row with `failed`."""
    import torch

    from bench import clustering_digits, clustering_novelty, clustering_synthetic
    from bench.clustering_synthetic import Draw, UntrainedError

    torch.set_num_threads(1)
    rows: list[Row]
    if task["part"] in clustering_digits.DIGIT_SETS:
        rows = clustering_digits.run(task["part"], task["seed"], task.get("recipe"))
        return [{name: task[name] for name in ("part", "variant", "generator", "seed")} | row for row in rows]
    draw = Draw(task["generator"], task["seed"], Size(**task["size"]), Path(cache))
    try:
        if not task["variant"]:
            rows = clustering_synthetic.baselines(draw, task["counts"])
        else:
            settings = settings_of(0, values=task["settings"])
            if task["part"] == "novelty":
                rows = clustering_novelty.novelty(draw, settings, task["counts"], task["present"])
            else:
                rows = clustering_synthetic.networks(draw, settings, task["objectives"], task["counts"])
    except UntrainedError as error:
        rows = [{"failed": str(error)}]
    return [{name: task[name] for name in ("part", "variant", "generator", "seed")} | row for row in rows]


def run_all(tasks: list[Task], arguments: argparse.Namespace) -> list[Row]:
    """Run the tasks without a kept result, several at once, and return the rows of all."""
    keys = [key_of(task) for task in tasks]
    kept = _kept(arguments.results)
    missing = [(key, task) for key, task in zip(keys, tasks, strict=True) if key not in kept]
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    cache = str(arguments.cache)
    with arguments.results.open("a+b") as file:
        if file.tell() and not _ends_a_line(file):
            file.write(b"\n")
        for key, rows in track(_results(missing, cache, arguments.workers), "Runs", total=len(missing)):
            kept[key] = rows
            file.write(json.dumps({"key": key, "rows": rows}).encode() + b"\n")
            file.flush()
    return [row for key in keys for row in kept[key]]


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _results(missing: list[tuple[str, Task]], cache: str, workers: int) -> Iterator[tuple[str, list[Row]]]:
    # Spawned, so that a worker's libraries read their number of threads, and tqdm its silence, from the environment.
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        futures = {pool.submit(run, task, cache): key for key, task in missing}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _kept(path: Path) -> dict[str, list[Row]]:
    """Return the rows of a file by key, without a last line that was cut off."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["key"]] = record["rows"]
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=10, help="seeds for digits")
    parser.add_argument("--model-seeds", type=int, default=3, help="seeds for each generator")
    parser.add_argument("--novelty-seeds", type=int, default=1, help="seeds for each generator, for novelty")
    parser.add_argument("--first-seed", type=int, default=0, help="100 and more are for tuning")
    parser.add_argument("--generators", type=int, default=10, help="synthetic networks")
    parser.add_argument("--first-generator", type=int, default=3, help="0 to 2 are for tuning")
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
    parser.add_argument("--stations", type=int, default=Size.stations, help="stations of a network")
    parser.add_argument("--days", type=int, default=Size.days, help="days of a network")
    parser.add_argument("--events", type=int, default=Size.events, help="events of a network")
    parser.add_argument("--aec-epochs", type=int, help="fewer epochs of the platform's autoencoder")
    parser.add_argument("--dec-epochs", type=int, help="fewer epochs of its DEC")
    parser.add_argument("--digit-epochs", type=int, help="fewer epochs on digits")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of rendered events")
    parser.add_argument("--results", type=Path, help="file of finished runs; by default in the cache")
    arguments = parser.parse_args()
    arguments.results = arguments.results or arguments.cache / "clustering.jsonl"
    return arguments


def main() -> None:
    """Parse the command line, run, and print conditions, tables and RESULT."""
    os.environ.update(ONE_THREAD | QUIET)
    arguments = _arguments()
    console = Console(width=max(Console().width, 180))
    tasks = list(tasks_of(arguments))
    if {"network", "novelty"} & set(arguments.parts):
        make_all(generators_of(arguments), size_of(arguments), arguments.cache, arguments.workers)
    rows = run_all(tasks, arguments)
    from bench.clustering_tables import report

    result = report(rows, console)
    result["conditions"] = {
        "cores": os.cpu_count(),
        "workers": arguments.workers,
        "seeds": arguments.seeds,
        "generators": generators_of(arguments),
        "model_seeds": arguments.model_seeds,
        "events": arguments.events,
        "k": arguments.k,
    }
    console.print("Conditions: " + json.dumps(result["conditions"]))
    print("RESULT " + json.dumps(plain(result), allow_nan=False))


def plain(value: Any) -> Any:
    """Return figures with five digits, and none in place of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value


if __name__ == "__main__":
    main()
