"""The servers of `ris ui`: Dagster behind our guard, MLflow and the explorer over one network, started together."""

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from ris_core.config import Settings
from ris_core.shipped_files import SHIPPED
from ris_core.storage.layout import Layout
from ris_core.web.guard import allowed_hosts
from ris_core.web.loopback import is_loopback
from ris_dagster.adapter.commands import code_server_command, daemon_command
from ris_dagster.instance import prepare_home
from ris_dagster.links import DAGSTER_UI, MLFLOW_UI, mlflow_address
from ris_dagster.mlflow_adapter.first_page import first_page
from ris_dagster.mlflow_adapter.server import environment_of_server
from ris_dagster.resources.tracking import Tracking

HOST = "127.0.0.1"
_START_S = 180
_STOP_S = 30
_LOOK_S = 0.5


def _why_not(name: str, option: str, host: str, port: int) -> str | None:
    """Return why a server cannot listen, in words; None if it can."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return f"port {port} for {name} is taken; choose another with {option}"
        if isinstance(error, PermissionError):
            return f"port {port} for {name} may not be listened on by this user; choose one above 1023 with {option}"
        return f"--host {host!r} is no address or name of this machine ({error})"
    return None


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


def _listens(path: Path) -> bool:
    """Return whether a process accepts connections at a socket of the file system."""
    with socket.socket(socket.AF_UNIX) as probe:
        return path.exists() and probe.connect_ex(str(path)) == 0


@dataclass(frozen=True)
class Ports:
    """The ports of the servers.

    Attributes
    ----------
    dagster, mlflow, explorer
        Where each listens. That of MLflow is not used if runs go to an MLflow server that already runs.
    """

    dagster: int
    mlflow: int
    explorer: int

    def named(self, with_mlflow: bool) -> dict[str, tuple[str, int]]:
        """Return the option and the port of each server that is started, by its name."""
        found = {"Dagster": ("--port", self.dagster), "MLflow": ("--mlflow-port", self.mlflow)}
        found["the explorer"] = ("--explorer-port", self.explorer)
        return found if with_mlflow else {name: one for name, one in found.items() if name != "MLflow"}


@dataclass(frozen=True)
class _Server:
    """A process to start: its name, the file of its output, a test whether it answers, and the page to open."""

    name: str
    command: list[str]
    log: Path
    answers: Callable[[], bool]
    page: str | None = None


def _servers(
    tracking: Tracking, experiment: str, home: Path, folder: Path, host: str, ports: Ports
) -> tuple[list[_Server], list[_Server]]:
    """Return the servers that start first, and those that start when the first ones answer.

    Dagster's parts are those of `dagster dev`, except for our guard around the webserver. Its code server listens in a
    folder that only this user may enter.
    """
    log = home / "dagster-server.log"
    socket_path, workspace = folder / "code.sock", folder / "workspace.yaml"
    (location,) = yaml.safe_load((SHIPPED / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    module, name = location["python_module"]["module_name"], location["python_module"]["location_name"]
    served = {"grpc_server": {"socket": str(socket_path), "location_name": name}}
    workspace.write_text(yaml.safe_dump({"load_from": [served]}), encoding="utf-8")
    code, daemon = code_server_command(socket_path, module, name), daemon_command(workspace)
    webserver = ["ris_dagster.webserver", "--host", host, "--port", str(ports.dagster), "--workspace", str(workspace)]
    mlflow = ["ris_dagster.mlflow_web", "--host", host, "--port", str(ports.mlflow)]
    mlflow += ["--default-artifact-root", tracking.artifacts]
    url, mlflow_url, explorer_url = (_url(host, port) for port in (ports.dagster, ports.mlflow, ports.explorer))
    # It links to the addresses of the environment, and itself asks the webserver beside it.
    explorer = ["ris_explorer", "--host", host, "--port", str(ports.explorer), "--dagster-here", url]
    python = [sys.executable, "-m"]
    first = [_Server("Dagster's code server", python + code, log, lambda: _listens(socket_path))]
    # If runs go to an MLflow server that already runs, there is nothing to start.
    if not tracking.is_remote:
        answers = partial(_answers, mlflow_url + "/health")
        page = mlflow_url + first_page(experiment)
        first.append(_Server("MLflow", python + mlflow, home / "mlflow-server.log", answers, page))
    then = [
        _Server("Dagster", python + webserver, log, partial(_answers, url + "/server_info"), url),
        _Server("Dagster's daemon", python + daemon, log, lambda: True),
        _Server(
            "Explorer",
            python + explorer,
            home / "explorer-server.log",
            partial(_answers, explorer_url + "/api/health"),
            explorer_url,
        ),
    ]
    return first, then


def _refusal(ports: Ports, with_mlflow: bool, host: str) -> str | None:
    """Return why the servers cannot listen, in words; None if they can."""
    named = ports.named(with_mlflow)
    of_port: dict[int, str] = {}
    for option, port in named.values():
        if port in of_port:
            return f"{of_port[port]} and {option} are both {port}; choose two"
        of_port[port] = option
    return next((why for name, (option, port) in named.items() if (why := _why_not(name, option, host, port))), None)


def serve(settings: Settings, layout: Layout, ports: Ports, report: Callable[[str], None], host: str = HOST) -> int:
    """Start all servers, show their addresses once they answer, and end all at Ctrl-C or when one of them ends.

    None has a login, so they listen on the loopback address; another address causes a warning.

    Returns
    -------
    int
        Exit code: 0 after Ctrl-C or SIGTERM, 1 if a port is taken or a process has ended.

    Raises
    ------
    AllowedHostsError
        RIS_ALLOWED_HOSTS cannot be used.
    """
    tracking = Tracking.of(settings, layout.root)
    allowed = allowed_hosts(host)
    if not is_loopback(host):
        *most, last = (str(port) for _, port in ports.named(not tracking.is_remote).values())
        report(
            f"Listening on {host}: no UI has a login, and whoever reaches {', '.join(most)} or {last} can start runs, "
            "write reviews and read everything. Let only a reverse proxy with login and TLS reach them: see "
            "docs/security.md"
        )
    if refusal := _refusal(ports, not tracking.is_remote, host):
        report(refusal)
        return 1
    home = prepare_home(layout)
    experiment = tracking.prepare()
    if tracking.is_remote:
        report(f"MLflow: {tracking.uri} (not ours)")
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        MLFLOW_UI: os.environ.get(MLFLOW_UI) or (mlflow_address() if tracking.is_remote else _url(host, ports.mlflow)),
        DAGSTER_UI: os.environ.get(DAGSTER_UI) or _url(host, ports.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        **environment_of_server(tracking.uri, allowed),
    }
    running: dict[str, tuple[_Server, subprocess.Popen[bytes]]] = {}
    stop = _Stop()
    with tempfile.TemporaryDirectory(prefix="ris-") as folder:
        try:
            for servers in _servers(tracking, experiment, home, Path(folder), host, ports):
                for server in servers:
                    running[server.name] = server, _start(server, environment)
                if not _wait_until_all_answer(servers, running, stop, report):
                    return 0 if stop.asked else 1
            report("Ctrl-C ends them")
            while not stop.asked:
                if _one_has_ended(running, report):
                    return 1
                time.sleep(_LOOK_S)
            return 0
        finally:
            _end([process for _, process in running.values()])


def _start(server: _Server, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a server in a separate session, so that Ctrl-C only reaches this process, which then ends all in order."""
    with server.log.open("ab") as log:
        return subprocess.Popen(
            server.command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )


