"""Postgres that is restarted while a block of station-days is being recorded in it."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from builders import DAYS, STATIONS, opened, sds_values, write_archive, write_yaml
from faults import check_record, clean_environment, made, ris_command, suspend_midway

from bench.postgres import Postgres, find_program, postgres_server
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.records import recorded_station_days

DOWN_S = 2


def restart(server: Postgres, client: psutil.Process) -> psutil.Popen:
    """End the server under a stopped client, let that meet its absence, and start the server over the same data."""
    before = psutil.Process(server.pid)
    command, folder, user, group = before.cmdline(), before.cwd(), before.uids().real, before.gids().real
    before.send_signal(signal.SIGINT)
    psutil.wait_procs([before], timeout=60)
    client.resume()
    time.sleep(DOWN_S)
    own = {"user": user, "group": group, "extra_groups": []} if psutil.Process().uids().real == 0 else {}
    return psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **own)


def test_a_restart_of_postgres_in_the_middle_of_a_block_costs_no_product_and_no_record(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        find_program("initdb")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    config = write_yaml(tmp_path / "small.yaml", sds_values(write_archive(tmp_path / "archive")))
    with opened(config) as network:
        assert network.run_block("acquire").success
        assert network.run_block("process").success
        expected = made(network)

    root = tmp_path / "postgres"
    monkeypatch.setenv("RIS_DATA", str(root))
    with postgres_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        environment = clean_environment(RIS_DATA=root, **server.environment)
        command = ris_command("backfill", "--yes", "--inline", "-c", config)
        again = None
        try:
            with opened(config) as network:
                first = psutil.Popen(
                    command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
                suspend_midway(network, first, "process", len(STATIONS) * len(DAYS))
                again = restart(server, first)
                said = first.communicate(timeout=600)[0]
                assert first.returncode == 0, said
            with opened(config) as network:
                second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                assert second.returncode == 0, second.stdout + second.stderr
                assert made(network) == expected
                assert len(recorded_station_days(network.instance, BINDINGS["process"])) == len(STATIONS) * len(DAYS)
                check_record(network, "acquire", "process")
        finally:
            if again is not None:
                again.send_signal(signal.SIGINT)
                psutil.wait_procs([again], timeout=60)
