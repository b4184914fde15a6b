"""All targets of `bench.faults`, by name."""

from __future__ import annotations

from bench import faults_foreign, faults_products, faults_waveforms
from bench.faults_targets import Target


def all_targets() -> dict[str, Target]:
    """Return every target by name."""
    return {**faults_waveforms.TARGETS, **faults_products.TARGETS, **faults_foreign.TARGETS}
