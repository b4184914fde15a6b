"""Dask workers that Slurm starts, and the files in the data root with which runs find and reach their scheduler."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.shipped_files import SHIPPED
from ris_core.storage.atomic import replacing
from ris_core.storage.json_records import read_json, write_json
from ris_dagster.dask_adapter.certificates import new_certificate
from ris_dagster.dask_adapter.schedulers import processes_of
from ris_dagster.dask_adapter.slurm_jobs import noting_job_class

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Client, Security

_SETTINGS = SHIPPED / "deploy" / "slurm" / "jobqueue.yaml"
_ANSWER_S, _LOOK_S = 20, 2


class NoWorkersError(RuntimeError):
    """There is no scheduler of workers for station-days; the message says how to start one."""


def workers_folder(root: Path) -> Path:
    """Return the folder of a data root with the scheduler's address, its certificate and its jobs' logs."""
    return root / "workers"


def _files(root: Path) -> tuple[Path, Path, Path]:
    folder = workers_folder(root)
    return folder / "scheduler.json", folder / "certificate.pem", folder / "key.pem"


@contextmanager
def slurm_workers(root: Path, at_least: int, at_most: int, refused: list[str]) -> Iterator["SLURMCluster"]:
    """Run a scheduler in this process, let Slurm start and end workers according to the work, and record the address.

    Whoever reaches a Dask scheduler can run code as its user, and a head node has many users. So scheduler, workers and
    runs talk over TLS, and each must show the key that is made here and that only the user can read.

    Parameters
    ----------
    root
        The data root; it must lie on a file system that the nodes share.
    at_least, at_most
        Worker processes.
    refused
        Slurm's messages about refused jobs are added here.

    Raises
    ------
    NoWorkersError
        Another process serves this data root, dask-jobqueue is missing, or its settings are wrong.
    """
    address_file, *_ = _files(root)
    if serves(root):
        raise NoWorkersError(f"{address_file}: another `ris workers` serves this data root; end it first")
    cluster_class = _configured(workers_folder(root))
    try:
        cluster = cluster_class(security=_new_security(root), job_cls=noting_job_class(refused))
    except (ValueError, OSError) as error:
        raise NoWorkersError(
            f"Slurm workers: {error}; {_SETTINGS} has the settings and says how to change them"
        ) from error
    with cluster:
        cluster.adapt(minimum=at_least, maximum=at_most)
        write_json(address_file, {"address": cluster.scheduler_address})
        try:
            yield cluster
        finally:
            address_file.unlink(missing_ok=True)


def _configured(folder: Path) -> "type[SLURMCluster]":
    """Return the class of Slurm clusters, with our settings unless the user's Dask configuration has others."""
    import dask
    import yaml

    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError as error:
        raise NoWorkersError("Slurm workers need dask-jobqueue: pip install 'ris-dagster[slurm]'") from error
    values = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    values["jobqueue"]["slurm"]["log-directory"] = str(folder / "logs")
    dask.config.update_defaults(values)
    return SLURMCluster


def _new_security(root: Path) -> "Security":
    _, *files = _files(root)
    workers_folder(root).mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in zip(files, new_certificate(), strict=True):
        with replacing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(text, encoding="utf-8")
    return _security(root)


def _security(root: Path) -> "Security":
    from distributed import Security

    _, certificate, key = (str(path) for path in _files(root))
    roles: dict[str, Any] = {}
    for role in ("scheduler", "worker", "client"):
        roles |= {f"tls_{role}_cert": certificate, f"tls_{role}_key": key}
    return Security(tls_ca_file=certificate, require_encryption=True, **roles)


def connect(root: Path) -> "Client":
    """Return a client of the scheduler of `ris workers` that serves a data root.

    Raises
    ------
    NoWorkersError
        There is no scheduler, or it does not answer.
    """
    address_file, *_ = _files(root)
    if not address_file.exists():
        raise NoWorkersError(f"{address_file} does not exist: no scheduler serves this data root; start `ris workers`")
    return connect_to(str(read_json(address_file)["address"]), _security(root))


def connect_to(address: str, security: "Security | None" = None) -> "Client":
    """Return a client of a scheduler; without our keys, those of Dask's own configuration are used.

    Raises
    ------
    NoWorkersError
        The scheduler does not answer.
    """
    from distributed import Client

    try:
        return Client(address, security=security, set_as_default=False, timeout=_ANSWER_S)
    except (OSError, ValueError) as error:
        raise NoWorkersError(
            f"the Dask scheduler at {address} does not answer ({error}): it has ended or cannot be reached from here; "
            "start it again, or correct the address"
        ) from error


def serves(root: Path) -> bool:
    """Return whether a scheduler of `ris workers` serves a data root now."""
    address_file, *_ = _files(root)
    if not address_file.exists():
        return False
    try:
        connect(root).close()
    except NoWorkersError:
        return False
    return True


def forget_scheduler(root: Path) -> None:
    """Remove the address that came with a copy of a data root: the scheduler serves the original."""
    address_file, *_ = _files(root)
    address_file.unlink(missing_ok=True)


def serve(root: Path, at_least: int, at_most: int, report: Callable[[str], None]) -> None:
    """Serve workers until Ctrl-C or SIGTERM, and show each change of their number.

    Raises
    ------
    NoWorkersError
        See `slurm_workers`.
    """
    stop = threading.Event()
    refused: list[str] = []
    with slurm_workers(root, at_least, at_most, refused) as cluster:
        # Only here, because dask-jobqueue sets its own handler when it is imported.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        report(f"scheduler {cluster.scheduler_address}, {at_least} to {at_most} worker processes on Slurm")
        report(f"logs of the jobs: {workers_folder(root) / 'logs'}; Ctrl-C ends scheduler and workers")
        known = -1
        while not stop.wait(_LOOK_S):
            if refused:
                raise NoWorkersError(f"Slurm refused a job: {refused[0].strip()}\n{_SETTINGS} has the settings")
            count = processes_of(cluster)
            if count != known:
                report(f"{count} worker processes")
                known = count