def _wait_until_all_answer(
    servers: Collection[_Server],
    running: Mapping[str, tuple[_Server, "subprocess.Popen[bytes]"]],
    stop: "_Stop",
    report: Callable[[str], None],
) -> bool:
    """Report the pages of servers when they answer; returns whether all did before Ctrl-C, an end or the limit."""
    waiting = list(servers)
    deadline = time.monotonic() + _START_S
    while not stop.asked:
        for server in [server for server in waiting if server.answers()]:
            waiting.remove(server)
            if server.page:
                report(f"{server.name}: {server.page}")
        if _one_has_ended(running, report):
            return False
        if not waiting:
            return True
        if time.monotonic() > deadline:
            report(f"{waiting[0].name} did not come up within {_START_S} s; see {waiting[0].log}")
            return False
        time.sleep(_LOOK_S)
    return False


def _one_has_ended(
    running: Mapping[str, tuple[_Server, "subprocess.Popen[bytes]"]], report: Callable[[str], None]
) -> bool:
    """Return whether a process has ended, and report which one."""
    for server, process in running.values():
        if process.poll() is not None:
            report(f"{server.name} ended (exit code {process.returncode}); see {server.log}")
            return True
    return False


class _Stop:
    """Records SIGINT and SIGTERM instead of raising at an arbitrary place."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.asked = True


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask all servers and their child processes to end; kill the rest."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        deadline = time.monotonic() + _STOP_S
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        if all(process.poll() is not None for process in processes):
            break
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
