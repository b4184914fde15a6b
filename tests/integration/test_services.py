"""`ris ui` refuses ports that it cannot have; `ris explore` is a process of its own."""

import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest
from builders import DAYS, ris, sds_values, write_archive, write_yaml
from servers import START_S, answers

from bench.ports import free_ports


@pytest.fixture
def config(data_root: Path, tmp_path: Path) -> Path:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    return write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))


@pytest.mark.parametrize("option", ["--port", "--mlflow-port", "--explorer-port"])
def test_a_taken_port_is_refused_before_anything_starts(option: str, config: Path, data_root: Path) -> None:
    ports = dict(zip(("--port", "--mlflow-port", "--explorer-port"), free_ports(3), strict=True))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports[option] = taken.getsockname()[1]
        arguments = [argument for pair in ports.items() for argument in pair]
        done = ris("ui", "-c", config, "--host", "0.0.0.0", *arguments)  # noqa: S104
    assert done.exit_code == 1
    assert f"port {ports[option]} for" in done.output
    assert f"choose another with {option}" in done.output
    assert "Listening on 0.0.0.0: no UI has a login" in done.output
    assert list(data_root.rglob("*-server.log")) == []


def test_two_servers_at_one_port_are_refused(config: Path) -> None:
    (port,) = free_ports(1)
    done = ris("ui", "-c", config, "--mlflow-port", port, "--explorer-port", port)
    assert done.exit_code == 1
    assert f"--mlflow-port and --explorer-port are both {port}; choose two" in done.output


def test_the_explorer_alone_is_a_process_without_dagster(config: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = [Path(sys.executable).with_name("ris"), "explore", "-c", config, "--port", port]
    with (tmp_path / "explorer.log").open("w") as log:
        process = psutil.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=tmp_path)
        try:
            deadline = time.monotonic() + START_S
            while not answers(f"http://127.0.0.1:{port}/api/health"):
                assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "explorer.log").read_text()
                time.sleep(0.2)
            assert process.cmdline()[1:3] == ["-m", "ris_explorer"] and process.children() == []
            assert not any("dagster" in each.path for each in process.memory_maps())
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in (0, -signal.SIGTERM)
        finally:
            if process.poll() is None:
                process.kill()
