"""A scan of many files answers as the disk does: with a cache of what files said, without one, with a broken one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage import file_cache, scanned_files, table_schemas, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.files import Files, FilesOnDisk
from ris_core.storage.json_records import write_json
from ris_core.storage.scanned_files import ScannedFiles, cache_path
from ris_core.storage.spectrogram_file import write_spectrograms

FIELDS = {"state": str, "gaps": int}
REMEDY = "acquire it again"
OLD_S = 1000.0


def table(path: Path, inputs: str = "inputs") -> Path:
    frame = pd.DataFrame({field.name: [] for field in table_schemas.DETECTION_SCHEMA})
    tables.write_table(
        path, frame, table_schemas.DETECTION_SCHEMA, Stamp("settings", "1", inputs), {"live_seconds": 1.5}
    )
    return path


def spectrograms(path: Path) -> Path:
    empty = np.empty(0, np.int64)
    data = Events(
        np.empty((0, 2, 87, 100), np.float32), np.empty((0, 2, 218), np.float32), np.arange(87.0), np.arange(100.0),
        (), empty, empty, 50.0, "counts", ("Z", "N"), np.empty((0, 2, 1200), np.float32), 490,
        np.empty((0, 2, 2), np.int32), np.empty((0, 2, 87), np.float32), np.empty((0, 2), np.int32),
    )  # fmt: skip
    write_spectrograms(path, data, Stamp("settings", "1", "inputs"), "{}", {"live_seconds": 1.5})
    return path


def record(path: Path, **values: Any) -> Path:
    write_json(path, {"state": "data", "gaps": 1, "sampling_rate": float("inf"), "notes": ["a"]} | values)
    return path


def spoil(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(bytes(data))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One file of every kind, sound, damaged, and of another kind than its place is for."""
    table(tmp_path / "tables" / "sound")
    spoil(table(tmp_path / "tables" / "spoilt"))
    (tmp_path / "tables" / "folder").mkdir()
    (tmp_path / "tables" / "empty").write_bytes(b"")
    spectrograms(tmp_path / "spectrograms" / "sound")
    (tmp_path / "spectrograms" / "cut").write_bytes((tmp_path / "spectrograms" / "sound").read_bytes()[:-1])
    record(tmp_path / "records" / "sound")
    spoil(record(tmp_path / "records" / "spoilt"))
    record(tmp_path / "records" / "lacks", gaps="none")
    (tmp_path / "records" / "broken_link").symlink_to(tmp_path / "nothing")
    (tmp_path / "records" / "link").symlink_to(tmp_path / "records" / "sound")
    (tmp_path / "records" / "list").write_text("[1]")
    settle(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be cached that were written just now, as if the clock of the file system were exact."""
    monkeypatch.setattr(scanned_files, "_SETTLED_NS", 0)


def settle(root: Path) -> None:
    past = time.time() - OLD_S
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (past, past))


def answer(ask: Callable[[], Any]) -> Any:
    """Return what comes of a question: its answer, or the kind and the words of its error."""
    try:
        return ask()
    except (FileNotFoundError, DamagedFileError) as error:
        said = (str(error), error.remedy) if isinstance(error, DamagedFileError) else ()
        return type(error), said


def answers(files: Files, root: Path) -> dict[str, Any]:
    """Ask everything of everything, what is not there included."""
    paths = [*sorted(root.glob("[!c]*/*")), root / "tables" / "absent", root / "nowhere" / "absent"]
    found: dict[str, Any] = {str(folder): files.names(folder) for folder in (root / "records", root / "nowhere")}
    for path in paths:
        found[str(path)] = [
            files.exists(path),
            answer(lambda path=path: files.modified(path)),
            answer(lambda path=path: files.stamp_of_table(path)),
            answer(lambda path=path: files.info_of_spectrograms(path)),
            answer(lambda path=path: files.record(path, FIELDS, REMEDY)),
            answer(lambda path=path: files.record(path, FIELDS)),
        ]
    return found


def scanned(root: Path) -> dict[str, Any]:
    with ScannedFiles(root, worth_saving=1) as files:
        return answers(files, root)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that is filled with the files that a scan reads."""
    paths: list[Path] = []
    plain = scanned_files._answer

    def counted(path: Path, read: Callable[[Path], Any]) -> list[Any]:
        paths.append(path)
        return plain(path, read)

    monkeypatch.setattr(scanned_files, "_answer", counted)
    return paths


def test_a_scan_answers_as_the_disk_does_with_and_without_a_cache(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers(FilesOnDisk(), root)
    assert scanned(root) == expected
    assert cache_path(root).exists()
    read = reads(monkeypatch)
    assert scanned(root) == expected
    assert read == []


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no cache at all",
        file_cache.FORMAT.replace(b"1", b"0"),
        file_cache.FORMAT,
        file_cache.FORMAT + b"{}\nno digest\n",
        file_cache.FORMAT + b"\xff" * 200,
    ],
)
def test_a_cache_that_is_none_is_built_anew(root: Path, broken: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scanned(root)
    sound = cache_path(root).read_bytes()
    cache_path(root).write_bytes(broken)
    assert scanned(root) == expected
    assert cache_path(root).read_bytes() == sound
    read = reads(monkeypatch)
    assert scanned(root) == expected
    assert read == []


def test_any_damaged_byte_of_a_cache_is_noticed(root: Path) -> None:
    expected = scanned(root)
    data = cache_path(root).read_bytes()
    for place in range(0, len(data), 7):
        cache_path(root).write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with ScannedFiles(root, worth_saving=10**9) as files:
            assert answers(files, root) == expected
    for end in range(0, len(data), 101):
        cache_path(root).write_bytes(data[:end])
        with ScannedFiles(root, worth_saving=10**9) as files:
            assert answers(files, root) == expected


def test_a_cache_of_another_format_is_not_believed(root: Path) -> None:
    scanned(root)
    data = cache_path(root).read_bytes()
    assert b"inputs" in data
    cache_path(root).write_bytes(data.replace(b"format 3", b"format 4", 1).replace(b"inputs", b"others"))
    assert scanned(root) == answers(FilesOnDisk(), root)


def test_a_file_that_cannot_take_the_cache_is_no_error(root: Path) -> None:
    (root / "cache").write_text("a file where the folder belongs")
    assert scanned(root) == answers(FilesOnDisk(), root)


def test_a_file_of_the_same_size_and_another_time_is_read_again(root: Path) -> None:
    scanned(root)
    path = root / "tables" / "sound"
    size = path.stat().st_size
    table(path, inputs="others")
    assert path.stat().st_size == size
    found = scanned(root)
    assert found == answers(FilesOnDisk(), root)
    assert found[str(path)][2][0] == Stamp("settings", "1", "others")


def test_a_file_that_is_changed_and_gets_its_old_time_back_is_read_again(root: Path) -> None:
    scanned(root)
    path = root / "tables" / "sound"
    before = path.stat()
    path.write_bytes(table(root / "other", inputs="others").read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with ScannedFiles(root) as files:
        assert files.stamp_of_table(path)[0] == Stamp("settings", "1", "others")


def test_a_file_that_is_replaced_within_one_tick_of_the_file_systems_clock_is_read_again(root: Path) -> None:
    scanned(root)
    path = root / "tables" / "sound"
    table(path, inputs="others")
    section = file_cache.FileCache(cache_path(root)).section("table tables")
    status = path.stat()
    section["sound"][:3] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    file_cache.save(cache_path(root), {"table tables": section})
    with ScannedFiles(root) as files:
        assert files.stamp_of_table(path)[0] == Stamp("settings", "1", "others")


@pytest.mark.parametrize("made_huge", [lambda path: path.write_bytes(b""), lambda path: None])
def test_a_cache_of_absurd_size_is_not_read(root: Path, made_huge: Callable[[Path], Any]) -> None:
    expected = scanned(root)
    made_huge(cache_path(root))
    os.truncate(cache_path(root), 2**40)  # no blocks are taken for it
    assert scanned(root) == expected
    assert cache_path(root).stat().st_size < 2**20


def test_a_pipe_in_place_of_the_cache_is_not_waited_for(root: Path) -> None:
    expected = scanned(root)
    cache_path(root).unlink()
    os.mkfifo(cache_path(root))
    assert scanned(root) == expected


def test_what_comes_and_goes_between_passes_is_seen(root: Path) -> None:
    scanned(root)
    (root / "records" / "sound").unlink()
    record(root / "records" / "new", gaps=7)
    (root / "tables" / "spoilt").replace(root / "tables" / "empty")
    spectrograms(root / "spectrograms" / "cut")
    assert scanned(root) == answers(FilesOnDisk(), root)
    assert "spoilt" not in file_cache.FileCache(cache_path(root)).section("table tables")


def test_a_file_written_just_now_is_not_cached(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanned_files, "_SETTLED_NS", 60_000_000_000)
    fresh = table(root / "tables" / "fresh")
    scanned(root)
    read = reads(monkeypatch)
    with ScannedFiles(root) as files:
        files.stamp_of_table(fresh)
        files.stamp_of_table(fresh)
    assert read == [fresh]


def test_passes_over_other_folders_keep_what_the_cache_has(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScannedFiles(root, worth_saving=1) as files:
        files.stamp_of_table(root / "tables" / "sound")
    with ScannedFiles(root, worth_saving=1) as files:
        files.record(root / "records" / "sound", FIELDS)
    read = reads(monkeypatch)
    with ScannedFiles(root) as files:
        files.stamp_of_table(root / "tables" / "sound")
        files.record(root / "records" / "sound", FIELDS)
    assert read == []


def test_the_cache_moves_with_the_data_root(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    scanned(root)
    moved = tmp_path_factory.mktemp("elsewhere") / "root"
    root.rename(moved)
    assert "sound" in file_cache.FileCache(cache_path(moved)).section("table tables")
    assert scanned(moved) == answers(FilesOnDisk(), moved)


def test_a_few_files_are_not_worth_a_new_cache(root: Path) -> None:
    with ScannedFiles(root) as files:
        answers(files, root)
    assert not cache_path(root).exists()


def test_each_file_is_read_once_in_a_pass_and_each_fact_found_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, found = reads(monkeypatch), []
    files = ScannedFiles(root)
    assert answers(files, root) == answers(files, root)
    assert len(read) == len(set(read)) * 3  # as a table, as spectrograms and as a record

    def find() -> int:
        found.append(1)
        return len(found)

    def fail() -> int:
        found.append(1)
        raise DamagedFileError(root, "why", "remedy")

    assert [files.once("a", find), files.once("a", find), files.once("b", find)] == [1, 1, 2]
    for _ in range(2):
        with pytest.raises(DamagedFileError, match="why"):
            files.once("c", fail)
    assert len(found) == 3
    assert [FilesOnDisk().once("a", find), FilesOnDisk().once("a", find)] == [4, 5]


def test_a_record_that_is_changed_by_its_reader_stays_as_it_is(root: Path) -> None:
    files = ScannedFiles(root)
    files.record(root / "records" / "sound", FIELDS)["state"] = "other"
    assert files.record(root / "records" / "sound", FIELDS)["state"] == "data"


def test_what_says_nothing_of_the_content_is_raised_and_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> Any:
        raise PermissionError(13, "no right", str(path))

    files = ScannedFiles(root, worth_saving=1)
    with monkeypatch.context() as patched:
        patched.setattr(scanned_files, "read_json", closed)
        with pytest.raises(PermissionError):
            files.record(root / "records" / "sound", FIELDS)
    assert files.record(root / "records" / "sound", FIELDS)["state"] == "data"


def test_the_cache_is_text_that_a_person_can_read(root: Path) -> None:
    scanned(root)
    section = file_cache.FileCache(cache_path(root)).section("record records")
    size, *_ = section["sound"]
    assert size == (root / "records" / "sound").stat().st_size
    assert json.loads(section["sound"][4])["notes"] == ["a"]
