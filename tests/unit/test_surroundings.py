"""Context, noise spectra and several components in a spectrogram file: they come back, and damage of them is found."""

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from damage import without_head

from ris_core.contracts.events import PER_EVENT, Events, MissingPartError
from ris_core.contracts.stamp import Stamp
from ris_core.storage import spectrogram_file
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.finite import NotFiniteError
from ris_core.storage.rounding import round_mantissa
from ris_core.storage.spectrogram_file import spectrogram_writing

STAMP = Stamp("settings12345", "1", "inputs123456")
F, T, S, LONG = 5, 6, 22, 60
LETTERS = ("Z", "N", "E")


def events(n: int, components: tuple[str, ...] = (), surroundings: bool = True) -> Events:
    """Return n events of random values, with `LONG` samples of context."""
    rng = np.random.default_rng(n)
    count = len(components) or 1
    axes = (count,) if components else ()
    found = Events(
        spectrogram=rng.exponential(1, (n, *axes, F, T)).astype(np.float32),
        waveform=rng.normal(0, 1e3, (n, *axes, S)).astype(np.float32),
        frequency=np.linspace(3, 20, F),
        time=np.arange(T) / 25,
        event_id=tuple(f"XX.S01..HHZ.{i}" for i in range(n)),
        time_peak=np.arange(n) * 10**9,
        window_start=np.arange(n) * 10**9 - 10**8,
        sampling_rate=50.0,
        components=components,
    )
    if not surroundings:
        return found
    return replace(
        found,
        context=rng.normal(0, 1e3, (n, count, LONG)).astype(np.float32),
        context_lead=19,
        context_recorded=np.tile(np.array([3, LONG], np.int32), (n, count, 1)),
        noise_psd=rng.exponential(1, (n, count, F)).astype(np.float32),
        noise_columns=np.full((n, count), 121, np.int32),
        recorded=rng.random((n, count)) > 0.3 if components else None,
    )


def as_stored(data: Events) -> Events:
    """Return events with the values that a file keeps."""
    assert data.context is not None
    assert data.noise_psd is not None
    return replace(
        data,
        spectrogram=round_mantissa(data.spectrogram),
        context=round_mantissa(data.context),
        noise_psd=round_mantissa(data.noise_psd),
    )


def assert_same(found: Events, wanted: Events) -> None:
    for name, value in vars(wanted).items():
        other = getattr(found, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(other, value, err_msg=name)
            assert other.dtype == value.dtype, name
        else:
            assert other == value, name


@pytest.mark.parametrize("surroundings", [True, False])
def test_the_bytes_do_not_depend_on_when_python_frees_the_datasets(tmp_path: Path, surroundings: bool) -> None:
    data = events(5, LETTERS, surroundings)
    spectrogram_file.write_spectrograms(tmp_path / "plain.h5", data, STAMP, "{}")
    kept: list[object] = []  # a profiler, like that of Dask's workers, keeps frames and with them their variables
    sys.setprofile(lambda frame, event, arg: kept.append(frame))
    try:
        spectrogram_file.write_spectrograms(tmp_path / "profiled.h5", data, STAMP, "{}")
    finally:
        sys.setprofile(None)
    assert kept
    assert (tmp_path / "profiled.h5").read_bytes() == (tmp_path / "plain.h5").read_bytes()


@pytest.mark.parametrize("components", [(), LETTERS])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_all_arrays_come_back(tmp_path: Path, n: int, components: tuple[str, ...]) -> None:
    path, data = tmp_path / "day.h5", events(n, components)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    wanted = as_stored(data)
    assert_same(spectrogram_file.read_spectrograms(path), wanted)
    assert spectrogram_file.verify(path)
    info = spectrogram_file.read_info(path)
    assert info.surroundings == spectrogram_file.surroundings_digest(wanted)
    assert (info.events, info.components) == (n, components)
    spec = spectrogram_file.input_spec_of(path)
    assert spec.components == (components or (("Z",) if n else ()))
    assert spec.shape == (F, T)
    assert spectrogram_file.shape_of_one(path) == wanted.spectrogram.shape[1:]
    if n == 40:
        rows = np.array([0, 3, 17, 39])
        assert_same(spectrogram_file.read_spectrograms(path, rows), wanted.take(rows))


@pytest.mark.parametrize("parts", [("noise_psd",), ("spectrogram", "context"), ("waveform",), ()])
def test_blocks_have_the_arrays_that_are_asked_for(tmp_path: Path, parts: Any) -> None:
    path, data = tmp_path / "day.h5", events(40, LETTERS)
    spectrogram_file.write_spectrograms(path, data, STAMP, "{}")
    wanted, start = as_stored(data), 0
    for block in spectrogram_file.iterate_events(path, 16, parts):
        assert len(block) <= 16
        block.require(*parts)
        rows = slice(start, start + len(block))
        for name in (*PER_EVENT, "event_id"):
            if name in {"spectrogram", "waveform", "context", "noise_psd"} - set(parts):
                continue
            np.testing.assert_array_equal(getattr(block, name), getattr(wanted, name)[rows])
        for name in {"spectrogram", "waveform"} - set(parts):
            assert getattr(block, name).shape[0] == len(block)
            assert not getattr(block, name).size
            with pytest.raises(MissingPartError, match=f"these events: {name} was not read"):
                block.require(name)
        start += len(block)
    assert start == 40


def test_the_digest_of_the_content_does_not_depend_on_the_surroundings(tmp_path: Path) -> None:
    with_them, without = events(3), events(3, surroundings=False)
    contents = [
        spectrogram_file.write_spectrograms(tmp_path / "day.h5", data, STAMP, "{}") for data in (with_them, without)
    ]
    assert contents[0] == contents[1]
    assert spectrogram_file.read_info(tmp_path / "day.h5").surroundings == ""


def test_files_of_earlier_versions_have_none_and_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(3, surroundings=False), STAMP, "{}")
    found = spectrogram_file.read_spectrograms(path)
    assert (found.context, found.noise_psd, found.recorded, found.component_count) == (None, None, None, 1)
    assert found.letters == ("Z",)
    found.require("spectrogram", "waveform")
    with pytest.raises(
        MissingPartError, match=r"these events: there is no noise_psd.* process their station-days again"
    ):
        found.require("noise_psd")


