"""One run of the clustering benchmark."""

from __future__ import annotations

from pathlib import Path

import torch

from bench import clustering_digits, clustering_novelty, clustering_synthetic
from bench.clustering_candidates import candidates, choice, partitions_file, read_partitions
from bench.clustering_chains import settings_of
from bench.clustering_synthetic import Draw, UntrainedError
from bench.clustering_tasks import world_settings
from bench.clustering_volcano import VolcanoSize
from bench.clustering_windows import Size
from bench.runs import Row, Task
from ris_core.clustering.ranking.partition import Partition
from ris_core.config import Settings


def run(task: Task, cache: str) -> list[Row]:
    """Run one task; a failed training is a result too, a row with `failed`."""
    torch.set_num_threads(1)
    about = {name: task[name] for name in ("part", "variant", "generator", "seed")}
    if task["part"] in clustering_digits.DIGIT_SETS:
        return [about | row for row in clustering_digits.run(task["part"], task["seed"], task.get("recipe"))]
    draw = _draw(task, cache)
    if "candidates" in task:
        events = draw.events(world_settings(task)).of_role("sample")
        path = partitions_file(Path(cache), task)
        rows = clustered(task, draw, path)
        rows.append(choice(events, *read_partitions(path), "without a network of neurons", task["seed"]))
        return [about | row for row in rows]
    try:
        if not task["variant"]:
            rows = clustering_synthetic.baselines(draw, task["counts"])
        elif task["part"] == "novelty":
            rows = clustering_novelty.novelty(draw, _settings(task), task["counts"], task["present"])
        else:
            rows = _networks(task, draw, cache)
    except UntrainedError as error:
        rows = [{"failed": str(error)}]
    return [about | row for row in rows]


def _draw(task: Task, cache: str) -> Draw:
    if task["part"] == "volcano":
        return Draw("volcano", task["generator"], task["seed"], VolcanoSize(**task["size"]), Path(cache))
    return Draw("network", task["generator"], task["seed"], Size(**task["size"]), Path(cache))


def clustered(task: Task, draw: Draw, path: Path) -> list[Row]:
    """Cluster without a network of neurons, and keep the partitions in a file."""
    settings = world_settings(task)
    events = draw.events(settings).of_role("sample")
    return candidates(events, settings, task["seed"], task["counts"], task["members"], path)


def _settings(task: Task) -> Settings:
    """Return the settings of a variant, for the windows of its world."""
    values = dict(task["settings"])
    if task["part"] == "volcano":
        own = world_settings(task).model_dump(mode="json", exclude_unset=True)
        return Settings.model_validate(own | {name: values[name] for name in ("normalisation", "aec", "dec")})
    return settings_of(0, values=values)


def _networks(task: Task, draw: Draw, cache: str) -> list[Row]:
    """Train an autoencoder; where its windows are those of the candidates, rank its partitions among theirs."""
    settings = _settings(task)
    own: list[Partition] = []
    rows = clustering_synthetic.networks(draw, settings, task["objectives"], task["counts"], own)
    if settings.spectrogram.duration == world_settings(task).spectrogram.duration:
        path = partitions_file(Path(cache), task["choice"])
        if not path.exists():
            clustered(task["choice"], draw, path)
        events = draw.events(settings).of_role("sample")
        kept, proposed = read_partitions(path)
        proposed |= {(row["method"], row["k"]) for row in rows if row.get("rule") == "chosen"}
        rows.append(choice(events, [*kept, *own], proposed, "with the autoencoder", task["seed"]))
    return rows
