"""Training again after reviews: Dagster is asked for it, and says how far it is.

All that is said of it here is read from Dagster's record and from the label tables: nothing is remembered.
"""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ris_core.clustering.champion import NoChampionError, read_champion
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.explorer import Explorer
from ris_explorer.links import champion_page, model_pages, run_page, sensor_page
from ris_explorer.reviewing.dagster_server import DagsterError, DagsterServer
from ris_explorer.reviewing.retraining_steps import (
    ASSET,
    FIRST,
    SENSOR,
    STEPS,
    TAG,
    last_words_of,
    newest_retraining,
    step_of,
    summed_up,
    unhealthy,
)

_KEPT_S, _LABELS_KEPT_S = 1.0, 10.0
_MOST_REASONS = 50


class Retraining:
    """What the explorer knows of training again, and how it begins.

    Parameters
    ----------
    explorer
        The network.
    server
        Dagster's webserver; none if its address is not known.
    """

    def __init__(self, explorer: Explorer, server: DagsterServer | None) -> None:
        self._explorer, self._server = explorer, server
        self._lock, self._kept, self._kept_at = threading.Lock(), dict[str, Any](), -1e9
        self._labels, self._labels_at = dict[str, Any](), -1e9
        self._reasons: dict[str, str] = {}

    @property
    def command(self) -> str:
        """The command that does the same without Dagster's daemon."""
        config = f" --config {shlex.quote(self._explorer.config)}" if self._explorer.config else ""
        return f"ris run{config}" + "".join(f" --only {job}" for job in STEPS)

    def state(self) -> dict[str, Any]:
        """Return how far the newest retraining is, whether another may begin, and whose labels there are.

        Returns
        -------
        dict
            `state`: none, queued, running, failed, done or unknown; `words`; `may_begin` and otherwise `why_not`;
            `command`; `steps`, each as `step_of` with a `link` to its run; `links`; `labels`, as `labels_of_champion`.
        """
        with self._lock:
            if time.monotonic() - self._kept_at > _KEPT_S:
                self._kept, self._kept_at = self._asked(), time.monotonic()
            return self._kept

    def begin(self) -> dict[str, Any]:
        """Ask Dagster for a retraining and return `state`.

        Raises
        ------
        RefusedError
            There are no reviews, one is under way, or Dagster cannot do it now; the message says what to do instead.
        """
        if not self._explorer.state.final:
            raise RefusedError(
                "there is no reviewed event yet: review some first (the class model learns from them)", 409
            )
        with self._lock:
            now = self._asked()
            if not now["may_begin"]:
                raise RefusedError(now["why_not"], 409)
            assert self._server is not None  # noqa: S101 - `may_begin` says so
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
            try:
                repository = self._server.served(ASSET)["asset"]["repository"]
                self._server.launch(repository, FIRST, {TAG: name})
            except DagsterError as error:
                raise RefusedError(self._instead(str(error)), 409) from error
            self._kept, self._kept_at = self._asked(), time.monotonic()
            return self._kept

    def _instead(self, why: str) -> str:
        return f"{why}; without it, this command does the same: {self.command}"

    def _asked(self) -> dict[str, Any]:
        said = {
            "state": "unknown",
            "words": "",
            "steps": [],
            "links": {"champion": champion_page(self._explorer.addresses)},
            "command": self.command,
            "labels": self._labelled(),
        }
        if self._server is None:
            why = "no address of Dagster is known (`ris ui` starts the explorer with it; alone it takes --dagster)"
            return {**said, "words": "", "may_begin": False, "why_not": self._instead(why)}
        try:
            return said | self._of_dagster(self._server)
        except DagsterError as error:
            return {**said, "words": str(error), "may_begin": False, "why_not": self._instead(str(error))}

    def _of_dagster(self, server: DagsterServer) -> dict[str, Any]:
        served = server.served(ASSET)
        why_not = self._wrong_network(served["asset"]) or unhealthy(served["daemons"])
        sensor = None if served["asset"] is None else server.sensor(served["asset"]["repository"], SENSOR)
        page = sensor_page(self._explorer.addresses, SENSOR)
        if not why_not and (sensor is None or sensor["status"] != "RUNNING"):
            what = "has no sensor" if sensor is None else "has switched off the sensor"
            why_not = f"Dagster {what} {SENSOR}, which asks for the labels after the training ({page})"
        name, runs = newest_retraining(server)
        steps = [step_of(job, runs[job], lambda run_id: self._why(server, run_id)) for job in STEPS]
        steps = [{**step, "link": self._page(step["run"])} for step in steps]
        state, words = summed_up(name, steps)
        under_way = state in ("queued", "running")
        if under_way and why_not:
            words += f"; but it does not go on: {why_not}"
        elif under_way and not any(step["state"] in ("queued", "running") for step in steps):
            words += f" ({SENSOR}: {last_words_of(sensor)})"
        refused = "a retraining is under way; another can begin after it" if under_way else self._instead(why_not)
        return {
            "state": state,
            "words": words,
            "steps": steps if name else [],
            "links": self._links(runs) | {"sensor": page},
            "may_begin": not (under_way or why_not),
            "why_not": refused if under_way or why_not else "",
        }

    def _page(self, run_id: str) -> str:
        return run_page(self._explorer.addresses, run_id) if run_id else ""

    def _wrong_network(self, asset: Mapping[str, Any] | None) -> str:
        network = self._explorer.network.settings.network.name
        server = self._explorer.addresses.dagster_here
        if asset is None or FIRST not in asset["jobNames"]:
            return (
                f"the Dagster at {server} does not serve the jobs of this platform, or its code location is not loaded"
            )
        teams = [owner["team"] for owner in asset["owners"] if "team" in owner]
        if network not in teams:
            return f"the Dagster at {server} serves the network {', '.join(teams) or '(none)'}, and this is {network}"
        return ""

    def _links(self, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
        newest = [of_job[0] for of_job in runs.values() if of_job]
        at = max(newest, key=lambda run: run["creationTime"], default=None)
        found = {"champion": champion_page(self._explorer.addresses)}
        return found if at is None else found | {"run": self._page(at["runId"])}

    def _why(self, server: DagsterServer, run_id: str) -> str:
        if run_id not in self._reasons:
            if len(self._reasons) >= _MOST_REASONS:
                self._reasons.clear()
            self._reasons[run_id] = server.why_failed(run_id) or "no reason is known; the run's page has its log"
        return self._reasons[run_id]

    def _labelled(self) -> dict[str, Any]:
        """Return how many label tables are of the present champion; kept for a while, since all are looked at."""
        if time.monotonic() - self._labels_at > _LABELS_KEPT_S:
            self._labels, self._labels_at = labels_of_champion(self._explorer), time.monotonic()
        return self._labels


def labels_of_champion(explorer: Explorer) -> dict[str, Any]:
    """Return which model labels, and how many label tables are by it.

    Returns
    -------
    dict
        `model_version`, `candidate`, `reviewed` (it is a class model), `chosen` (when, s since 1970), `models` (pages
        in MLflow by name), `station_days` with label tables and how many of them are `by_champion`; only `words` where
        no model labels.
    """
    layout = explorer.network.layout
    try:
        champion = read_champion(layout)
        with explorer.network.look() as seen:
            current, label = seen.label.digests_of_champion(), seen.label
            makers = [label.labelled_by(key) for key in seen.all() if label.exists(key)]
    except (NoChampionError, DamagedFileError) as error:
        return {"words": str(error)}
    return {
        "model_version": champion.model_version,
        "candidate": champion.candidate,
        "reviewed": champion.reviewed,
        "chosen": layout.champion.stat().st_mtime,
        "models": model_pages(explorer.addresses, champion),
        "station_days": len(makers),
        "by_champion": sum(maker in current for maker in makers),
    }
