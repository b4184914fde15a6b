"""The `ris` command, and Dagster's own command line over the same definitions."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from builders import DAYS, Opened, opened, ris, sds_values, write_archive, write_yaml
from click.testing import Result

from ris_core.config import PROJECT_ROOT
from ris_core.contracts.station_day import StationDay
from ris_dagster import jobs


@pytest.fixture
def config(data_root: Path, tmp_path: Path) -> Path:
    """Settings of an archive of one station and one day."""
    archive = write_archive(tmp_path / "archive", ["AA"], DAYS[:1])
    return write_yaml(tmp_path / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))


def test_good_settings_are_described(config: Path) -> None:
    done = ris("check-config", "-c", config)
    assert done.exit_code == 0
    assert f"{config}: good" in done.output.replace("\n", "")  # a long path is wrapped
    assert "network XX, 1 stations, channel HHZ" in done.output
    assert "1 station-days" in done.output
    assert "candidates aec/dec, K = 2, 3; 1 trial of the autoencoder" in done.output


def test_what_is_missing_of_the_source_is_said_and_is_not_good(config: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    done = ris("check-config", "-c", config)
    assert done.exit_code == 1
    assert "the settings can be used, but 1 thing(s) are missing" in done.output
    assert (
        f"missing: source.root = {tmp_path / 'archive'}: there is no such folder; is its disk mounted?" in done.output
    )


def test_status_shows_what_is_worth_a_look(config: Path, tmp_path: Path) -> None:
    (file,) = (path for path in (tmp_path / "archive").rglob("*") if path.is_file())
    file.rename(file.with_name(file.name.replace("..", ".00.")))
    done = ris("run", "--only", "acquire", "-c", config)
    assert done.exit_code == 0
    done = ris("status", "-c", config)
    assert "1 station-days are worth a look:" in done.output
    assert "location '00' instead of ''" in done.output


def test_brackets_in_what_is_said_stay(config: Path, data_root: Path) -> None:
    with opened(config) as network:
        network.store.journal.note("acquire", StationDay("AA", DAYS[0]), "[red]x[/nothing]: [Errno 5] :key:")
    done = ris("status", "-c", config)
    assert done.exit_code == 0
    # A narrow terminal wraps between words.
    assert {"[red]x[/nothing]:", "[Errno", "5]", ":key:"} <= set(done.output.split())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("detector", {"threshold_on": 5}, "threshold_off (10) must not exceed threshold_on (5)"),
        ("detektor", {}, "detektor: this key is not known"),
        ("channel", "Z", "channel = 'Z'"),
    ],
)
def test_bad_settings_are_refused_by_every_command_with_file_key_and_value(
    key: str, value: object, said: str, config: Path, tmp_path: Path
) -> None:
    bad = write_yaml(tmp_path / "bad.yaml", sds_values(tmp_path / "archive") | {key: value})
    for command in ("check-config", "status", "run", "ui", "env"):
        done = ris(command, "-c", bad)
        assert done.exit_code == 2, command
        assert str(bad) in done.output
        assert said in done.output


def test_the_channels_and_where_events_are_detected_are_shown(tmp_path: Path, data_root: Path) -> None:
    values = sds_values(write_archive(tmp_path / "archive", ["AA"], DAYS[:1]), stations=["AA"], days=DAYS[:1])
    for sections, said in (
        ({"channel": "HHZ"}, "1 stations, channel HHZ\n"),
        ({"channels": ["HHN", "HHZ"]}, "1 stations, channels HHN, HHZ (events on HHZ)\n"),
        (
            {"channels": ["HHZ", "HHN"], "components": {"detect_on": "vector_sum"}},
            "1 stations, channels HHZ, HHN (events on their vector sum, named after HHZ)\n",
        ),
    ):
        done = ris("check-config", "-c", write_yaml(tmp_path / "some.yaml", values | sections))
        assert said in done.output
        assert ("missing: station AA, HHN: no file" in done.output) == ("HHN" in said)


def test_a_settings_file_that_is_not_there_is_named(data_root: Path, tmp_path: Path) -> None:
    done = ris("check-config", "-c", tmp_path / "nowhere.yaml")
    assert done.exit_code == 2
    assert f"{tmp_path / 'nowhere.yaml'}: the settings file cannot be read" in done.output


def test_a_data_root_of_another_network_is_refused(config: Path, tmp_path: Path, data_root: Path) -> None:
    assert ris("status", "-c", config).exit_code == 0
    values = sds_values(tmp_path / "archive")
    values["network"]["code"] = "YY"
    done = ris("status", "-c", write_yaml(tmp_path / "other.yaml", values))
    assert done.exit_code == 2
    assert "give the network another name or set RIS_DATA to another folder" in done.output


def test_status_of_an_empty_root_counts_what_is_to_come(config: Path) -> None:
    done = ris("status", "-c", config)
    assert done.exit_code == 0
    rows = rows_of(done)
    assert rows["station-days"] == rows["not yet"] == "1"
    assert rows["processed"] == rows["events"] == rows["label tables"] == "0"
    assert rows["trials trained"] == "0 of 1"
    assert rows["champion"] == "none is chosen"


def rows_of(done: Result) -> dict[str, str]:
    cells = [[c.strip() for c in line.strip("│").split("│")] for line in done.output.splitlines() if "│" in line]
    return {c[0]: c[1] for c in cells if len(c) == 2}


def test_status_of_a_filled_root_shows_models_champion_and_size(
    network: Opened, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_DATA", str(network.store.root.parent))
    done = ris("status", "-c", network.config)
    assert done.exit_code == 0
    rows = rows_of(done)
    assert (rows["station-days"], rows["processed"], rows["no data"]) == ("4", "2", "2")
    assert int(rows["events"]) > 100
    assert rows["label tables"] == "4"
    assert rows["trials trained"] == "2 of 2"
    assert {"DEC K = 3", "DEC K = 4"} <= rows.keys()
    assert rows["champion"].startswith("k")
    assert rows["size on disk"].endswith("MB")
    assert rows["out of date: process"] == "0"


def test_run_refuses_an_unknown_job_and_says_which_there_are(config: Path) -> None:
    done = ris("run", "-c", config, "--only", "trian_dec")
    assert done.exit_code == 2
    assert "--only trian_dec: no such job" in done.output
    done = ris("run", "-c", config, "--without", "process, acquire")
    assert done.exit_code == 2
    assert "repeat the option for each job: --without process --without acquire" in " ".join(done.output.split())
    assert jobs.DEC in done.output


def test_run_of_chosen_jobs_does_these_and_shows_what_is_there(config: Path) -> None:
    done = ris("run", "-c", config, "--only", "process", "--only", "acquire")
    assert done.exit_code == 0
    assert done.output.index("[1/2] acquire: 1 run(s)") < done.output.index("[2/2] process: 1 run(s)")
    rows = rows_of(done)
    assert rows["station-days"].startswith("1 ")
    assert int(rows["events"]) > 5
    assert "FAILED" not in done.output
    assert rows_of(ris("status", "-c", config))["processed"] == "1"


def test_run_says_what_failed_and_exits_with_one(config: Path, tmp_path: Path) -> None:
    (file,) = (path for path in (tmp_path / "archive").rglob("*") if path.is_file())
    file.write_text("no miniSEED, but more than enough bytes for a record's header\n")
    done = ris("run", "-c", config, "--only", "acquire")
    assert done.exit_code == 1
    assert "1 run(s) failed:" in done.output
    assert "no miniSEED record in it" in " ".join(done.output.split())
    status = ris("status", "-c", config)
    assert rows_of(status)["failed"] == "1"
    assert "Failed station-days" in status.output


def test_what_was_not_acquired_is_not_processed_and_said(config: Path) -> None:
    done = ris("run", "-c", config, "--only", "process")
    assert done.exit_code == 1
    assert "1 station-day(s) not acquired, and left out: AA 2020-03-01" in " ".join(done.output.split())
    rows = rows_of(ris("status", "-c", config))
    assert (rows["not yet"], rows["failed"]) == ("1", "0")


def test_env_is_read_by_a_shell_whatever_the_folders_are_called(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_DATA", str(tmp_path / "my $data's"))
    done = ris("env", "-c", config)
    assert done.exit_code == 0
    names = ("RIS_CONFIG", "RIS_DATA", "DAGSTER_HOME", "RIS_MLFLOW_STORE")
    script = done.output + "\n" + "\n".join(f'echo "${name}"' for name in names)
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={})
    root = tmp_path / "my $data's"
    assert shell.stdout.splitlines() == [
        str(config),
        str(root),
        str(root / "small" / "dagster"),
        f"sqlite:///{root}/small/mlflow/mlflow.db",
    ]
    assert (root / "small" / "dagster" / "dagster.yaml").is_file()


def test_dagsters_own_command_materializes_a_station_day(config: Path, data_root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = ["dagster", "asset", "materialize", "-m", "ris_dagster.definitions"]
    command += ["--select", "raw_waveforms,detections,spectrograms", "--partition", f"{DAYS[0]}|AA"]
    environment = os.environ | {"RIS_CONFIG": str(config), "DAGSTER_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    os.environ["DAGSTER_HOME"] = str(home)
    with opened(config) as network:
        key = StationDay("AA", DAYS[0])
        for asset in ("raw_waveforms", "detections", "spectrograms"):
            found = network.materialization(asset, key)
            assert found is not None
            assert found.metadata["dagster/row_count"].value > 5
        assert network.store.spectrograms(key).is_file()
        (run,) = network.instance.get_runs()
        assert run.status is dg.DagsterRunStatus.SUCCESS
