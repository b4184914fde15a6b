"""The runs of the clustering benchmark, each with everything that influences its result."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bench.arguments import size_of, volcano_size_of
from bench.clustering_chains import settings_of
from bench.runs import Task
from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of

VERSION = 3
PARTS = ("digits", "mnist", "network", "volcano", "novelty")
PROFILES = ("paper", "recommended")
WORLDS = ("network", "volcano")
_LEARNED = ("conditioning", "spectrogram", "normalisation", "aec", "dec", "novelty")


def tasks_of(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks, each with everything that influences its result."""
    yield from _digit_tasks(arguments)
    learning = variants_of(arguments)
    for part in WORLDS:
        if part in arguments.parts:
            yield from _world_tasks(part, arguments, learning)
    if "novelty" in arguments.parts:
        yield from _novelty_tasks(arguments, learning)


def _world_tasks(part: str, arguments: argparse.Namespace, learning: Mapping[str, Any]) -> Iterator[Task]:
    """Return the cheap runs of all generators, then those of networks of neurons."""
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.model_seeds)
    draws = [
        draw_of(arguments, part, generator, seed) for generator in generators_of(arguments, part) for seed in seeds
    ]
    for draw in draws:
        if part == "network":
            yield {"variant": "", **draw}
        yield candidates_of(draw, arguments)
    for draw in draws:
        for name, values in learning.items():
            # The published network takes in windows of 4 s of 50 Hz, which a volcano's settings do not make.
            if draw["seed"] < arguments.first_seed + arguments.network_seeds and (part, name) != ("volcano", "paper"):
                objectives = sorted({values["dec"]["objective"], *arguments.objectives})
                of = {"settings": values, "objectives": objectives, "choice": candidates_of(draw, arguments)}
                yield {"variant": name, **of, **draw}


def _novelty_tasks(arguments: argparse.Namespace, learning: Mapping[str, Any]) -> Iterator[Task]:
    from bench.clustering_novelty import PRESENT

    for generator in generators_of(arguments, "novelty"):
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.novelty_seeds):
            for name, values in learning.items():
                for present in PRESENT:
                    draw = draw_of(arguments, "novelty", generator, seed)
                    yield {"variant": name, "settings": values, "present": present, **draw}


def draw_of(arguments: argparse.Namespace, part: str, generator: int, seed: int) -> Task:
    """Return what says which events a run has."""
    size = asdict(size_of(arguments) if part != "volcano" else volcano_size_of(arguments))
    return {"part": part, "generator": generator, "seed": seed, "size": size, "counts": arguments.k}


def candidates_of(draw: Task, arguments: argparse.Namespace) -> Task:
    """Return the task of all clusterings without a network of neurons."""
    settings = world_settings(draw)
    sections = {name: getattr(settings, f"{name}_of") for name in ("representation", "clusterer")}
    own = {"attributes": sections["representation"]("attributes"), "consensus": sections["clusterer"]("consensus")}
    values = {name: section.model_dump(mode="json") for name, section in own.items()}
    return {"variant": "", "candidates": values, "members": arguments.members, **draw}


def world_settings(draw: Task) -> Settings:
    """Return the settings that the events of the candidates are made with: windows of 10 s."""
    if draw["part"] == "volcano":
        from bench.clustering_volcano import VolcanoSize, volcano_settings

        return volcano_settings(VolcanoSize(**draw["size"]))
    return settings_of(0, "zero_phase_10s")


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


def generators_of(arguments: argparse.Namespace, part: str) -> list[int]:
    """Return the generator seeds of a part."""
    first, number = arguments.first_generator, arguments.generators
    if part == "volcano":
        first, number = 0, arguments.volcanoes
    return list(range(first, first + number))


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
