"""Ports of test servers are nobody else's until the process ends."""

import socket
import subprocess
import sys

from bench import ports
from bench.ports import free_ports
from ris_core.config import PROJECT_ROOT


def test_a_port_is_given_once_to_all_processes_that_live() -> None:
    found = [*free_ports(2), *free_ports(3)]
    assert len(set(found)) == 5
    code = "from bench.ports import free_ports; print(*free_ports(20))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    others = [int(port) for port in done.stdout.split()]
    assert len(set(others)) == 20
    assert not set(others) & set(found)
    assert all(ports._is_free(port) for port in found)


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not ports._is_free(taken.getsockname()[1])
