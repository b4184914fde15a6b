"""How fast the explorer answers: ``python -m bench.explorer --events 430000 --folder FOLDER``.

A network of labelled events over 34 stations and two years is made in a folder, once. Its explorer is started as a
process of its own, and asked over HTTP for all that the views ask for; then Chromium opens its page. Seconds are those
of the client. The line ``RESULT {json}`` has, beside what must be reached, the greatest memory of the server.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests
from rich.console import Console
from rich.table import Table

from bench.explorer_network import made_network
from bench.explorer_page import first_views
from bench.explorer_requests import Asked, measure
from bench.ports import free_ports

MUSTS = {
    "first_view_s": 3.0,
    "filter_p95_ms": 300.0,
    "gallery_cold_ms": 1000.0,
    "neighbours_p95_ms": 500.0,
    "server_mb": 800.0,
}
"""What the explorer must reach with 430,000 events; all are greatest values."""
_START_S = 300.0


@contextmanager
def served(config: Path) -> Iterator[tuple[str, psutil.Process, float]]:
    """Serve a network by a process until the block ends; gives address, process and seconds to its first answer."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RIS_")}
    environment |= {"RIS_DATA": str(config.parent / "data"), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-m", "ris_explorer", "--config", str(config), "--port", str(port)]
    begun = time.perf_counter()
    with (config.parent / "explorer.log").open("w") as log:
        process = psutil.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        while not _answers(address):
            if process.poll() is not None or time.perf_counter() - begun > _START_S:
                raise RuntimeError((config.parent / "explorer.log").read_text())
            time.sleep(0.02)
        yield address, process, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(60)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/api/network", timeout=_START_S).ok
    except requests.ConnectionError:
        return False


def token_of(address: str) -> str:
    """Return the token that the page of an explorer has."""
    found = re.search(r'name="?explorer-token"? content="([^"]+)"', requests.get(address, timeout=60).text)
    if found is None:
        raise RuntimeError("the page has no token")
    return found[1]


def peak_mb(process: psutil.Process) -> float:
    """Return the greatest resident memory of a process until now, MB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 / 1e6


def run(config: Path, rounds: int, browser: bool) -> tuple[dict[str, Any], Asked]:
    """Measure, and return the figures and all requests."""
    with served(config) as (address, process, started):
        page = first_views(address) if browser else {}
        asked = Asked(address, token_of(address))
        begun = time.perf_counter()
        _wait_for_features(asked)
        features = time.perf_counter() - begun
        measure(asked, rounds)
        filtered = [what for what in asked.seconds if what.startswith("filter: ")]
        pages = zip(asked.seconds["gallery page, events"], asked.seconds["gallery page, pictures cold"], strict=True)
        found = {
            "start_s": started,
            **page,
            "filter_p95_ms": 1000 * asked.quantile(0.95, *filtered),
            "gallery_cold_ms": 1000 * max(first + second for first, second in pages),
            "neighbours_p95_ms": 1000 * asked.quantile(0.95, "neighbours"),
            "features_s": features,
            "server_mb": peak_mb(process),
            "server_after_mb": process.memory_info().rss / 1e6,
        }
    return {name: round(value, 3) for name, value in found.items()}, asked


def _wait_for_features(asked: Asked) -> None:
    """Wait until the features of all events are in memory, which begins with the start."""
    end = time.monotonic() + 1800
    name = requests.get(f"{asked.address}/api/gallery", timeout=600).json()["events"][0]["event_id"]
    while requests.get(f"{asked.address}/api/events/{name}/neighbours", timeout=600).status_code == 503:
        if time.monotonic() > end:
            raise TimeoutError("the features were not read within half an hour")


def main() -> None:
    """Make the network, measure, and print a table and a line ``RESULT {json}``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the network lies, or is written")
    parser.add_argument("--events", type=int, default=430_000)
    parser.add_argument("--stations", type=int, default=34)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--rounds", type=int, default=20, help="how often each is asked for")
    parser.add_argument("--browser", action=argparse.BooleanOptionalAction, default=True, help="Chromium, too")
    arguments = parser.parse_args()
    console = Console(width=120)
    config = made_network(arguments.folder, arguments.events, arguments.stations, arguments.days)
    console.print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    found, asked = run(config, arguments.rounds, arguments.browser)
    table = Table("request", "times", "p50, ms", "p95, ms", "greatest, ms")
    for what, seconds in asked.seconds.items():
        values = [1000 * asked.quantile(share, what) for share in (0.5, 0.95, 1.0)]
        table.add_row(what, str(len(seconds)), *(f"{value:,.0f}" for value in values))
    console.print(table)
    table = Table("figure", "measured", "must")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), f"{value:,.1f}", f"{MUSTS[name]:,.0f}" if name in MUSTS else "")
    console.print(table)
    print("RESULT " + json.dumps({"events": arguments.events, **found, "musts": MUSTS}))


if __name__ == "__main__":
    main()
