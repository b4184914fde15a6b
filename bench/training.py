"""Training and labelling beside a plain PyTorch program: ``python -m bench.training``.

The plain program (`bench.plain_training`) reads the events as the published code stores them, raw float32, and opens
the file for every event; ours reads the same events from its own compressed file. Each route runs in separate processes
with the same number of threads, and the two take turns. Rates are those of wall time, with CPU-seconds beside them,
which depend less on other work of a shared machine. The pass with the least seconds counts; the first pass of a process
does not.

Seconds to an MSE: both train the same network, from the same weights for a seed, and validate on the same events. The
plain program trains with the values of the published grid until its patience is used up. The figures are the seconds
until its best validation MSE, and the seconds until ours, with its own values, reaches it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.kept_windows import CACHE
from bench.training_events import QUICK, blocks_of, gather, published_settings, write_ours, write_published
from bench.training_routes import OUR_FILE, PLAIN_FILE, Job, Part, Route, Trial

PARTS = ("aec", "dec", "labels", "mse")
ROUTES: tuple[Route, ...] = ("plain", "ours")
FAST = Trial(batch_size=32, learning_rate=2e-3, schedule="cosine", max_epochs=25, patience=25, input_scale="unit_rms")
VALIDATION = 0.2
_PREPARING_STEPS = 400
Figures = dict[str, Any]


def child(job: Job, threads: int) -> Figures:
    """Run a job in a separate process and return its result."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.training_routes", job.model_dump_json()],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def write_events(folder: Path, x: NDArray[np.float32]) -> tuple[int, int]:
    """Write events in both forms; return their number, and the number for training."""
    settings = published_settings(len(x))
    training = len(x) - max(1, round(VALIDATION * len(x)))
    write_published(folder / PLAIN_FILE, len(x), blocks_of(x), settings)
    write_ours(folder / OUR_FILE, x, np.arange(len(x)) >= training, settings)
    return len(x), training