@pytest.mark.parametrize("name", ["context", "context_recorded", "noise_psd", "noise_columns", "recorded"])
def test_a_changed_value_of_a_file_without_a_head_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(3, LETTERS), STAMP, "{}")
    old = without_head(path, tmp_path / "old.h5")
    assert spectrogram_file.verify(old)
    with h5py.File(old, "r+") as file:
        file[name][2, 1] = 1 - file[name][2, 1]
    assert not spectrogram_file.verify(old)
    with pytest.raises(DamagedFileError, match="context and noise spectra do not match their digest"):
        spectrogram_file.read_spectrograms(old)


@pytest.mark.parametrize("name", ["context", "context_recorded", "noise_psd", "noise_columns"])
def test_a_lost_dataset_of_a_file_without_a_head_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(3), STAMP, "{}")
    old = without_head(path, tmp_path / "old.h5")
    with h5py.File(old, "r+") as file:
        del file[name]
    assert not spectrogram_file.verify(old)
    with pytest.raises(DamagedFileError, match=r"old\.h5"):
        spectrogram_file.read_spectrograms(old)


def test_a_dataset_of_fewer_rows_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(3), STAMP, "{}")
    old = without_head(path, tmp_path / "old.h5")
    with h5py.File(old, "r+") as file:
        values = file["noise_columns"][:2]
        del file["noise_columns"]
        file["noise_columns"] = values
    with pytest.raises(DamagedFileError, match=re.escape("/noise_columns has 2 rows, /spectrogram 3")):
        spectrogram_file.read_spectrograms(old, slice(0, 1))


@pytest.mark.parametrize("name", ["context", "noise_psd"])
def test_surroundings_that_are_not_finite_are_not_stored(tmp_path: Path, name: str) -> None:
    data = events(3)
    values = getattr(data, name).copy()
    values[1, 0, 2] = np.nan
    with pytest.raises(NotFiniteError, match=f"the {name} of XX.S01..HHZ.1 is not finite"):
        spectrogram_file.write_spectrograms(tmp_path / "day.h5", replace(data, **{name: values}), STAMP, "{}")


def test_verification_names_a_value_that_is_not_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = events(3)
    assert data.noise_psd is not None
    data.noise_psd[2, 0, 1] = np.inf
    monkeypatch.setattr(spectrogram_writing, "check_finite", lambda *_: None)
    spectrogram_file.write_spectrograms(tmp_path / "day.h5", data, STAMP, "{}")
    assert spectrogram_file.not_finite(tmp_path / "day.h5") == "its noise_psd 3 is not finite"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: replace(d, noise_psd=None), "come together"),
        (lambda d: replace(d, components=("Z", "N")), "cannot have the shape"),
        (lambda d: replace(d, components=()), "cannot have the shape"),
        (lambda d: replace(d, noise_columns=d.noise_columns[:, :1]), "noise_columns has the shape"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    tmp_path: Path, change: Callable[[Events], Events], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        spectrogram_file.write_spectrograms(tmp_path / "day.h5", change(events(3, LETTERS)), STAMP, "{}")


def test_the_file_tells_what_its_arrays_are(tmp_path: Path) -> None:
    path = tmp_path / "day.h5"
    spectrogram_file.write_spectrograms(path, events(20, LETTERS), STAMP, "{}")
    with h5py.File(path) as file:
        assert file.attrs["components"] == "Z,N,E"
        assert dict(file["context"].attrs)["samples_before_waveform"] == 19
        assert file["context"].attrs["unit"] == "counts"
        assert file["noise_psd"].attrs["unit"] == "counts^2/Hz"
        assert file["noise_psd"].dims[2][0] == file["frequency"]
        assert file["spectrogram"].dims[2][0] == file["frequency"]
        assert file["spectrogram"].dims[3][0] == file["time"]
        assert file["spectrogram"].chunks == (16, 3, F, T)


@pytest.mark.parametrize(
    ("shape", "events"), [((40, 87, 100), 16), ((40, 3, 87, 100), 10), ((4, 3, 87, 100), 4), ((40, 500, 1000), 1)]
)
def test_a_chunk_fits_the_cache_of_the_library(shape: tuple[int, ...], events: int) -> None:
    assert spectrogram_file.layout(shape)["chunks"] == (events, *shape[1:])


def test_one_component_of_several_is_an_event_of_one() -> None:
    data = events(4, LETTERS)
    north = data.component("N")
    assert (north.components, north.component_count) == ((), 1)
    np.testing.assert_array_equal(north.spectrogram, data.spectrogram[:, 1])
    np.testing.assert_array_equal(north.waveform, data.waveform[:, 1])
    assert data.context is not None
    assert north.context is not None
    np.testing.assert_array_equal(north.context, data.context[:, 1:2])
    with pytest.raises(ValueError, match="component 1 is not among those of the events, Z, N, E"):
        data.component("1")
    one = events(4)
    assert one.component("Z") is one
