"""A Slurm of one node, from the system's packages: its daemons are processes of the test, on free ports."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.ports import free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo")
_START_S = 60


def why_not() -> str:
    """Return why there can be no Slurm here, empty if there can be one."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"Slurm: {', '.join(missing)} missing (Debian: slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "Slurm: its daemons must be started as root"


@contextmanager
def slurm(cpus: int = 2) -> Iterator[dict[str, str]]:
    """Run munge and Slurm until the end of the block; gives the environment in which its commands find it."""
    folder = Path(tempfile.mkdtemp(prefix="ris-slurm-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = {"SLURM_CONF": str(_configuration(folder, cpus))}
        _start(stack, folder, ["munged", "--foreground", "--force", *_munge(folder)], {})
        _wait((folder / "munge.socket").exists, folder)
        _start(stack, folder, ["slurmctld", "-D"], environment)
        _start(stack, folder, ["slurmd", "-D", "-N", "node"], environment)
        _wait(lambda: _state(environment) == "idle", folder)
        yield environment


def _munge(folder: Path) -> list[str]:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    files = {"socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
    return [f"--key-file={key}", *(f"--{option}={folder / name}" for option, name in files.items())]


def _configuration(folder: Path, cpus: int) -> Path:
    controller, daemon = free_ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    values = {
        "ClusterName": "test",
        "SlurmctldHost": f"{socket.gethostname()}(127.0.0.1)",
        "SlurmUser": "root",
        "SlurmctldPort": controller,
        "SlurmdPort": daemon,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder / 'munge.socket'}",
        "CryptoType": "crypto/munge",
        "SlurmdParameters": "config_overrides",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        "SlurmctldLogFile": folder / "slurmctld.log",
        "SlurmdLogFile": folder / "slurmd.log",
        "ProctrackType": "proctrack/pgid",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        "SchedulerParameters": "sched_interval=1",
        "MpiDefault": "none",
        "ReturnToService": 2,
    }
    node = f"NodeName=node NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000"
    partition = "PartitionName=main Nodes=node Default=YES MaxTime=INFINITE State=UP"
    path = folder / "slurm.conf"
    path.write_text("\n".join([*(f"{k}={v}" for k, v in values.items()), node, partition, ""]), encoding="utf-8")
    return path


def _start(stack: ExitStack, folder: Path, command: list[str], environment: dict[str, str]) -> None:
    log = stack.enter_context((folder / f"{command[0]}.out").open("wb"))
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | environment)

    def end() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)


def _state(environment: dict[str, str]) -> str:
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


def _wait(ready: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not ready():
        if time.monotonic() > deadline:
            logs = "\n".join(f"{p.name}: {p.read_text(errors='replace')[-800:]}" for p in folder.glob("*.[lo]*"))
            raise RuntimeError(f"Slurm did not come up\n{logs}")
        time.sleep(0.2)
