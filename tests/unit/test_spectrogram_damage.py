"""Damaged spectrogram files: an error names the file; nothing loops, crashes or is read as other values."""

import errno
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import endless, without_head

from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage import hdf5, hdf5_probe, seen, spectrogram_file
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.head import read_head

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
STAMP = Stamp("settings12345", "1", "inputs123456")


def events(n: int = 3) -> Events:
    rng = np.random.default_rng(n)
    return Events(
        spectrogram=rng.exponential(1, (n, 4, 5)).astype(np.float32),
        waveform=rng.normal(0, 1e3, (n, 6)).astype(np.float32),
        frequency=np.linspace(3, 20, 4),
        time=np.arange(5) / 25,
        event_id=tuple(f"XX.S01..HHZ.{i}" for i in range(n)),
        time_peak=np.arange(n) * 10**9,
        window_start=np.arange(n) * 10**9 - 10**8,
        sampling_rate=50.0,
        context=rng.normal(0, 1e3, (n, 1, 9)).astype(np.float32),
        context_lead=2,
        context_recorded=np.tile(np.array([0, 9], np.int32), (n, 1, 1)),
        noise_psd=rng.exponential(1, (n, 1, 4)).astype(np.float32),
        noise_columns=np.full((n, 1), 121, np.int32),
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(), STAMP, '{"detector": 1}', {"live_seconds": 12.5})
    return path


@pytest.fixture
def old(written: Path) -> Path:
    """A file as earlier versions wrote it: without a head."""
    return without_head(written, written.with_name("old.h5"))


def all_that_is_read(path: Path) -> tuple[object, ...]:
    found, info = spectrogram_file.read_spectrograms(path), spectrogram_file.read_info(path)
    digests = spectrogram_file.content_digest(found), spectrogram_file.surroundings_digest(found)
    return info, digests, found.sampling_rate, found.unit, found.frequency.tolist(), found.context_lead


def test_no_change_of_any_byte_is_read_as_something_else(written: Path, tmp_path: Path) -> None:
    whole, before = written.read_bytes(), all_that_is_read(written)
    assert len(whole) < 30_000
    rng = np.random.default_rng(0)
    head = read_head(written)
    assert head is not None
    places = [*range(0, head["hdf5_at"], 7), *rng.integers(0, len(whole), 150).tolist(), len(whole) - 1]
    for number, at in enumerate(places):
        path = tmp_path / f"changed{number}.h5"
        content = bytearray(whole)
        content[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        with pytest.raises(DamagedFileError, match=rf"changed{number}\.h5: damaged .*; remove it"):
            all_that_is_read(path)
        assert not spectrogram_file.verify(path)
    assert all_that_is_read(written) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b[:-1], "bytes; "),
        (lambda b: b[: len(b) // 2], "bytes; "),
        (lambda b: b[:100], "head"),
        (lambda b: b[:10], "neither with a head nor with HDF5"),
        (lambda b: b"", "neither with a head nor with HDF5"),
        (lambda b: b + b"\0", "bytes; "),
        (lambda b: b"\0" * len(b), "neither with a head nor with HDF5"),
    ],
)
def test_a_file_cut_or_lengthened_is_known_by_its_head_alone(
    change: Callable[[bytes], bytes], said: str, written: Path
) -> None:
    written.write_bytes(change(written.read_bytes()))
    with pytest.raises(DamagedFileError, match=said):
        spectrogram_file.read_info(written)


def test_information_is_read_without_hdf5(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h5py, "File", None)
    info = spectrogram_file.read_info(written)
    assert (info.events, info.stamp, info.summary) == (3, STAMP, {"live_seconds": 12.5})


def test_great_files_are_the_same_as_small_ones(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "IN_MEMORY_BYTES", 0)
    great = written.with_name("great.h5")
    spectrogram_file.write_spectrograms(great, events(), STAMP, '{"detector": 1}', {"live_seconds": 12.5})
    assert all_that_is_read(great) == all_that_is_read(written)
    again = written.with_name("again.h5")
    spectrogram_file.write_spectrograms(again, events(), STAMP, '{"detector": 1}', {"live_seconds": 12.5})
    assert great.read_bytes() == again.read_bytes()


