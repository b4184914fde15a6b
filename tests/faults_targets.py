"""Targets for the bench of faults whose readers do all that a reader must not."""

import os
import time
from pathlib import Path

from bench.faults_targets import Found, Target
from ris_core.storage.damage import DamagedFileError


def _make(folder: Path) -> list[Path]:
    (folder / "file").write_bytes(bytes(range(256)))
    return [folder / "file"]


def _is_damaged(path: Path) -> bool:
    return path.read_bytes() != bytes(range(256))


def _dies(folder: Path, path: Path) -> Found:
    if _is_damaged(path):
        os.abort()
    return Found("whole")


def _hangs(folder: Path, path: Path) -> Found:
    while _is_damaged(path):
        time.sleep(0.01)
    return Found("whole")


def _believes(folder: Path, path: Path) -> Found:
    return Found(path.read_bytes().hex())


def _takes_memory(folder: Path, path: Path) -> Found:
    if _is_damaged(path):
        bytearray(2**33)
    return Found("whole")


def _is_terse(folder: Path, path: Path) -> Found:
    if _is_damaged(path):
        raise ValueError("no")
    return Found("whole")


def _says(folder: Path, path: Path) -> Found:
    if _is_damaged(path):
        raise DamagedFileError(path, "it is not what was written")
    return Found("whole")


def targets() -> dict[str, Target]:
    readers = (_dies, _hangs, _believes, _takes_memory, _is_terse, _says)
    return {reader.__name__: Target(_make, reader) for reader in readers}
