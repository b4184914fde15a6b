"""Files that break, disks that fill, folders that are read-only and settings that change: found, named and mended."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from builders import (
    DAYS,
    Opened,
    failure_of,
    opened,
    products,
    ris,
    write_yaml,
)
from faults import check_record, check_whole, clean_environment, made, ris_command
from sensor_builders import tick

from ris_core.contracts.station_day import StationDay

TWO = DAYS[:2]
FIRST = StationDay("AA", TWO[0])
MEGABYTE = 1_000_000

pytestmark = pytest.mark.usefixtures("blank_pictures")


def flip(path: Path, share: float) -> None:
    """Turn eight bytes at a place given as a share of the file."""
    data = bytearray(path.read_bytes())
    place = int(len(data) * share)
    data[place : place + 8] = bytes(255 - byte for byte in data[place : place + 8])
    path.write_bytes(data)


def test_files_that_break_on_disk_are_found_by_their_digest_and_made_again(copied: Opened) -> None:
    store, config = copied.store, copied.config
    good = products(store)
    assert ris("verify", "-c", config).exit_code == 0
    other = StationDay("BB", TWO[1])
    flip(store.spectrograms(FIRST), 0.5)
    flip(store.labels(FIRST), 0.3)
    flip(store.detections(other), 0.2)
    cut = store.spectrograms(StationDay("BB", TWO[0]))
    os.truncate(cut, cut.stat().st_size // 2)

    # What cannot be opened any more is out of date at once, with all that follows from it.
    status = ris("status", "-c", config)
    assert "out of date: process" in status.output
    found = ris("verify", "-c", config)
    assert found.exit_code == 1
    spoiled = [store.spectrograms(FIRST), store.labels(FIRST), store.detections(other), cut]
    named = [line.removeprefix("damaged: ") for line in found.output.splitlines() if line.startswith("damaged: ")]
    assert {line.partition(" (")[0] for line in named} == {str(path) for path in spoiled}
    assert "remove what is damaged with --remove, then `ris backfill` makes it again" in found.output
    assert ris("verify", "-c", config, "--remove").exit_code == 0
    assert ris("backfill", "-c", config, "--yes", "--inline").exit_code == 0
    assert products(store) == good
    assert ris("verify", "-c", config).exit_code == 0
    check_record(copied, "acquire", "process", "label")


def test_what_a_killed_command_made_and_did_not_record_is_recorded_by_the_next(
    copied: Opened, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = products(copied.store)
    monkeypatch.setenv("DAGSTER_HOME", str(data_root.parent / "home"))  # where nothing was recorded yet
    assert ris("backfill", "-c", copied.config, "--yes", "--inline").exit_code == 0
    with opened(copied.config) as network:
        check_record(network, "acquire", "process", "label")
        assert products(network.store) == good
    assert "Everything is current" in ris("backfill", "-c", copied.config, "--yes", "--inline").output


def test_changed_settings_make_products_stale_and_only_who_asks_gets_them_again(copied: Opened) -> None:
    good = products(copied.store)
    values = yaml.safe_load(copied.config.read_text())
    values["detector"] = {"threshold_on": 12.0}
    write_yaml(copied.config, values)
    with opened(copied.config) as changed:
        status = ris("status", "-c", changed.config)
        rows = [line.split("│") for line in status.output.splitlines() if "out of date: process" in line]
        assert [row[2].strip() for row in rows] == ["4"]
        assert changed.stale("spectrograms", FIRST) == "STALE"
        assert changed.stale("raw_waveforms", FIRST) == "FRESH"
        assert not tick(changed.definitions, changed.instance, "following").run_requests
        assert products(changed.store) == good
        assert ris("backfill", "-c", changed.config, "--yes", "--inline").exit_code == 0
        assert changed.store.spectrograms(FIRST).read_bytes() != good[f"spectrograms/AA/{TWO[0]}.h5"]
        check_record(changed, "acquire", "process", "label")
    write_yaml(copied.config, values | {"detector": {}})
    assert ris("backfill", "-c", copied.config, "--yes", "--inline").exit_code == 0
    assert products(copied.store) == good


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    folder.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"a small disk (tmpfs) can be mounted by root alone: {mount.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_named_leaves_nothing_half_written_and_costs_nothing(
    undisturbed: Opened, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {n: d for n, d in products(undisturbed.store).items() if n.startswith(("spectrograms", "detections"))}
    monkeypatch.setenv("DAGSTER_HOME", str(data_root.parent / "home"))
    size = 2 * sum(map(len, expected.values())) + MEGABYTE
    with small_disk(data_root, size), opened(undisturbed.config) as network:
        assert network.run_block("acquire").success
        filler = data_root / "filler"
        # Room for one station-day and a part of the next.
        left = int(1.5 * max(map(len, expected.values())))
        with filler.open("wb") as file:
            file.write(bytes(shutil.disk_usage(data_root).free - left))
        result = network.run_block("process")
        assert not result.success
        message = failure_of(result)
        assert "cannot be written: the disk is full (0." in message and f"MB free in {network.store.root}" in message
        assert "free space there and repeat the command" in message
        check_record(network, "acquire", "process")
        filler.unlink()
        assert network.run_block("process").success
        again = {n: d for n, d in made(network).items() if n.startswith(("spectrograms", "detections"))}
        assert again == expected
        check_record(network, "acquire", "process")


def test_a_read_only_folder_is_one_clear_error(copied: Opened) -> None:
    root = copied.store.root
    before = products(copied.store)
    for path in [root, *root.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    # Root may write everywhere, so it gives up that right.
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    environment = clean_environment(RIS_DATA=root.parent)
    try:
        for words in (["run", "--only", "process"], ["backfill", "--yes", "--inline"], ["ui"]):
            done = subprocess.run(
                [*unprivileged, *ris_command(*words, "-c", copied.config)],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 2, done.stderr
            assert f"{root} is read-only for user" in done.stdout
            assert "or set RIS_DATA to a folder in which it has this right" in done.stdout
            assert "Traceback" not in done.stdout + done.stderr
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o200)
    assert products(copied.store) == before
    check_whole(root)
