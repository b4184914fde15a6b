"""Folders of models whose place has changed since an earlier version are moved when a data root is opened."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

logger = logging.getLogger(__name__)


def move_folders(moves: dict[Path, Path]) -> None:
    """Move folders to their new places, unless this was done before.

    Several processes may do this at the same time, and one may be killed while it does: each folder in them is moved by
    one rename, and the next call moves those that are left. What is in the new place already is not replaced. What
    cannot be moved is said in a warning.

    Parameters
    ----------
    moves
        New place of each folder by its place in earlier versions.
    """
    for old, new in moves.items():
        if not old.is_dir():
            continue
        try:
            left = _moved(old, new)
        except OSError as error:
            _say(
                f"{old}: models of an earlier version are here, but belong to {new} now, and cannot be moved "
                f"({error.strerror or error}), so they count as not trained: let a user who may write there run "
                f"`ris status` once, or move them: mv {old}/* {new}/"
            )
            continue
        if left:
            _say(
                f"{old}: {', '.join(left)} of an earlier version stay here and are not used, since {new} has folders "
                "of the same names; remove the ones that you do not need"
            )


def _moved(old: Path, new: Path) -> list[str]:
    """Move what is in a folder, and return the names of what is in both places."""
    new.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # another process has moved all of it
        for found in sorted(old.iterdir()):
            if not (new / found.name).exists():
                with suppress(FileNotFoundError):  # another process has moved it
                    found.rename(new / found.name)
        left = sorted(found.name for found in old.iterdir())
        if not left:
            old.rmdir()
        return left
    return []


@lru_cache(maxsize=64)
def _say(message: str) -> None:
    """Warn once in a process: a root is opened many times."""
    logger.warning("%s", message)
