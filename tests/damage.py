"""Ways in which a file is damaged after it was written."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\xfa neither text nor anything else" * 200)


def another_kind(path: Path) -> None:
    path.write_bytes(b"PAR1PAR1" if path.suffix != ".parquet" else b"\x89HDF\r\n\x1a\n" + bytes(500))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip_at(share: float) -> Callable[[Path], None]:
    """Return what turns one bit near a place given as a share of the file; which one depends on the file's name."""

    def flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        rng = np.random.default_rng([*path.name.encode(), round(1000 * share)])
        place = min(len(data) - 1, int(share * len(data)) + int(rng.integers(8)))
        data[place] ^= 1 << int(rng.integers(7))
        path.write_bytes(data)

    return flip


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "cut to half": cut,
    "empty": empty,
    "not text": not_text,
    "another kind of file": another_kind,
    "a folder": folder,
    "a bit at the beginning": flip_at(0.0),
    "a bit in the middle": flip_at(0.5),
    "a bit at the end": flip_at(0.98),
}
