"""`ris backfill`, `ris reset` and the sensor `catch_up`, with a real daemon and its code location."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from builders import DAYS, STATIONS, opened, ris, sds_path, sds_values, spoil, write_archive, write_day, write_yaml
from faults import daemon, until

from ris_core.contracts.station_day import StationDay
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.backfill import BACKFILL_TAG
from ris_dagster.records import recorded_station_days, station_days_of
from ris_dagster.sensors.catch_up import wanted

ALL = {StationDay(station, day) for station in STATIONS for day in DAYS}
BROKEN = StationDay("BB", DAYS[2])

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def config(data_root: Path, tmp_path: Path) -> Path:
    """Settings of an archive in which a file is broken."""
    archive = write_archive(tmp_path / "archive")
    spoil(sds_path(archive, BROKEN.station, BROKEN.day))
    operations = {"station_days_per_run": 4, "attempts": 2, "attempt_wait": 0}
    return write_yaml(tmp_path / "small.yaml", sds_values(archive) | {"operations": operations})


def test_a_daemon_works_on_what_is_missing_and_on_what_is_asked_for_by_hand(config: Path) -> None:
    values = yaml.safe_load(config.read_text())
    values["operations"] |= {"catch_up": True}
    with opened(write_yaml(config, values)) as network:
        alone = ris("backfill", "-c", config, "--yes")
        assert alone.exit_code == 2
        assert "no Dagster daemon takes runs from the queue" in alone.output and "--inline" in alone.output
        network.store.journal.note("acquire", BROKEN, "as on the day before")
        with daemon(network):
            log = network.config.with_name("daemon.log")

            def caught_up() -> bool:
                failure = network.store.journal.find("acquire", BROKEN)
                tried = failure is not None and failure.attempts == 2
                return tried and recorded_station_days(network.instance, BINDINGS["acquire"]) == ALL - {BROKEN}

            until(caught_up, log.read_text)
            asked = network.instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": "catch_up"}))
            until(lambda: all(run.is_finished for run in network.instance.get_runs()), log.read_text)
            assert len(asked) == 3  # two pieces around what failed before, and that for itself
            keys = [key for run in asked for key in station_days_of(run.tags, STATIONS)]
            assert sorted(keys) == sorted(ALL)
            graph = network.definitions.resolve_asset_graph()
            assert not any(wanted(network.instance, graph, network.store.days, BINDINGS, datetime.now(UTC)).values())
            assert list(network.store.days.given_up()) == [("acquire", BROKEN)]
            status = ris("status", "-c", config)
            assert "2, given up" in status.output and "NotMiniSeedError" in status.output

            newest = ["--from", DAYS[2], "--assets", "raw_waveforms,spectrograms"]
            done = ris("backfill", "-c", config, "--yes", *newest)
            assert done.exit_code == 1, done.output
            assert "acquire BB, 2020-03-03: 0 done, 1 FAILED" in done.output
            assert "process AA, 2020-03-03: 1 done" in done.output  # not held back by the other station
            path = sds_path(config.parent / "archive", BROKEN.station, BROKEN.day)
            assert f"acquire {BROKEN}: NotMiniSeedError: {path}" in done.output
            assert "repeat the command" in done.output
            again = ris("backfill", "-c", config, "--yes", "--stations", "AA", *newest)
            assert again.exit_code == 0
            assert "Everything is current" in again.output
        runs = [run for run in network.instance.get_runs() if BACKFILL_TAG in run.tags]
        assert [run.job_name for run in runs] == ["process", "acquire"]
        assert len({run.tags[BACKFILL_TAG] for run in runs}) == 1
        assert len(network.instance.get_runs()) == 5


def test_in_this_process_a_block_is_filled_repeated_and_asked_for_again(config: Path) -> None:
    archive = config.parent / "archive"
    shown = ris("backfill", "-c", config, "--dry-run", "--inline")
    assert shown.exit_code == 0
    assert "2 blocks, oldest first" in shown.output
    assert "label is left out: no champion has been chosen yet" in shown.output
    with opened(config) as network:
        assert network.instance.get_runs() == []
        first = ris("backfill", "-c", config, "--yes", "--inline", "--to", DAYS[1])
        assert first.exit_code == 0, first.output
        first_days = ALL - {StationDay(s, DAYS[2]) for s in STATIONS}
        for stage in ("acquire", "process"):
            assert recorded_station_days(network.instance, BINDINGS[stage]) == first_days
        failed = ris("backfill", "-c", config, "--yes", "--inline")
        assert failed.exit_code == 1
        assert f"acquire {BROKEN}: " in failed.output
        assert len(network.instance.get_runs()) == 4
        write_day(archive, BROKEN.station, BROKEN.day)
        assert "1 failed station-days are reset" in ris("reset", "-c", config).output
        failure = network.store.journal.find("acquire", BROKEN)
        assert failure is not None and failure.attempts == 0
        assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
        assert recorded_station_days(network.instance, BINDINGS["process"]) == ALL
        assert network.store.journal.find("acquire", BROKEN) is None

        # Late data are noticed when they are requested again, and everything that follows from them is made again.
        late = StationDay("AA", DAYS[1])
        before = network.store.spectrograms(late).read_bytes()
        write_day(archive, late.station, late.day, minutes=12)
        assert "Everything is current" in ris("backfill", "-c", config, "--yes", "--inline").output
        one = ("--stations", "AA", "--from", DAYS[1], "--to", DAYS[1])
        assert ris("backfill", "-c", config, "--yes", "--inline", "--again", *one).exit_code == 0
        assert network.store.spectrograms(late).read_bytes() != before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stations", "AA,ZZ"], "--stations ZZ: no such station; known are AA, BB"),
        (["--from", "2020-02-29"], "--from 2020-02-29: the days of the network that are over are 2020-03-01 ... 2020"),
        (["--from", "2020-03-02", "--to", "2020-03-01"], "--to 2020-03-01 lies before --from 2020-03-02"),
        (["--assets", "dec_models"], "--assets dec_models: no asset or stage of station-days; known are acquire"),
        (["--assets", "label_tables"], "--assets label_tables: no champion has been chosen yet"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(options: list[str], said: str, config: Path) -> None:
    done = ris("backfill", "-c", config, *options)
    assert done.exit_code == 2
    assert said in done.output
