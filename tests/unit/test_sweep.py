"""Temporary files that killed processes leave are removed, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ris_core.storage.atomic import this_process
from ris_core.storage.sweep import LEAST_AGE_S, sweep

WRITER = """
import os, signal, sys
from pathlib import Path
from ris_core.storage.atomic import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def aged(path: Path, seconds: float = 2 * LEAST_AGE_S) -> Path:
    when = time.time() - seconds
    os.utime(path, (when, when))
    return path


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """What a process leaves that is killed while it writes."""
    target = tmp_path / "spectrograms" / "S01" / "2015-01-10.h5"
    ended = subprocess.run([sys.executable, "-c", WRITER, target], check=False)
    assert ended.returncode == -signal.SIGKILL
    (found,) = target.parent.iterdir()
    return found


def test_what_a_killed_process_has_left_is_removed_after_an_hour(tmp_path: Path, left: Path) -> None:
    product = left.parent / "2015-01-11.h5"
    product.write_bytes(b"kept")
    aged(product)
    assert sweep(tmp_path).count == 0
    aged(left)
    swept = sweep(tmp_path)
    assert (swept.count, swept.size) == (1, 1000)
    assert list(left.parent.iterdir()) == [product]


def test_what_a_living_process_writes_stays_however_old_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / f".day.parquet.{this_process()}-0123abcd.tmp"
    mine.write_bytes(b"")
    monkeypatch.setattr("ris_core.storage.sweep.LEAST_AGE_S", 0.0)
    assert sweep(tmp_path).count == 0
    # This process has got the number of another one: it began long after the file was written.
    aged(mine, 10 * 365 * 86_400)
    assert sweep(tmp_path).count == 1


@pytest.mark.parametrize("name", [".day.parquet.0123abcd.tmp", ".day.h5.ffffffff-1-0123abcd.tmp"])
def test_of_earlier_versions_and_other_hosts_the_age_decides(tmp_path: Path, name: str) -> None:
    path = tmp_path / "labels" / "station=S01" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"12")
    assert sweep(tmp_path).count == 0
    aged(path)
    assert sweep(tmp_path).size == 2
    assert not path.exists()


def test_the_scratch_of_a_draw_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "training" / ".draw-ffffffff-1-ab_cdefg"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(bytes(50))
    aged(folder)
    assert sweep(tmp_path).count == 0, "it is written to"
    aged(folder / "x")
    aged(folder)
    assert sweep(tmp_path).size == 50
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["notes.tmp", ".notes.tmp", ".hidden", "dagster/.a.0123abcd.tmp", "mlflow/.a.0123abcd.tmp", ".draw-plan"]
)
def test_files_of_others_stay(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    aged(path)
    assert sweep(tmp_path).count == 0
    assert path.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    elsewhere.mkdir()
    root.mkdir()
    kept = elsewhere / ".a.b.0123abcd.tmp"
    kept.write_bytes(b"")
    aged(kept)
    (root / "waveforms").symlink_to(elsewhere)
    assert sweep(root).count == 0
    assert kept.exists()
