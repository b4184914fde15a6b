"""How many batches DEC needs, and how often its target distribution: ``python -m bench.dec_steps``.

DEC with the values of `recommended` is trained on events of synthetic networks (`docs/synthetic.md`), many more than in
the benchmark of clustering, from one autoencoder and one set of initial clusters of the true K for each network. The
trainings differ in the bound of their batches (`dec.max_steps`) and in the batches between two updates of the target
distribution. They do not end before their bound. Generators 0 to 2 are for tuning. Each network is one process on one
thread, and its result is kept; an interrupted benchmark continues from there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.arguments import numbers, parse, size_of
from bench.clustering_windows import MOST_DAYS, MOST_STATIONS, Size
from bench.runs import Row, Task, plain, quiet_threads, run_all
from ris_core import versions
from ris_core.section import digest_of

ARMS = ((1000, 100), (2000, 100), (3000, 100), (2000, 200))
"""Batches in all, and batches between two updates at most."""


def _run(task: Task, cache: str) -> list[Row]:
    import torch

    from bench.clustering_candidates import true_count
    from bench.clustering_scores import scored
    from bench.clustering_synthetic import VALIDATION, Draw, learning_of, train
    from bench.clustering_training import embed
    from ris_core.training.normalise import normalise

    torch.set_num_threads(1)
    settings = learning_of("recommended", {"aec": {"max_epochs": task["aec_epochs"]}})
    draw = Draw("network", task["generator"], 0, Size(**task["size"]), Path(cache))
    events = draw.events(settings).of_role("sample")
    x = normalise(events.spectrogram, settings.normalisation)
    model, about, _ = train(draw, x, events.validation(VALIDATION, 0), settings.aec)
    k = true_count(events)
    embedded = embed(model, x, [k], settings.dec.initialisation, 0)
    row = {"generator": task["generator"], "events": len(events), "k": k, **about}
    rows = [{**row, "steps": 0, **scored(events.family, embedded.initial[k].labels)}]
    for steps, interval in task["arms"]:
        batches = math.ceil(len(events) / settings.dec.batch_size)
        bounds = {
            "max_steps": steps,
            "max_update_interval": interval,
            "max_epochs": math.ceil(steps / batches),
            "updates_per_epoch": 1,
            "tolerance": 0.0,
        }
        dec, seconds = embedded.dec(k, settings.dec.model_copy(update=bounds), settings.dec.objective, 0)
        last = dec.updates[-1]
        rows.append(
            {
                **row,
                "steps": steps,
                "interval": interval,
                "updates": len(dec.updates) - 1,
                "epochs": dec.epochs,
                "label_change": last["label_change"],
                "cpu_s": seconds,
                **scored(events.family, dec.labels),
            }
        )
    return rows


def _table(rows: list[Row], console: Console) -> list[Row]:
    """Print the means over the networks, and return them."""
    table = Table(title="DEC on many events, true K")
    for head in ("batches", "between updates", "updates", "epochs", "ARI", "each", "last change", "CPU s"):
        table.add_column(head, justify="right")
    found = []
    for arm in dict.fromkeys((row["steps"], row.get("interval")) for row in rows):
        of = [row for row in rows if (row["steps"], row.get("interval")) == arm]
        each = [row["ari"] for row in of]
        names = ("updates", "epochs", "label_change", "cpu_s")
        means = {name: mean(row[name] for row in of) for name in names if name in of[0]}
        found.append({"steps": arm[0], "interval": arm[1], "ari": mean(each), "each": each, **means})
        cells = [f"{arm[0]:,}", str(arm[1] or ""), f"{means.get('updates', 0):.0f}", f"{means.get('epochs', 0):.1f}"]
        cells += [f"{mean(each):.3f}", " ".join(f"{ari:.3f}" for ari in each)]
        cells += [f"{means['label_change']:.1%}", f"{means['cpu_s']:.0f}"] if "cpu_s" in means else ["", ""]
        table.add_row(*cells)
    console.print(table)
    return found


def main() -> None:
    """Parse the command line, run, and print table, conditions and RESULT."""
    quiet_threads()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generators", type=numbers, default=[3, 4], help="like 3-10 or 3,5,8")
    parser.add_argument("--events", type=int, default=14_000, help="of a network, at most")
    parser.add_argument("--days", type=int, default=MOST_DAYS, help="of a network")
    parser.add_argument("--stations", type=int, default=MOST_STATIONS, help="of a network")
    parser.add_argument("--aec-epochs", type=int, default=6, help="of the autoencoder")
    arguments = parse(parser, "dec_steps.jsonl")
    from bench.clustering_events import make_all

    size = size_of(arguments)
    make_all(arguments.generators, size, arguments.cache, arguments.workers)
    tasks: list[dict[str, Any]] = [
        {
            "generator": generator,
            "size": vars(size),
            "aec_epochs": arguments.aec_epochs,
            "arms": [list(a) for a in ARMS],
        }
        for generator in arguments.generators
    ]
    keys = [digest_of([versions.AEC, versions.GMM, versions.DEC, task]) for task in tasks]
    rows = run_all(_run, tasks, keys, arguments.results, arguments.cache, arguments.workers)
    console = Console(width=max(Console().width, 120))
    found = _table(rows, console)
    conditions = {"cores": os.cpu_count(), "workers": arguments.workers, "generators": arguments.generators}
    conditions["events"] = [row["events"] for row in rows if row["steps"] == 0]
    console.print("Conditions: " + json.dumps(conditions))
    print("RESULT " + json.dumps(plain({"arms": found, "conditions": conditions}), allow_nan=False))


if __name__ == "__main__":
    main()
