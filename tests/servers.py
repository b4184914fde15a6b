"""`ris ui` as a subprocess."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench.ports import free_ports

START_S = 150


def answers(url: str) -> bool:
    """Return whether a server that may be starting answers with success."""
    try:
        return requests.get(url, timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


@dataclass(frozen=True)
class Ui:
    """The running command and its addresses."""

    process: psutil.Popen
    dagster: str
    mlflow: str
    explorer: str
    log: Path

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def served(config: Path, host: str = "127.0.0.1", ris: Path | None = None, **environment: str) -> Iterator[Ui]:
    """Run `ris ui` until the end of the block; gives it once all servers answer."""
    port, mlflow_port, explorer_port = free_ports(3)
    log = config.with_name("ui.log")
    command = [
        ris or Path(sys.executable).with_name("ris"),
        "ui",
        "--config",
        config,
        "--port",
        port,
        "--mlflow-port",
        mlflow_port,
        "--host",
        host,
    ]
    command += ["--explorer-port", explorer_port]
    with log.open("w", encoding="utf-8") as file:
        process = psutil.Popen(
            [str(part) for part in command],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | environment | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
            cwd=config.parent,
            start_new_session=True,
        )
    address = f"[{host}]" if ":" in host else host
    ui = Ui(process, *(f"http://{address}:{each}" for each in (port, mlflow_port, explorer_port)), log)
    try:
        deadline = time.monotonic() + START_S
        while "Ctrl-C ends them" not in ui.output():
            assert process.poll() is None, ui.output()
            assert time.monotonic() < deadline, ui.output()
            time.sleep(0.2)
        yield ui
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(90)
