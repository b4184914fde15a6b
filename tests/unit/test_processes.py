"""Processes by host, number, start, boot and namespace."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from ris_dagster import processes
from ris_dagster.processes import has_ended, is_of_this_host, this_process


def named(**changed: str) -> str:
    """Return this process with some of its words changed."""
    words = dict(zip(("host", "number", "start", "boot", "namespace"), this_process().split(" "), strict=True))
    return " ".join((words | changed).values())


def test_a_process_that_works_has_not_ended_and_one_that_was_killed_has() -> None:
    assert not has_ended(this_process())
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        other.stdout.readline()
        start = processes._start_of(other.pid)
        name = named(number=str(other.pid), start=start)
        assert not has_ended(name)
        other.kill()
    assert has_ended(name)


def test_a_later_process_of_the_same_number_is_another_one() -> None:
    assert has_ended(named(start="1"))


def test_a_process_from_before_the_machine_was_started_again_has_ended() -> None:
    assert has_ended(named(boot="f6c1b7a0-0000-4000-8000-000000000000"))


@pytest.mark.parametrize("where", [{"host": "another-host"}, {"namespace": "pid:[1]"}])
def test_nobody_says_of_another_host_or_container_that_its_process_has_ended(where: dict[str, str]) -> None:
    name = named(**where, number="4194304")
    assert not is_of_this_host(name)
    assert not has_ended(name)


def test_a_step_of_the_clock_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    name, created = this_process(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: created(process) + 3600)
    assert this_process() == name
    assert not has_ended(name)


def test_names_of_the_first_version_are_understood() -> None:
    start = f"{psutil.Process().create_time():.2f}"
    assert not has_ended(f"{socket.gethostname()} {os.getpid()} {start}")
    assert has_ended(f"{socket.gethostname()} 4194304 {start}")
    assert not is_of_this_host("")


def test_a_process_that_ends_while_it_is_looked_at_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(number: int) -> str:
        raise ProcessLookupError(number)

    name = this_process()
    monkeypatch.setattr(processes, "_start_of", gone)
    assert has_ended(name)
