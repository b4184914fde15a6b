"""The memory of a process about services that refuse or do not answer, to avoid requests that cannot succeed."""

from __future__ import annotations

import time
from collections.abc import Callable

REFUSED_S = 600.0
"""Time for which a refused station is not requested again, s: the credentials of a process do not change."""

SILENT_S = 300.0
"""Time for which a service that does not answer gets no requests, s: such failures last minutes."""

SILENT_IN_A_ROW = 3
"""Number of failed station-days in a row after which the service counts as failing."""


class Memory:
    """The latest answers of one service of a data centre, for the stations of one network.

    Parameters
    ----------
    clock
        Returns a time that never decreases, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._given_up = 0
        self._until = 0.0
        self._why = ""
        self._refused: dict[str, tuple[float, str]] = {}

    def hopeless(self, station: str) -> str:
        """Return why a request for a station cannot succeed now, and when to try again; empty if it may succeed."""
        for until, why in (self._refused.get(station, (0.0, "")), (self._until, self._why)):
            left = until - self._clock()
            if left > 0:
                return f"{why}; this process asks again in {left:.0f} s, another run at once"
        return ""

    def answered(self) -> None:
        """Record that the service works."""
        self._given_up, self._until = 0, 0.0

    def refused(self, station: str, said: str) -> None:
        """Record that access to a station was refused, with the error; other stations of the network may be open."""
        self.answered()
        why = f"not asked, since a request for the same station was refused: {said}"
        self._refused[station] = (self._clock() + REFUSED_S, why)

    def given_up(self, cause: str) -> None:
        """Record that no attempt for a station-day had a valid answer."""
        self._given_up += 1
        if self._given_up >= SILENT_IN_A_ROW:
            self._until = self._clock() + SILENT_S
            self._why = f"not asked, since {self._given_up} station-days in a row were given up, the last with {cause}"
