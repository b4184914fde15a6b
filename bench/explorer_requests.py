"""Requests to a running explorer, one after another, over HTTP, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests

from bench.explorer_network import FIRST_DAY, NAMES, PART_DAYS, PART_STATIONS

_WAIT_S = 600.0


@dataclass
class Asked:
    """A client of one explorer, and the seconds of its requests by what they were.

    Attributes
    ----------
    address, token
        Of the explorer.
    seconds
        Of each request, by what was asked.
    """

    address: str
    token: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    _session: requests.Session = field(default_factory=requests.Session)

    def get(self, what: str, path: str, **query: str) -> Any:
        """Ask once, note the seconds, and return the answer; JSON as values, all else as bytes."""
        return self._timed(what, lambda: self._session.get(f"{self.address}{path}", params=query, timeout=_WAIT_S))

    def post(self, what: str, path: str, body: dict[str, Any]) -> Any:
        """Send JSON once, note the seconds, and return the answer."""
        headers = {"X-Explorer-Token": self.token}
        return self._timed(
            what, lambda: self._session.post(f"{self.address}{path}", json=body, headers=headers, timeout=_WAIT_S)
        )

    def _timed(self, what: str, ask: Callable[[], requests.Response]) -> Any:
        begun = time.perf_counter()
        answer = ask()
        self.seconds.setdefault(what, []).append(time.perf_counter() - begun)
        if not answer.ok:
            raise RuntimeError(f"{answer.url[:200]}: {answer.status_code}, {answer.text[:300]}")
        return answer.json() if answer.headers["Content-Type"].startswith("application/json") else answer.content

    def quantile(self, share: float, *whats: str) -> float:
        """Return a quantile of the seconds of some kinds of requests."""
        return float(np.quantile([each for what in whats for each in self.seconds[what]], share))


def filters(network: dict[str, Any], rng: np.random.Generator) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield filters as a user would set them, without end: what changes, and the parameters."""
    first, last = network["first"], network["last"]
    while True:
        begin, end = np.sort(rng.uniform(first, last, 2))
        times = {"from": _iso(begin), "to": _iso(end)}
        yield "filter: brush", times
        yield "filter: class", {"class": str(rng.integers(0, len(NAMES)))}
        yield "filter: stations", {"station": ",".join(rng.choice(network["station_codes"], 3, replace=False))}
        hour = int(rng.integers(0, 24))
        yield "filter: hours", {"hours": f"{hour}-{(hour + 6) % 24}", "months": "11-2"}
        yield "filter: ranges", {"snr": f"{rng.uniform(8, 15):.1f}..", "probability": "0.7..", "novelty": "..1"}
        angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(8, 120))))
        x, y = rng.normal(0, 2, 2)
        corners = zip(x + 2 * np.cos(angle), y + 2 * np.sin(angle), strict=True)
        yield "filter: lasso", {"lasso": ";".join(f"{a:.4f},{b:.4f}" for a, b in corners)}
        yield "filter: several", times | {"class": "0,1,2", "assigned": "yes", "reviewed": "no", "source": "no"}


def _iso(seconds: float) -> str:
    return f"{np.datetime64(int(seconds), 's')}Z"


def part(stations: list[str]) -> dict[str, str]:
    """Return the filter of events that have spectrograms of their own."""
    end = np.datetime64(FIRST_DAY) + PART_DAYS
    return {"station": ",".join(stations[:PART_STATIONS]), "to": f"{end}T00:00Z"}


def measure(asked: Asked, rounds: int) -> None:
    """Ask for everything that the views ask for, several times."""
    rng = np.random.default_rng(5)
    network = asked.get("network", "/api/network")
    for name in ("x", "y", "class", "hour"):
        asked.get("column of all events", f"/api/columns/{name}")
    several = filters(network, rng)
    for _ in range(7 * rounds):
        what, query = next(several)
        for path in ("/api/counts", "/api/mask"):
            asked.get(what, path, **query)
        asked.get("distributions", "/api/distributions", **query)
    for _, query in (next(several) for _ in range(rounds)):
        asked.get("timeline", "/api/timeline", **query)
        asked.get("calendar", "/api/calendar", **query)
        asked.get("stations", "/api/stations", **query)
    names = _gallery(asked, part(network["station_codes"]), rounds)
    for name in names[:: max(len(names) // rounds, 1)]:
        asked.get("event", f"/api/events/{name}")
        asked.get("spectrogram", f"/api/events/{name}/spectrogram")
        asked.get("sound", f"/api/events/{name}/sound.wav")
    for name in rng.choice(names, rounds):
        asked.get("neighbours", f"/api/events/{name}/neighbours")
    for name in rng.choice(names, rounds, replace=False):
        body = {"kind": "label", "reviewer": "bench", "event_ids": [str(name)], "class_name": "rift"}
        asked.post("review written", "/api/decisions", body)


def _gallery(asked: Asked, of: dict[str, str], rounds: int) -> list[str]:
    """Turn pages of the gallery, each once cold and once warm; returns the events of all."""
    names = []
    for number in range(1, rounds + 1):
        query = of | {"page": str(number)}
        found = asked.get("gallery page, events", "/api/gallery", **query)
        shown = [each["event_id"] for each in found["events"]]
        names += shown
        for what in ("gallery page, pictures cold", "gallery page, pictures warm"):
            asked.get(what, "/api/thumbnails", events=",".join(shown))
        if found["page"] >= found["pages"]:
            break
    return list(dict.fromkeys(names))
