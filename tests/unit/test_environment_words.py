"""What is said of variables and options that cannot be used: one line, before anything is started."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import DAYS, ris, sds_values, write_archive, write_yaml


@pytest.fixture
def config(data_root: Path, tmp_path: Path) -> Path:
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    return write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))


RUN, BACKFILL, UI = ("run", "--only", "acquire"), ("backfill", "--inline", "--yes"), ("ui",)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RIS_WORKERS", "abc", "RIS_WORKERS = 'abc': must be a whole number of processes, 1 to 1024"),
        ("RIS_WORKERS", "0", "RIS_WORKERS = '0': must be a whole number of processes, 1 to 1024"),
        ("RIS_WORKERS", "²", "RIS_WORKERS = '²': must be a whole number of processes, 1 to 1024"),
        ("RIS_WORKERS", "99999", "RIS_WORKERS = '99999': must be a whole number of processes, 1 to 1024"),
        ("RIS_COMPUTE", "nonsense", "RIS_COMPUTE = 'nonsense': must be inline or dask"),
        ("RIS_DEPLOYMENT", "nonsense", "RIS_DEPLOYMENT = 'nonsense': must be one of local, postgres, "),
        ("RIS_EVENT_BATCHES", "no", "RIS_EVENT_BATCHES = 'no': must be 0 or 1"),
        ("RIS_DEPLOYMENT", "dask", "RIS_DEPLOYMENT = 'dask' needs RIS_DASK_ADDRESS"),
        ("RIS_DATA", "/dev/null/x", "the data root /dev/null/x/small cannot be made (Not a directory); set RIS_DATA"),
        (
            "MLFLOW_TRACKING_URI",
            "nonsense",
            "MLFLOW_TRACKING_URI = 'nonsense' is a folder, in which MLflow no longer records",
        ),
        ("MLFLOW_TRACKING_URI", "http://u:secret@h", "MLFLOW_TRACKING_URI contains credentials"),
    ],
)
@pytest.mark.parametrize("command", [RUN, BACKFILL, UI], ids=lambda words: words[0])
def test_a_variable_that_cannot_be_used_is_one_line(
    monkeypatch: pytest.MonkeyPatch, config: Path, command: tuple[str, ...], variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    done = ris(*command, "-c", config)
    assert done.exit_code == 2
    assert done.output.startswith(said)
    assert done.output.count("\n") == 1
    assert "secret" not in done.output


def test_hosts_that_are_none_are_one_line(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", "http://ris.example")
    done = ris("ui", "-c", config)
    assert done.exit_code == 2
    assert done.output.startswith("RIS_ALLOWED_HOSTS: 'http://ris.example' is not a host; ")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        number = held.getsockname()[1]
    yield number


@pytest.mark.parametrize("host", ["no such host", "host.invalid", "203.0.113.5", "x" * 300])
def test_a_host_that_is_not_of_this_machine_is_named(config: Path, data_root: Path, port: int, host: str) -> None:
    done = ris("ui", "-c", config, "--host", host, "--port", port, "--mlflow-port", port - 1)
    assert done.exit_code == 1
    assert f"--host {host!r} is no address or name of this machine" in done.output
    assert list(data_root.rglob("*-server.log")) == []


def test_two_servers_need_two_ports(config: Path, port: int) -> None:
    done = ris("ui", "-c", config, "--port", port, "--mlflow-port", port)
    assert (done.exit_code, done.output) == (1, f"--port and --mlflow-port are both {port}; choose two\n")


@pytest.mark.parametrize("value", ["0", "65536", "-1", "abc"])
@pytest.mark.parametrize("option", ["--port", "--mlflow-port"])
def test_a_port_is_a_number_that_there_is(config: Path, option: str, value: str) -> None:
    done = ris("ui", "-c", config, option, value)
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in done.output
