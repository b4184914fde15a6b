"""A Postgres server for one benchmark or test: started on a free loopback port, ended and removed afterwards."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bench.ports import free_ports

_START_S = 60


@dataclass(frozen=True)
class Postgres:
    """Address, credentials and process of a server."""

    port: int
    password: str
    pid: int = 0
    host: str = "127.0.0.1"
    user: str = "ris"
    database: str = "postgres"

    @property
    def environment(self) -> dict[str, str]:
        """The variables for RIS_DEPLOYMENT=postgres."""
        return {
            "RIS_DEPLOYMENT": "postgres",
            "DAGSTER_POSTGRES_HOST": self.host,
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_USER": self.user,
            "DAGSTER_POSTGRES_PASSWORD": self.password,
            "DAGSTER_POSTGRES_DB": self.database,
            "RIS_MLFLOW_DATABASE": f"postgresql+psycopg2://{self.user}:{self.password}@{self.host}:{self.port}/mlflow",
        }

    def value(self, query: str) -> object:
        """Return the first value of a query's answer, if any."""
        import psycopg2

        connection = psycopg2.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, dbname=self.database
        )
        with closing(connection), connection.cursor() as cursor:
            connection.autocommit = True  # a database is not made inside a transaction
            cursor.execute(query)
            (found,) = (cursor.fetchone() if cursor.description else None) or (None,)
            return found

    def cpu_seconds(self) -> float:
        """Return the processor time of the server so far, with that of connections that have ended."""
        process = psutil.Process(self.pid)
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                total += times.user + times.system
        return float(total)

    def database_bytes(self) -> int:
        """Return the size of the database."""
        return int(str(self.value("SELECT pg_database_size(current_database())")))


def find_program(name: str) -> Path:
    """Return a program of a Postgres installation, the newest if there are several.

    Raises
    ------
    FileNotFoundError
        Postgres is not installed.
    """
    found = shutil.which(name)
    if found:
        return Path(found).resolve()
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = sorted(installed, key=lambda p: [int(n) for n in re.findall(r"\d+", p.parent.parent.name)])
    if not newest:
        raise FileNotFoundError(
            f"{name}: neither on PATH nor in /usr/lib/postgresql/*/bin; install Postgres (Debian: postgresql)"
        )
    return newest[-1]


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Start a server with its default settings on a free port of the loopback address and end it afterwards.

    Postgres refuses to run as root; as root it is started as the user ``postgres``, or as ``nobody``.

    Raises
    ------
    FileNotFoundError
        Postgres is not installed.
    RuntimeError
        The server did not start; the message has the end of its log.
    """
    initdb, program = find_program("initdb"), find_program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="ris-postgres-"))
    try:
        who = _unprivileged()
        server = Postgres(free_ports(1)[0], secrets.token_hex(16))
        secret, log = folder / "password", folder / "log"
        secret.write_text(server.password, encoding="utf-8")
        log.touch()
        for path in (folder, secret, log):
            os.chown(path, *who)
        common: dict[str, Any] = (
            {"cwd": folder, "user": who[0], "group": who[1], "extra_groups": []} if os.geteuid() == 0 else {}
        )
        data = folder / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", server.user, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            **common,
        )
        options = ["-p", str(server.port), "-c", "listen_addresses=127.0.0.1"]
        command: list[str | Path] = [program, "-D", data, "-k", folder, *options]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **common)
        try:
            _wait(server, process, log)
            server.value("CREATE DATABASE mlflow")
            yield replace(server, pid=process.pid)
        finally:
            # Fast shutdown: connections that are still open are ended.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise RuntimeError("Postgres does not run as root, and there is neither a user postgres nor nobody")


def _wait(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg2

    until = time.monotonic() + _START_S
    while True:
        try:
            server.value("SELECT 1")
            return
        except psycopg2.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"Postgres did not start: {error}\n{tail}") from error
        time.sleep(0.1)
