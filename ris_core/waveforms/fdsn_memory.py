"""What a process remembers of a service that refuses or does not answer, so that it is spared hopeless requests."""

from __future__ import annotations

import time
from collections.abc import Callable

REFUSED_S = 600.0
"""A station that was refused is not asked for again for this long, s: a process keeps its credentials."""

SILENT_S = 300.0
"""A service that does not answer is left alone for this long, s: what outlasts all attempts lasts minutes."""

SILENT_IN_A_ROW = 3
"""Station-days given up one after another after which it is the service that fails, and not these station-days."""


class Memory:
    """How one service of a data centre answered last, for the stations of one network.

    Parameters
    ----------
    clock
        Gives a time that never goes back, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._given_up = 0
        self._until = 0.0
        self._why = ""
        self._refused: dict[str, tuple[float, str]] = {}

    def hopeless(self, station: str) -> str:
        """Return why a request for a station is not worth making at present, and when it will be; empty where it is."""
        for until, why in (self._refused.get(station, (0.0, "")), (self._until, self._why)):
            left = until - self._clock()
            if left > 0:
                return f"{why}; this process asks again in {left:.0f} s, another run at once"
        return ""

    def answered(self) -> None:
        """Note that the service works."""
        self._given_up, self._until = 0, 0.0

    def refused(self, station: str, said: str) -> None:
        """Note that access to a station was refused, in the words of an error; others of the network may be open."""
        self.answered()
        why = f"not asked, since a request for the same station was refused: {said}"
        self._refused[station] = (self._clock() + REFUSED_S, why)

    def given_up(self, cause: str) -> None:
        """Note that no attempt for a station-day was answered as it should be."""
        self._given_up += 1
        if self._given_up >= SILENT_IN_A_ROW:
            self._until = self._clock() + SILENT_S
            self._why = f"not asked, since {self._given_up} station-days in a row were given up, the last with {cause}"
