"""Results of checks of files, kept in this process as long as a file does not change."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from pathlib import Path

from ris_core.storage.damage import DamagedFileError

_SETTLED_SECONDS = 2.0
_seen: dict[tuple[str, Path], tuple[tuple[int, ...], DamagedFileError | None]] = {}


def once(kind: str, path: Path, look: Callable[[Path], object]) -> None:
    """Check a file, unless this process has done so and its size, times and inode are the same.

    The result for a file that changed in the last seconds is not kept: the clock of the file system may be too coarse
    to show the next change.

    Parameters
    ----------
    kind
        Name of the check.
    path
        The file.
    look
        Called with the path; raises `DamagedFileError` if the file is damaged.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The check found damage, now or earlier.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DamagedFileError(path, "not a file")
    now = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino
    before = _seen.get((kind, path))
    if before is not None and before[0] == now:
        found = before[1]
    else:
        found = None
        try:
            look(path)
        except DamagedFileError as error:
            found = error
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
            _seen[kind, path] = now, found
    if found is not None:
        raise DamagedFileError(found.path, found.why, found.remedy)
