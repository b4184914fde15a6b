"""The two servers of `ris ui`: Dagster and MLflow over one network's data, started and ended together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from ris_core.config import PROJECT_ROOT
from ris_core.storage.store import Store
from ris_dagster.instance import prepare_home
from ris_dagster.loopback import is_loopback
from ris_dagster.resources.tracking import Tracking, of_store

HOST = "127.0.0.1"
_START_S = 180
_STOP_S = 30
_PING = {"Dagster": "/server_info", "MLflow": "/health"}


def _port_is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((_reached_at(host), port)) != 0


def _reached_at(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on another, or on all."""
    return {"0.0.0.0": HOST, "::": "::1"}.get(host, host)  # noqa: S104 - it is compared with, not listened on


def _url(host: str, port: int) -> str:
    address = _reached_at(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - a loopback address of our own
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _commands(tracking: Tracking, host: str, port: int, mlflow_port: int) -> dict[str, list[str]]:
    dagster = ["dagster", "dev", "-w", str(PROJECT_ROOT / "workspace.yaml"), "-h", host, "-p", str(port)]
    mlflow = ["mlflow", "server", "--host", host, "--port", str(mlflow_port), "--workers", "1"]
    mlflow += ["--default-artifact-root", tracking.artifacts]
    commands = {"Dagster": [sys.executable, "-m", *dagster]}
    # Where runs go to an MLflow server that already serves, there is nothing to start.
    return commands if tracking.is_remote else commands | {"MLflow": [sys.executable, "-m", *mlflow]}


def serve(store: Store, port: int, mlflow_port: int, report: Callable[[str], None], host: str = HOST) -> int:
    """Start both servers, say their addresses once they answer, and end both at Ctrl-C or when one ends.

    Neither has a login, so they listen on the loopback address unless another is given, which is warned about.

    Returns
    -------
    int
        Exit code: 0 after Ctrl-C or SIGTERM, 1 if a port is taken or a server ended by itself.
    """
    tracking = of_store(store)
    commands = _commands(tracking, host, port, mlflow_port)
    ports = {"Dagster": port, "MLflow": mlflow_port}
    if not is_loopback(host):
        report(
            f"Listening on {host}: neither UI has a login, and whoever reaches {' or '.join(map(str, ports.values()))} "
            "can start runs and read everything. Let only a reverse proxy with login and TLS reach them: see "
            "docs/security.md"
        )
    for name in commands:
        if not _port_is_free(host, ports[name]):
            report(f"port {ports[name]} for {name} is taken; choose another with --port or --mlflow-port")
            return 1
    home = prepare_home(store)
    tracking.prepare()
    addresses = {name: _url(host, ports[name]) for name in commands}
    if tracking.is_remote:
        report(f"MLflow: {tracking.uri} (not ours)")
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "RIS_MLFLOW_UI": os.environ.get("RIS_MLFLOW_UI") or addresses.get("MLflow", tracking.ui),
        "RIS_DAGSTER_UI": os.environ.get("RIS_DAGSTER_UI") or addresses["Dagster"],
        # Not on the command line, which every user of the machine can read.
        "MLFLOW_BACKEND_STORE_URI": tracking.uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    logs = {name: (home / f"{name.lower()}-server.log").open("ab") for name in commands}
    processes: dict[str, subprocess.Popen[bytes]] = {}
    stop = _Stop()
    try:
        for name, command in commands.items():
            # A session of its own, so that Ctrl-C reaches this process alone, which then ends both in order.
            processes[name] = subprocess.Popen(
                command, stdout=logs[name], stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        waiting = {name: address + _PING[name] for name, address in addresses.items()}
        deadline = time.monotonic() + _START_S
        while not stop.asked:
            for name in [n for n, url in waiting.items() if _answers(url)]:
                report(f"{name}: {addresses[name]}")
                del waiting[name]
                if not waiting:
                    report("Ctrl-C ends them")
            ended = [n for n, p in processes.items() if p.poll() is not None]
            if ended or (waiting and time.monotonic() > deadline):
                name = (ended or list(waiting))[0]
                report(f"{name} did not come up or ended; see {logs[name].name}")
                return 1
            time.sleep(0.5)
        return 0
    finally:
        for process in processes.values():
            _end(process)
        for log in logs.values():
            log.close()


class _Stop:
    """Notes SIGINT and SIGTERM instead of raising in the middle of something."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.asked = True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the server to end, then its whole process group; kill what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            continue
        break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
