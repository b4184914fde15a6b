"""Published files from anywhere: nothing outside of them is read, and no size that they declare is believed."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from builders import products
from published_builders import published, published_network

from ris_core.published.importing import prepare
from ris_core.storage.published_file import PublishedFileError

Change = Callable[[h5py.File, Path], None]


def _external(file: h5py.File, secret: Path) -> None:
    del file["4.0/Trace"]
    file["4.0/Trace"] = h5py.ExternalLink(secret, "/4.0/Trace")


def _external_group(file: h5py.File, secret: Path) -> None:
    del file["4.0"]
    file["4.0"] = h5py.ExternalLink(secret, "/4.0")


def _elsewhere(file: h5py.File, secret: Path) -> None:
    file.create_group("notes")["more"] = h5py.ExternalLink(secret, "/")


def _soft(file: h5py.File, secret: Path) -> None:
    file.move("4.0/Trace", "4.0/Other")
    file["4.0/Trace"] = h5py.SoftLink("/4.0/Other")


def _virtual(file: h5py.File, secret: Path) -> None:
    del file["4.0/Trace"]
    layout = h5py.VirtualLayout((24, 199), np.float32)
    layout[:] = h5py.VirtualSource(secret, "4.0/Trace", (24, 199))
    file.create_virtual_dataset("4.0/Trace", layout)


def _raw(file: h5py.File, secret: Path) -> None:
    del file["4.0/Trace"]
    file.create_dataset("4.0/Trace", (24, 199), np.float32, external=[(secret, 0, 24 * 199 * 4)])


def _codec(file: h5py.File, secret: Path) -> None:
    values = file["4.0/Trace"][:]
    del file["4.0/Trace"]
    file.create_dataset("4.0/Trace", data=values, chunks=(20, 199), **hdf5plugin.Blosc2())


def _many_rows(file: h5py.File, secret: Path) -> None:
    for name in ("Spectrogram", "Trace", "Catalogue"):
        file["4.0"][name].resize(2**31, axis=0)


def _some_rows_more(file: h5py.File, secret: Path) -> None:
    for name in ("Spectrogram", "Trace", "Catalogue"):
        file["4.0"][name].resize(2000, axis=0)


def _never_stored(file: h5py.File, secret: Path) -> None:
    del file["4.0/Trace"]
    file.create_dataset("4.0/Trace", (2**31, 199), np.float32)


def _great_chunk(file: h5py.File, secret: Path) -> None:
    del file["4.0/Trace"]
    file.create_dataset("4.0/Trace", (24, 199), np.float32, chunks=(2**20, 199), maxshape=(None, 199))


def _long_text(file: h5py.File, secret: Path) -> None:
    file["4.0/Catalogue"][3] = "x" * 100_000


def _wide_text(file: h5py.File, secret: Path) -> None:
    del file["4.0/Catalogue"]
    file.create_dataset("4.0/Catalogue", data=np.array([b"x"] * 24, "S200000"), chunks=(1,), compression="gzip")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_external, r"/4\.0/Trace is a link to another file \('.*secret\.h5:/4\.0/Trace'\)"),
        (_external_group, r"/4\.0 is a link to another file"),
        (_elsewhere, r"/notes/more is a link to another file"),
        (_soft, r"/4\.0/Trace is a link to another place in the file"),
        (_virtual, r"/4\.0/Trace is a virtual dataset"),
        (_raw, r"/4\.0/Trace has its data in other files"),
        (_codec, r"/4\.0/Trace is packed with the filter 32026 \('blosc2'\)"),
        (_many_rows, r"/4\.0/Trace declares 2147483648 rows in \d+ chunks"),
        (_some_rows_more, r"/4\.0/Trace declares 2000 rows in \d+ chunks, of which \d+ are stored"),
        (_never_stored, r"/4\.0/Trace declares 1709396983808 bytes, of which 0 are stored"),
        (_great_chunk, r"/4\.0/Trace is divided into chunks of 834666496 bytes; at most 268435456"),
        (_long_text, r"/4\.0/Catalogue holds a text of 100000 bytes"),
        (_wide_text, r"/4\.0/Catalogue has texts of 200000 bytes"),
    ],
)
def test_a_file_that_leads_out_of_itself_or_declares_too_much_is_refused(
    change: Change, said: str, tmp_path: Path
) -> None:
    secret = published().write(tmp_path / "secret.h5", table=False)
    path = published().write(tmp_path / "events.h5", table=False)
    with h5py.File(path, "a") as file:
        change(file, secret)
    network = published_network(tmp_path / "root")
    before = products(network.layout)
    with pytest.raises(PublishedFileError, match=rf"events\.h5: cannot be read as HDF5 \({said}"):
        prepare(network, path)
    assert products(network.layout) == before


def test_room_for_scalograms_that_was_never_filled_is_passed_over(tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5", table=False)
    with h5py.File(path, "a") as file:
        file["4.0/Scalogram"].resize(24, axis=0)
    assert prepare(published_network(tmp_path / "root"), path).scalograms == 24


@pytest.mark.parametrize("options", [{"compression": "gzip", "shuffle": True, "fletcher32": True}, {"chunks": None}])
def test_files_that_were_packed_again_are_taken(options: dict[str, object], tmp_path: Path) -> None:
    plain, packed = published().write(tmp_path / "plain.h5"), tmp_path / "packed.h5"
    with h5py.File(plain) as file, h5py.File(packed, "w") as copy:
        for name in ("Spectrogram", "Trace"):
            copy.create_dataset(f"4.0/{name}", data=file[f"4.0/{name}"][:], **options)
        copy.create_dataset("4.0/Catalogue", data=file["4.0/Catalogue"][:], dtype=h5py.string_dtype())
    one, other = (prepare(published_network(tmp_path / path.stem), path) for path in (plain, packed))
    assert [some.inputs for some in one.station_days] == [some.inputs for some in other.station_days]


def _entry_with(**changes: object) -> str:
    return json.dumps(published().catalogue[0] | changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 60_000, "row 2: nested too deeply"),
        ('{"a":' * 60 + "[" * 60_000, "row 2: nested too deeply"),
        (_entry_with(fs="X").replace('"X"', "9" * 5000), "row 2: not valid JSON"),
        (_entry_with(fs="X").replace('"X"', "9" * 400), "row 2: fs is 9999"),
        (_entry_with(STA=1e300), "row 2: STA is 1e+300"),
        (_entry_with(station="A" * 60_000), "row 2: station is 'AAAA"),
        (_entry_with(station=["A"]), "row 2: station is ['A']; a text is needed"),
        (_entry_with(dt_on="0001-01-01 00:00:00"), "row 2: dt_on is '0001-01-01 00:00:00'; a time like"),
        (_entry_with(dt_on="99999999999-01-01"), "row 2: dt_on is '99999999999-01-01'; a time like"),
        ("", "row 2: not valid JSON"),
    ],
)
def test_texts_of_the_catalogue_are_refused_with_their_row(text: str, said: str, tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5", table=False)
    with h5py.File(path, "a") as file:
        file["4.0/Catalogue"][2] = text
    with pytest.raises(PublishedFileError) as error:
        prepare(published_network(tmp_path / "root"), path)
    assert str(error.value).startswith(f"{path}: /4.0/Catalogue, {said}")
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe station,dt_peak", "not a CSV table near row 0"),
        (b"station,dt_peak," + b"x" * 2_000_000, "a line of more than"),
        (b"station,dt_peak\nAA,\xff\n", "not a CSV table near row 0"),
        (b"station,dt_peak\n" + b"A" * 2_000_000, "a line of more than"),
        (b'station,dt_peak\n"' + b"A,\n" * 500_000, "field larger than field limit"),
    ],
)
def test_tables_that_are_no_csv_are_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = published().write(tmp_path / "events.h5", table=False)
    table = tmp_path / "other.csv"
    table.write_bytes(content)
    with pytest.raises(PublishedFileError, match=rf"other\.csv: .*{said}"):
        prepare(published_network(tmp_path / "root"), path, table=table)


def test_values_that_are_infinite_as_float32_are_refused_with_their_row(tmp_path: Path) -> None:
    data = published()
    path = data.write(tmp_path / "events.h5", table=False)
    with h5py.File(path, "a") as file:
        del file["4.0/Trace"]
        traces = data.trace.astype(np.float64)
        traces[5, 7] = 1e300
        file["4.0/Trace"] = traces
    with pytest.raises(PublishedFileError, match=r"/4\.0/Trace, row 5 holds a value that is not finite; --leave-out"):
        prepare(published_network(tmp_path / "root"), path)
    assert prepare(published_network(tmp_path / "root"), path, leave_out=True).left_out == 1
