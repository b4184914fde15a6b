"""Ways in which a file is damaged after it was written."""

import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
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


def without_head(path: Path, to: Path) -> Path:
    """Write a spectrogram file as earlier versions wrote it: HDF5 from its first byte."""
    with h5py.File(path) as file, h5py.File(to, "w") as copy:
        for name in file:
            file.copy(file[name], copy)
        copy.attrs.update(file.attrs)
    return to


def endless(path: Path) -> None:
    """Give the free space of the heap that holds HDF5's texts a size of nothing: the library looks for its end."""
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL") + 16
    while (number := struct.unpack_from("<H", content, at)[0]) != 0:
        at += 16 + -(-struct.unpack_from("<Q", content, at + 8)[0] // 8) * 8
        assert number < 100
    struct.pack_into("<Q", content, at + 8, 0)
    path.write_bytes(content)


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
