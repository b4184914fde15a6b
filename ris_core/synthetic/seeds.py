"""Random generators of the synthetic network: one independent stream per purpose, so no order changes a result."""

from __future__ import annotations

import hashlib
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The purpose of a random stream; part of its key."""

    TIDE = 1
    WEATHER = 2
    SITE = 3
    NOISE = 4
    OCCURRENCE = 5
    WAVEFORM = 6
    TEMPLATE = 7
    OUTAGE = 8
    POLARISATION = 9
    TRANSVERSE = 10


def station_key(code: str) -> int:
    """Return a number for a station code; it does not change when stations are added to the network."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], "big")


def generator(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """Return the generator of one stream; the same seed, stream and key (integers ≥ 0) give the same numbers."""
    return np.random.default_rng([seed, int(stream), *key])