def test_a_head_longer_than_the_least_room_has_room(tmp_path: Path) -> None:
    path, summary = tmp_path / "set.h5", {"drawn_from": {f"S{i:04}/2015-01-01": "0123456789ab" for i in range(5000)}}
    spectrogram_file.write_spectrograms(path, events(), STAMP, "{}", summary)
    assert spectrogram_file.read_info(path).summary == summary
    assert spectrogram_file.verify(path)
    with h5py.File(path) as file:
        assert file.userblock_size == 2**18


def test_a_file_is_looked_at_once_and_again_when_it_has_changed(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr("ris_core.storage.opened_file.check_bytes", lambda path: looked.append(path) or True)
    monkeypatch.setattr(seen, "_SETTLED_SECONDS", -3600.0)
    for _ in range(3):
        spectrogram_file.read_column(written, "time_peak")
    assert looked == [written]
    spectrogram_file.write_spectrograms(written, events(), STAMP, "{}")
    spectrogram_file.read_column(written, "time_peak")
    assert looked == [written, written]


def test_what_was_just_written_is_looked_at_each_time(written: Path) -> None:
    assert spectrogram_file.verify(written)
    status, content = written.stat(), bytearray(written.read_bytes())
    content[-1] ^= 1
    with written.open("rb+") as file:
        file.write(content)
    assert written.stat().st_size == status.st_size
    assert not spectrogram_file.verify(written)


def test_files_of_earlier_versions_are_read_the_same(written: Path, old: Path) -> None:
    assert read_head(old) is None
    assert all_that_is_read(old) == all_that_is_read(written)
    assert spectrogram_file.verify(old)
    assert next(spectrogram_file.iterate_spectrograms(old, 8)).shape == (3, 4, 5)


@pytest.mark.parametrize(
    "read",
    [
        spectrogram_file.read_info,
        spectrogram_file.read_spectrograms,
        spectrogram_file.KeptOpen,
        spectrogram_file.shape_of_one,
        lambda path: spectrogram_file.read_rows(path, np.array([0])),
        lambda path: spectrogram_file.read_column(path, "event_id"),
        lambda path: list(spectrogram_file.iterate_spectrograms(path, 1)),
    ],
)
def test_an_old_file_that_hdf5_would_read_for_ever_is_damaged(
    read: Callable[[Path], object], old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless(old)
    monkeypatch.setattr(hdf5_probe, "_SECONDS", 0.3)
    monkeypatch.setattr(seen, "_SETTLED_SECONDS", -3600.0)  # looked at once
    with pytest.raises(DamagedFileError, match=r"old\.h5: damaged \(HDF5 does not finish reading it within"):
        read(old)
    assert not spectrogram_file.verify(old)


@pytest.mark.parametrize("name", ["heap_damaged.h5", "heap_loops.h5"])
def test_the_files_that_made_every_command_die_or_hang_are_damaged(name: str, tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip(f"the cases are absent: {CASES}")
    path = tmp_path / name
    shutil.copyfile(CASES / name, path)
    with pytest.raises(DamagedFileError, match=name):
        spectrogram_file.read_info(path)
    assert not spectrogram_file.verify(path)


def test_changed_bytes_of_an_old_file_are_an_error_or_of_no_consequence(old: Path, tmp_path: Path) -> None:
    whole, before = old.read_bytes(), all_that_is_read(old)
    rng = np.random.default_rng(1)
    damaged = 0
    for number, at in enumerate(rng.integers(0, len(whole), 60).tolist()):
        path = tmp_path / f"changed{number}.h5"
        content = bytearray(whole)
        content[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            found = spectrogram_file.read_spectrograms(path)
        except DamagedFileError:
            damaged += 1
        else:
            digests = spectrogram_file.content_digest(found), spectrogram_file.surroundings_digest(found)
            assert digests == before[1]
    assert damaged


def _child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Let a process of some other program be asked instead of the one that walks through files."""
    (tmp_path / "stand_in.py").write_text(f"import os, signal, sys\nsys.stdin.readline()\n{what}\n")
    monkeypatch.setattr(hdf5_probe, "_MODULE", "stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hdf5_probe._stop()


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE"])
def test_a_file_that_crashes_hdf5_is_damaged(
    name: str, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child(tmp_path, monkeypatch, f"os.kill(os.getpid(), signal.{name})")
    with pytest.raises(DamagedFileError, match=rf"old\.h5: damaged \(HDF5 crashes when it reads it \({name}\)\)"):
        spectrogram_file.read_info(old)
    monkeypatch.undo()
    hdf5_probe._stop()
    assert spectrogram_file.read_info(old).events == 3


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", errno.EAGAIN),
        ("sys.exit(1)", errno.EAGAIN),
        ('print(\'{"circumstance": [12, "too little memory"]}\', flush=True)', errno.ENOMEM),
        ("signal.pause()", errno.ETIMEDOUT),
    ],
)
def test_a_look_that_fails_for_another_reason_does_not_call_the_file_damaged(
    what: str, number: int, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child(tmp_path, monkeypatch, what)
    monkeypatch.setattr(hdf5_probe, "_PATIENCE", 0.3)
    for read in (spectrogram_file.read_info, spectrogram_file.verify):
        with pytest.raises(OSError, match=r"old\.h5") as caught:
            read(old)
        assert caught.value.errno == number
        assert not isinstance(caught.value, DamagedFileError)
    hdf5_probe._stop()


def test_too_little_memory_is_not_called_damage(tmp_path: Path) -> None:
    path, data = tmp_path / "day.h5", events(1)
    shape = (64, 87, 1000)
    data = Events(
        np.random.default_rng(0).random(shape, np.float32),
        np.zeros((64, 6), np.float32),
        np.arange(87.0),
        np.arange(1000.0),
        tuple(map(str, range(64))),
        np.arange(64),
        np.arange(64),
        50.0,
    )
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    program = """
        import resource, sys
        import numpy as np
        from pathlib import Path
        from ris_core.storage import spectrogram_file
        path = Path(sys.argv[1])
        kept = spectrogram_file.KeptOpen(path)
        rows = np.arange(16)
        used = next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("VmData"))
        for more in range(0, 40_000_000, 500_000):
            resource.setrlimit(resource.RLIMIT_DATA, (used + more, -1))
            try:
                kept.read(rows)
                break
            except (OSError, MemoryError) as error:
                print(type(error).__name__, error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines
    for line in lines:
        assert "damaged" not in line and "remove it" not in line
    assert any("day.h5" in line and "too little memory" in line for line in lines)


def _to_another_file(file: h5py.File, secret: Path) -> None:
    del file["frequency"]
    file["frequency"] = h5py.ExternalLink(secret, "/secret")


def _softly(file: h5py.File, secret: Path) -> None:
    del file["frequency"]
    file["elsewhere"] = h5py.ExternalLink(secret, "/")
    file["frequency"] = h5py.SoftLink("/elsewhere/secret")


def _virtually(file: h5py.File, secret: Path) -> None:
    del file["frequency"]
    layout = h5py.VirtualLayout((4,), np.float64)
    layout[:] = h5py.VirtualSource(secret, "secret", (4,))
    file.create_virtual_dataset("frequency", layout)


def _raw(file: h5py.File, secret: Path) -> None:
    del file["frequency"]
    file.create_dataset("frequency", (4,), np.float64, external=[(secret, 0, 32)])


@pytest.mark.parametrize("lead_out", [_to_another_file, _softly, _virtually, _raw])
@pytest.mark.parametrize("headed", [True, False])
def test_a_file_that_leads_out_of_itself_is_refused(
    lead_out: Callable[[h5py.File, Path], None], headed: bool, old: Path, written: Path
) -> None:
    from ris_core.storage.head import write_head

    secret = old.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file["secret"] = np.arange(4.0)
    path = written if headed else old
    head = read_head(path)
    with h5py.File(path, "a") as file:
        lead_out(file, secret)
    if head is not None:
        write_head(path, head, head["hdf5_at"])
    with pytest.raises(DamagedFileError, match=r"/(frequency|elsewhere) (is a|has its)"):
        spectrogram_file.read_column(path, "frequency")
    with pytest.raises(DamagedFileError, match=r"/(frequency|elsewhere) (is a|has its)"):
        spectrogram_file.read_spectrograms(path)
