"""Arrays by name in a safetensors file, with a digest of all content, so that a changed byte is noticed when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ris_core.storage.atomic import replacing
from ris_core.storage.damage import REMADE, DamagedFileError, damage_named

Arrays = dict[str, NDArray[Any]]
_ABOUT, _DIGEST = "about", "file_digest"
_LENGTH = 8


def arrays_digest(arrays: Mapping[str, NDArray[Any]], about: str = "") -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 over names, types, shapes and little-endian values."""
    sha = hashlib.sha256(about.encode())
    for name, array in sorted(arrays.items()):
        sha.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        sha.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return sha.hexdigest()[:12]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str] | None = None) -> None:
    """Write arrays by name, and their description, atomically; the same content gives the same bytes."""
    plain = {name: np.array(array, order="C", copy=None) for name, array in arrays.items()}
    said = dict(about or {})
    said[_DIGEST] = arrays_digest(plain, _canonical(said))
    # One entry: safetensors writes several in no fixed order.
    content = safetensors.numpy.save(plain, {_ABOUT: _canonical(said)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read_arrays(path: Path, remedy: str = REMADE, digest_needed: bool = False) -> tuple[Arrays, dict[str, str]]:
    """Return the arrays of a safetensors file by name, and their description.

    Parameters
    ----------
    path
        The file; it is read as a whole, so that no memory is reserved for data that it only declares.
    remedy
        What to do if it is damaged.
    digest_needed
        Whether a file without a digest is refused as well. Files of earlier versions have none.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a safetensors file, or does not match its digest.
    """
    with damage_named(path, remedy):
        content = path.read_bytes()
        arrays = safetensors.numpy.load(content)
        header = content[_LENGTH : _LENGTH + int.from_bytes(content[:_LENGTH], "little")]
        said: dict[str, str] = json.loads(header).get("__metadata__", {})
        if _ABOUT in said:
            said = json.loads(said[_ABOUT])
        kept = said.pop(_DIGEST, None)
    # Each of the two signs is enough: so a file whose digest lost its name does not pass for one of an earlier version.
    if kept is None and (f'"{_ABOUT}"'.encode() in header or _DIGEST.encode() in header):
        raise DamagedFileError(path, "its digest cannot be found", remedy)
    if kept is None and digest_needed:
        raise DamagedFileError(path, "it has no digest: an earlier version wrote it", remedy)
    if kept is not None and kept != arrays_digest(arrays, _canonical(said)):
        raise DamagedFileError(path, "its content does not match its digest", remedy)
    return arrays, said


def _canonical(said: Mapping[str, str]) -> str:
    return json.dumps(said, sort_keys=True)
