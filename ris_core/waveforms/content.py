"""The bytes of a waveform file, unpacked if they are packed with gzip, up to a limit."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from ris_core.storage.damage import DamagedFileError, check_regular

LARGEST_FILE_MB = 2000.0
"""Greatest size of a waveform file, packed or unpacked, MB: a day at 1000 Hz in 64-bit floats is 691 MB."""


class TooLargeError(OSError):
    """A file or an answer is too large; the message gives the limit."""


_GZIP = b"\x1f\x8b"
_STEP = 1 << 24


def content_of(path: Path, largest_mb: float = LARGEST_FILE_MB) -> memoryview:
    """Return the bytes of a file; gzip content is unpacked, for any name of the file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TooLargeError
        The file is larger than the limit, before or after unpacking.
    DamagedFileError
        The file cannot be unpacked, or is not a file, but a folder or a pipe.
    OSError
        The file cannot be read; the message names it.
    """
    try:
        check_regular(path, "put the file in its place")
        size = path.stat().st_size
        if size > largest_mb * 1e6:
            raise _too_large(path, f"{size / 1e6:.0f} MB", largest_mb)
        # Reading into an array needs a fraction of the memory of reading bytes.
        content = np.fromfile(path, dtype=np.uint8).data
    except (FileNotFoundError, TooLargeError, DamagedFileError):
        raise
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error})") from error
    return _unpacked(path, largest_mb) if bytes(content[:2]) == _GZIP else content


def _unpacked(path: Path, largest_mb: float) -> memoryview:
    unpacked = bytearray()
    try:
        with gzip.open(path) as file:
            while part := file.read(_STEP):
                unpacked += part
                if len(unpacked) > largest_mb * 1e6:
                    raise _too_large(path, f"more than {largest_mb:.0f} MB when unpacked", largest_mb)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFileError(path, f"gzip: {error}", "get the file again") from error
    return memoryview(unpacked)


def _too_large(path: Path, size: str, largest_mb: float) -> TooLargeError:
    return TooLargeError(f"{path}: {size}; a waveform file may have at most {largest_mb:.0f} MB; cut it into days")
