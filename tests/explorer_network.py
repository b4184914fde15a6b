"""A small real network with all that the explorer shows, made in seconds: waveforms, events, labels, map, reviews.

Three stations, of which the last has no response, four days over the end of a February, three classes of bursts of 5, 9
and 14 Hz. Fixtures are in
`conftest.py`: `explored` (shared, never to be changed) and `read_client`; `explored_copy` (of a test's own), `explorer`
and `own_client` over that copy; `explorer_address` for a browser.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from builders import sds_values, synthetic_values, write_day, write_yaml
from starlette.testclient import TestClient
from store import Store
from training_builders import draw_set, load_set

from bench.ports import free_ports
from ris_core.access import read_catalogue
from ris_core.catalogue.catalogue_update import update_catalogue
from ris_core.clustering.candidate_run import train_candidate
from ris_core.clustering.candidates import candidate_of_k
from ris_core.clustering.champion import appoint
from ris_core.clustering.representation_run import fit_representation
from ris_core.config import Settings, load_settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.decision import Decision
from ris_core.contracts.run_log import RecordedRun
from ris_core.environment.series_run import make_series
from ris_core.event_map.event_map_run import make_event_map
from ris_core.labels.appointment import prepare
from ris_core.rates.rate_run import make_rates
from ris_core.review.log import ReviewLog
from ris_core.station_days.station_days import StationDays
from ris_core.synthetic.seismometer import build_inventory
from ris_core.web.guard import Guard, allowed_hosts
from ris_explorer.app import SAME_ORIGIN_ONLY, explorer_app
from ris_explorer.explorer import Addresses, Explorer

STATIONS = ("AA", "BB", "CC")
DAYS = (date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1), date(2020, 3, 2))
HOURS = (5, 22)
"""Hours of the day of which ten minutes are recorded."""
WITHOUT = ("CC", date(2020, 3, 1))
"""A station-day that the archive does not have."""
CANDIDATE, K = CandidateName.of("spectra/gmm"), 3
NAMES = {0: "icequake", 1: "basal <b>slip</b>", 2: "thermal"}
"""Names of the classes; one looks like HTML, which must stay text."""
ADDRESSES = Addresses("http://127.0.0.1:3000", "http://127.0.0.1:5000")


@dataclass(frozen=True)
class Explored:
    """A network on disk.

    Attributes
    ----------
    config
        Its settings file.
    data
        The folder that RIS_DATA names.
    """

    config: Path
    data: Path

    @classmethod
    def at(cls, folder: Path) -> Explored:
        """Return what `make_explored` made in a folder."""
        return cls(folder / "explored.yaml", folder / "data")

    def open(self) -> StationDays:
        """Return the network; no variable of the environment is needed."""
        settings = load_settings(self.config)
        return StationDays.open(settings, self.data / settings.network.name)

    def explorer(self, **addresses: str) -> Explorer:
        """Return a new explorer of it."""
        return Explorer(self.open(), replace(ADDRESSES, **addresses))

    def copied_to(self, folder: Path) -> Explored:
        """Return a copy of settings and data; archive and files of series stay where they are."""
        shutil.copytree(self.data, folder / "data")
        return Explored(Path(shutil.copy(self.config, folder)), folder / "data")


class Client(TestClient):
    """Asks an explorer as its own page does; `post` sends JSON with the token."""

    def __init__(self, explorer: Explorer) -> None:
        app = Guard(explorer_app(explorer), allowed_hosts("127.0.0.1"), SAME_ORIGIN_ONLY)
        own = {"X-Explorer-Token": explorer.token, "Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8050"}
        super().__init__(app, "http://127.0.0.1:8050", raise_server_exceptions=False, headers=own)
        self.explorer = explorer

    def json_of(self, path: str, **query: str) -> Any:
        """Return the JSON of an answer, which must be a success."""
        answer = self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def array_of(self, path: str, **query: str) -> np.ndarray:
        """Return the numbers of an answer in bytes, in their shape."""
        answer = self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        shape = tuple(int(n) for n in answer.headers["X-Shape"].split(","))
        return np.frombuffer(answer.content, answer.headers["X-Type"]).reshape(shape)


@contextmanager
def served(explorer: Explorer) -> Iterator[str]:
    """Give the address of an explorer that a thread of this process serves, behind the guard, until the block ends."""
    (port,) = free_ports(1)
    app = Guard(explorer_app(explorer), allowed_hosts("127.0.0.1"), SAME_ORIGIN_ONLY)
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the explorer did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def make_explored(folder: Path) -> Explored:
    """Make the network in an empty folder."""
    made = Explored.at(folder)
    write_yaml(made.config, _values(folder))
    _write_inputs(folder)
    settings = load_settings(made.config)
    store = Store(settings, made.data / settings.network.name)
    network = StationDays(settings, store, pictures=False)
    keys = list(network.all())
    for key in keys:
        if network.acquire.run(key).result.has_data:
            network.process.run(key)
    _appoint(store)
    for key in keys:
        if store.spectrograms(key).exists():
            network.label.run(key)
    _review(network)
    update_catalogue(network)
    make_event_map(network)
    make_series(store, settings, "temperature")
    make_rates(network)
    return made


def _values(folder: Path) -> dict[str, Any]:
    values = sds_values(folder / "archive", "explored", STATIONS, DAYS)
    values["source"]["inventory"] = str(folder / "stationxml")
    return values | {
        "candidates": [str(CANDIDATE)],
        "representations": {"spectra": {"dimensions": 5}},
        "champion": {"candidate": str(CANDIDATE), "names": NAMES},
        "novelty": {"score": "distance", "false_alarms": 0.05},
        "dec": {"k": [2, K], "smallest_cluster": 0.0},
        "class_model": {"representations": ["spectra"], "trees": 20, "folds": 2},
        "environment": [
            {
                "name": "temperature",
                "reader": "csv",
                "kind": "temperature",
                "unit": "degC",
                "path": str(folder / "temperature.csv"),
            }
        ],
    }


def _write_inputs(folder: Path) -> None:
    for station in STATIONS:
        for day in DAYS:
            if (station, day) != WITHOUT:
                write_day(folder / "archive", station, day, hours=HOURS)
    (folder / "stationxml").mkdir()
    for station in STATIONS:
        values = synthetic_values()
        values["network"]["code"] = "XX"
        values["stations"][0]["code"] = station
        values["first_day"], values["last_day"] = (day.isoformat() for day in DAYS[::3])
        values["source"] = {
            "kind": "synthetic",
            "catalogue_first_day": values["first_day"],
            "catalogue_last_day": values["last_day"],
        }
        inventory = build_inventory(Settings.model_validate(values), station)
        if station == STATIONS[-1]:
            inventory[0][0][0].response = None
        inventory.write(str(folder / "stationxml" / f"{station}.xml"), format="STATIONXML")
    lines = [
        f"{day}T{hour:02d}:00:00Z,{-20 + 5 * np.sin(hour / 4):.2f}" for day in DAYS for hour in range(24) if hour != 13
    ]
    (folder / "temperature.csv").write_text("\n".join(["time,value", *lines]), encoding="utf-8")


def _appoint(store: Store) -> None:
    settings = store.settings
    draw_set(store)
    data, log = load_set(store), RecordedRun()
    fitted = fit_representation(store, data, CANDIDATE.representation, settings, {}, log)
    for k in (2, K):
        train_candidate(
            store, data, fitted.latents, CANDIDATE, k, settings, settings.dec, settings.cluster_count, {}, log
        )
    candidate = candidate_of_k(store, CANDIDATE, K, settings, settings.normalisation)
    appoint(store, prepare(store, candidate, settings).champion)


def _review(network: StationDays) -> None:
    """Let two people look at some events: as labelled, noise, a class of their own, unsure, and one by chance."""
    update_catalogue(network)
    events = read_catalogue(network, columns=["event_id", "class_name"])
    decisions = [
        Decision("label", "ann", (str(row.event_id),), str(row.class_name).replace("<b>", "").replace("</b>", ""))
        for row in events.iloc[:24:3].itertuples()
    ]
    names = events["event_id"].tolist()
    decisions += [
        Decision("label", "ann", (names[1],), "noise"),
        Decision("label", "ann", tuple(names[30:36]), "tremor", bulk=True, note="all of one <i>swarm</i>"),
        Decision("label", "ann", (names[2],), "unsure"),
        Decision("label", "ben", (names[1],), "noise", reason="second"),
        Decision("label", "ben", (names[40],), "thermal", reason="audit"),
    ]
    ReviewLog(network.layout.reviews).append(decisions)


def environment_of(explored: Explored) -> dict[str, str]:
    """Return the variables with which a process of its own opens the network."""
    return {**os.environ, "RIS_DATA": str(explored.data), "RIS_CONFIG": str(explored.config), "MPLBACKEND": "Agg"}