def prepared(training: int) -> Trial:
    """Return the training of the autoencoder for DEC and labels: until its latents distinguish events."""
    epochs = -(-_PREPARING_STEPS * FAST.batch_size // training)
    return FAST.model_copy(update={"max_epochs": epochs, "patience": epochs})


def rates(runs: list[Figures]) -> Figures:
    """Return events per second and per CPU-second of the best pass, of the median pass, and the share of reading."""
    passes = [p for found in runs for p in found["passes"][1:]]
    best = min(passes, key=lambda p: p["seconds"] / p["events"])
    return {
        "per_s": best["events"] / best["seconds"],
        "per_s_median": float(np.median([p["events"] / p["seconds"] for p in passes])),
        "per_cpu_s": max(p["events"] / p["cpu"] for p in passes),
        "reading_share": best["reading"] / best["seconds"],
        "peak_rss_mb": max(found["peak_rss_mb"] for found in runs),
        "passes": len(passes),
    }


def compare(part: Part, base: Job, threads: int, turns: int) -> Figures:
    """Run a part by both routes in turns; return rates, their ratio and the share of labels that agree."""
    runs: dict[Route, list[Figures]] = {"plain": [], "ours": []}
    for _ in range(turns):
        for route in ROUTES:
            runs[route].append(child(base.model_copy(update={"part": part, "route": route}), threads))
    found: Figures = {route: rates(of_route) for route, of_route in runs.items()}
    return found | _ratios(found) | _agreement(runs["plain"][-1], runs["ours"][-1])


def _ratios(found: Figures) -> Figures:
    plain, ours = found["plain"], found["ours"]
    return {"ratio": ours["per_s"] / plain["per_s"], "cpu_ratio": ours["per_cpu_s"] / plain["per_cpu_s"]}


def _agreement(plain: Figures, ours: Figures) -> Figures:
    if "labels" not in plain:
        return {}
    one, other = np.array(plain["labels"]), np.array(ours["labels"])
    # Labels that are all the same would agree in any case.
    return {"same_labels": float(np.mean(one == other)), "clusters_in_use": len(np.unique(other))}


def compare_labels(base: Job, threads: int, turns: int) -> dict[str, Figures]:
    """Compare labelling without and with reconstruction error; the plain program knows only the second."""
    both = compare("labels_and_error", base, threads, turns)
    update = {"part": "labels", "route": "ours"}
    runs = [child(base.model_copy(update=update), threads) for _ in range(turns)]
    alone: Figures = {"plain": both["plain"], "ours": rates(runs)}
    return {"labels": alone | _ratios(alone), "labels_and_error": both}


def to_mse(base: Job, fast: Trial, threads: int, seeds: Sequence[int]) -> list[Figures]:
    """Train by both routes for each seed; return when each was first as good as the plain program's best."""
    rows = []
    for seed in seeds:
        update = {"part": "mse", "route": "plain", "seed": seed}
        plain = child(base.model_copy(update=update), threads)["passes"]
        ours = child(base.model_copy(update={**update, "route": "ours", "trial": fast}), threads)["passes"]
        goal = min(epoch["mse"] for epoch in plain)
        row: Figures = {"seed": seed, "mse": goal, "our_best_mse": min(epoch["mse"] for epoch in ours)}
        for name, epochs in (("plain", plain), ("ours", ours)):
            row[name] = first_as_good(epochs, goal)
        row["plain"]["reading"] = sum(e["reading"] for e in plain[: row["plain"]["epoch"]])
        row["ratio"] = row["ours"]["seconds"] / row["plain"]["seconds"]
        row["cpu_ratio"] = row["ours"]["cpu"] / row["plain"]["cpu"]
        rows.append(row)
        print(f"seed {seed}: {json.dumps(row)}", file=sys.stderr)
    return rows


def first_as_good(epochs: list[dict[str, float]], goal: float) -> dict[str, float]:
    """Return epoch (from 1), seconds and CPU-seconds when an MSE was reached; NaN if it never was."""
    for number, epoch in enumerate(epochs, start=1):
        if epoch["mse"] <= goal:
            return {"epoch": number, "seconds": epoch["since_start"], "cpu": epoch["cpu_since_start"]}
    return {"epoch": len(epochs), "seconds": float("nan"), "cpu": float("nan")}


def show_rates(found: dict[str, Figures], console: Console) -> None:
    """Print rates of both routes."""
    names = {
        "aec": "AEC, with validation",
        "dec": "DEC, with updates",
        "labels": "labels and latents",
        "labels_and_error": "and reconstruction error",
    }
    table = Table(
        "events/s", "plain", "ours", "times", "plain, CPU-s", "ours, CPU-s", "times", "MB", "labels that agree"
    )
    for part, figures in found.items():
        plain, ours = figures["plain"], figures["ours"]
        same = (
            f"{figures['same_labels']:.2%} of {figures['clusters_in_use']} clusters" if "same_labels" in figures else ""
        )
        table.add_row(
            names[part],
            *(f"{route['per_s']:,.0f}" for route in (plain, ours)),
            f"{figures['ratio']:.2f}",
            *(f"{route['per_cpu_s']:,.0f}" for route in (plain, ours)),
            f"{figures['cpu_ratio']:.2f}",
            f"{plain['peak_rss_mb']} / {ours['peak_rss_mb']}",
            same,
        )
    console.print(table)


def show_mse(rows: list[Figures], console: Console) -> None:
    """Print when each route reached the plain program's best validation MSE."""
    table = Table("seed", "MSE", "plain: epoch", "s", "of it reading", "CPU-s", "ours: epoch", "s", "CPU-s", "s, ratio")
    for row in rows:
        plain, ours = row["plain"], row["ours"]
        table.add_row(
            str(row["seed"]),
            f"{row['mse']:.3g}",
            str(plain["epoch"]),
            *(f"{plain[name]:.0f}" for name in ("seconds", "reading", "cpu")),
            str(ours["epoch"]),
            *(f"{ours[name]:.0f}" for name in ("seconds", "cpu")),
            f"{row['ratio']:.2f}",
        )
    console.print(table)


def summary_of_mse(rows: list[Figures], fast: Trial) -> Figures:
    """Return means over the seeds; no number where ours never was as good."""
    ratio, cpu_ratio = (np.array([row[name] for row in rows]) for name in ("ratio", "cpu_ratio"))
    reached = bool(np.isfinite(ratio).all())
    return {
        "trial": fast.model_dump(),
        "reached": reached,
        "ratio": float(ratio.mean()) if reached else None,
        "largest_ratio": float(ratio.max()) if reached else None,
        "cpu_ratio": float(cpu_ratio.mean()) if reached else None,
        "plain_best_mse": [row["mse"] for row in rows],
        "our_best_mse": [row["our_best_mse"] for row in rows],
        "plain_s": [row["plain"]["seconds"] for row in rows],
        "our_s": [row["ours"]["seconds"] for row in rows] if reached else None,
    }


def main() -> None:
    """Parse the command line, run, and print tables and RESULT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--events", type=int, default=4200, help="at most; a fifth is for validation")
    parser.add_argument("--generators", type=int, nargs="+", default=[3, 4, 5], help="of the synthetic network")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the generators' events")
    parser.add_argument("--quick", action="store_true", help="one station-day of each generator")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=3, help="turns of each route")
    parser.add_argument("--epochs", type=int, default=3, help="of aec and dec in a turn; the first does not count")
    parser.add_argument("--passes", type=int, default=3, help="over the events in a turn of labels, the same")
    parser.add_argument("--seeds", type=int, default=5, help="trainings to an MSE")
    parser.add_argument("--trial", default=Trial().model_dump_json(), help="how the plain program trains, JSON")
    parser.add_argument("--fast", default=FAST.model_dump_json(), help="how ours is trained to an MSE, JSON")
    arguments = parser.parse_args()
    if arguments.epochs < 2 or arguments.passes < 2 or min(arguments.turns, arguments.seeds, arguments.threads) < 1:
        parser.error("--epochs and --passes must be 2 or more, --turns, --seeds and --threads 1 or more")
    trial, fast = (Trial.model_validate_json(text) for text in (arguments.trial, arguments.fast))
    console = Console(width=max(Console().width, 120))
    x = gather(arguments.events, arguments.generators, arguments.cache, QUICK if arguments.quick else None)
    with tempfile.TemporaryDirectory(prefix="ris-bench-") as name:
        folder = Path(name)
        events, training = write_events(folder, x)
        sizes = {file: round((folder / file).stat().st_size / 1e6) for file in (PLAIN_FILE, OUR_FILE)}
        base = Job(
            part="imports",
            route="ours",
            folder=folder,
            training=training,
            trial=trial,
            epochs=arguments.epochs,
            passes=arguments.passes,
        )
        imports = child(base, arguments.threads)["peak_rss_mb"]
        console.print(
            f"{events} events, {training} for training; {arguments.threads} threads of {os.cpu_count()} cores; batch "
            f"{trial.batch_size}, learning rate {trial.learning_rate:g}; MB of the files: {sizes}; {imports} MB of "
            f"memory are taken by imports; load average {', '.join(f'{load:.1f}' for load in os.getloadavg())}"
        )
        found: dict[str, Figures] = {}
        if "dec" in arguments.parts or "labels" in arguments.parts:
            child(base.model_copy(update={"part": "prepare", "trial": prepared(training)}), arguments.threads)
        for part in ("aec", "dec"):
            if part in arguments.parts:
                found[part] = compare(part, base, arguments.threads, arguments.turns)
        if "labels" in arguments.parts:
            found |= compare_labels(base, arguments.threads, arguments.turns)
        show_rates(found, console)
        result: Figures = {"events": events, "threads": arguments.threads, "imports_mb": imports, **found}
        if "mse" in arguments.parts:
            rows = to_mse(base, fast, arguments.threads, range(arguments.seeds))
            show_mse(rows, console)
            result["mse"] = summary_of_mse(rows, fast)
    print(f"load average at the end: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
