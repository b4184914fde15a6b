"""The head of our HDF5 files: a summary of the file, and the digest of all bytes after the head.

HDF5 leaves room for it at the start of a file (its *user block*), so other programs can open the file. The head is
read and checked without the HDF5 library, which loops, crashes or returns other values for some damaged files. It is
text: a first line, one line of JSON, the digest of that line, and zeros up to the HDF5 part.
"""

from __future__ import annotations

import json
import os
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import xxhash

from ris_core.storage.damage import DamagedFileError, check_regular, damage_named

MAGIC = b"RIS spectrograms, format 1\n"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LIMIT = 2**26  # a training set names each of its station-days, with some 50 bytes each
_BLOCK = 2**20
_LEAST = 512  # HDF5's least user block; all are powers of two
_DIGITS = 32
_AT, _BYTES, _DIGEST = "hdf5_at", "bytes", "hdf5_digest"


def room_for(info: dict[str, Any]) -> int:
    """Return the number of bytes to leave free at the start of a file for a head with this information."""
    needed = len(_encoded({**info, _AT: 2**63, _BYTES: 2**63, _DIGEST: "0" * _DIGITS}))
    return max(_LEAST, 1 << (needed - 1).bit_length())


def write_head(path: Path, info: dict[str, Any], room: int) -> None:
    """Write the head into the room before the HDF5 part of a finished file, with the digest of that part."""
    with path.open("rb+") as file:
        file.seek(room)
        digest = _digest_of_rest(file)
        head = _encoded({**info, _AT: room, _BYTES: os.fstat(file.fileno()).st_size, _DIGEST: digest})
        file.seek(0)
        file.write(head.ljust(room, b"\0"))


def read_head(path: Path) -> dict[str, Any] | None:
    """Return the content of the head; none if the file begins with its HDF5 part, as in earlier versions.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The head is damaged, the file is shorter or longer than when it was written, or it is of another kind.
    """
    check_regular(path)
    with damage_named(path), path.open("rb") as file:
        return _parsed(path, file)


def check_bytes(path: Path) -> bool:
    """Check all bytes of a file that has a head, and return whether it has one.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The bytes do not match their digest.
    """
    with damage_named(path), path.open("rb") as file:
        info = _parsed(path, file)
        if info is None:
            return False
        if file.read(info[_AT] - file.tell()).strip(b"\0"):
            raise DamagedFileError(path, "there are other bytes between its head and its HDF5 part")
        if _digest_of_rest(file) != info[_DIGEST]:
            raise DamagedFileError(path, "its bytes do not match their digest")
    return True


def _parsed(path: Path, file: BufferedIOBase) -> dict[str, Any] | None:
    first = file.readline(len(MAGIC))
    if first != MAGIC:
        if (first + file.read(len(HDF5_SIGNATURE))).startswith(HDF5_SIGNATURE):
            return None
        raise DamagedFileError(path, "not a spectrogram file: it begins neither with a head nor with HDF5")
    text, digest = file.readline(_LIMIT), file.readline(_DIGITS + 1)
    if digest != f"{xxhash.xxh3_128_hexdigest(text)}\n".encode():
        raise DamagedFileError(path, "its head does not match its digest")
    info: dict[str, Any] = json.loads(text)
    size = os.fstat(file.fileno()).st_size
    if size != info[_BYTES]:
        raise DamagedFileError(path, f"it has {size} bytes; {info[_BYTES]} were written")
    return info


def _encoded(info: dict[str, Any]) -> bytes:
    text = json.dumps(info, sort_keys=True).encode() + b"\n"
    return MAGIC + text + f"{xxhash.xxh3_128_hexdigest(text)}\n".encode()


def _digest_of_rest(file: BufferedIOBase) -> str:
    digest = xxhash.xxh3_128()
    block = memoryview(bytearray(_BLOCK))
    while count := file.readinto(block):
        digest.update(block[:count])
    return digest.hexdigest()
