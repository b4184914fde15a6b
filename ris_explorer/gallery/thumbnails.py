"""Thumbnails of events, drawn once and kept in memory as long as the file that they come from stays the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from ris_core.contracts.event_identifier import possible_days
from ris_core.storage.layout import Layout
from ris_explorer.gallery.event_files import read_found
from ris_explorer.gallery.thumbnail_picture import draw_thumbnail

_MOST_BYTES = 48 << 20
_Version = tuple[tuple[int, int, int], ...]


class Thumbnails:
    """Makes thumbnails; several threads may ask at once.

    Parameters
    ----------
    layout
        The data root.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._kept: OrderedDict[str, tuple[_Version, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, event_ids: Sequence[str]) -> dict[str, bytes | str]:
        """Return for each event its PNG, or in words why there is none.

        Parameters
        ----------
        event_ids
            Identifiers of the catalogue.
        """
        versions = {name: self._version(name) for name in event_ids}
        with self._lock:
            there: dict[str, bytes | str] = {}
            for name, version in versions.items():
                if name in self._kept and self._kept[name][0] == version:
                    self._kept.move_to_end(name)
                    there[name] = self._kept[name][1]
        for name, found in read_found(self._layout, [name for name in versions if name not in there]).items():
            if isinstance(found, str):
                there[name] = found
                continue
            there[name] = picture = draw_thumbnail(found.spectrogram, found.waveform, found.recorded)
            self._keep(name, versions[name], picture)
        return there

    def _keep(self, name: str, version: _Version, picture: bytes) -> None:
        with self._lock:
            if name in self._kept:
                self._bytes -= len(self._kept.pop(name)[1])
            self._kept[name] = version, picture
            self._bytes += len(picture)
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1][1])

    def _version(self, name: str) -> _Version:
        """Return size, time and inode of the files that may have the event."""
        found = []
        for key in possible_days(name):
            try:
                stat = self._layout.spectrograms(key).stat()
            except FileNotFoundError:
                continue
            found.append((stat.st_size, stat.st_mtime_ns, stat.st_ino))
        return tuple(found)
