"""Stored StationXML: a changed byte is not read as another response, and the file is fetched again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import DAMAGES
from obspy import Stream, read_inventory
from stage_steps import acquire_one, days_at, is_current, process_one, state_rows
from store import Store
from waveform_builders import KEY, make_settings, record

from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_json, write_json
from ris_core.synthetic.seismometer import build_inventory
from ris_core.verification import damaged_files
from ris_core.waveforms.stored_response import read_response, read_stored_inventory, write_response


class Source:
    """A source whose samples and response are copied into the data root."""

    in_place = False

    def fetch(self, station: str, day: date) -> Stream:
        return Stream([record(KEY, 0, 600, [200.0, 300.0])])

    def inventory(self, station: str) -> Any:
        return build_inventory(make_settings(), station)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(make_settings(), tmp_path / "data")
    acquire_one(store, KEY, Source())
    process_one(store, KEY, Source(), pictures=False)
    return store


def products(store: Store) -> dict[str, object]:
    """Return the bytes of all files; of metadata, which say when they were made, the digest of the response."""
    found = {path: path.read_bytes() for path in sorted(store.root.rglob("*")) if path.is_file()}
    digest = days_at(store).acquire.response_digest("S01")
    return {store.relative(p): digest if p == store.inventory("S01") else content for p, content in found.items()}


def test_what_was_written_is_read_and_other_programs_read_it_too(store: Store, tmp_path: Path) -> None:
    path = store.inventory("S01")
    assert read_inventory(str(path)).get_contents() == read_stored_inventory(path).get_contents()
    assert path.read_bytes().startswith(read_response(path))
    with pytest.raises(FileNotFoundError):
        read_response(tmp_path / "none.xml")


def test_metadata_of_an_earlier_version_are_the_same_response(store: Store) -> None:
    path, digest = store.inventory("S01"), days_at(store).acquire.response_digest("S01")
    path.write_bytes(read_response(path))
    assert days_at(store).acquire.response_digest("S01") == digest
    assert is_current("process", store, KEY)
    acquisition = read_json(store.acquisition(KEY))
    del acquisition["has_response"]
    write_json(store.acquisition(KEY), acquisition)
    path.unlink()
    assert is_current("acquire", store, KEY), "what an earlier version recorded says nothing of a response"


def test_every_flipped_bit_is_noticed(store: Store) -> None:
    path, rng = store.inventory("S01"), np.random.default_rng(4)
    data = path.read_bytes()
    for place in [*rng.integers(0, len(data), 60), *range(len(data) - 39, len(data))]:
        changed = bytearray(data)
        changed[int(place)] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.raises(DamagedFileError, match="`ris backfill` acquires it again"):
            read_response(path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_metadata_are_found_and_fetched_anew_and_products_stay_the_same(store: Store, damage: str) -> None:
    good, path = products(store), store.inventory("S01")
    DAMAGES[damage](path)
    assert [error.path for error in damaged_files(store.days, [KEY])] == [path]  # type: ignore[attr-defined]
    assert not is_current("acquire", store, KEY)
    assert not is_current("process", store, KEY)
    assert state_rows(store, [KEY])["outdated"].tolist() == ["acquire,process"]
    with pytest.raises(DamagedFileError):
        process_one(store, KEY, Source(), pictures=False)
    assert not acquire_one(store, KEY, Source()).already_current
    assert process_one(store, KEY, Source(), pictures=False).already_current
    assert products(store) == good


def test_metadata_that_are_gone_are_fetched_anew_instead_of_done_without(store: Store) -> None:
    good = products(store)
    store.inventory("S01").unlink()
    assert not is_current("acquire", store, KEY)
    acquire_one(store, KEY, Source())
    assert is_current("process", store, KEY)
    assert products(store) == good


def test_the_response_of_another_station_is_not_taken_for_this_ones(store: Store) -> None:
    good = products(store)
    path = store.inventory("S01")
    other = store.inventory("S02")
    write_response(other, read_response(path).replace(b"S01", b"S02"))
    path.write_bytes(other.read_bytes())
    assert not is_current("acquire", store, KEY) and not is_current("process", store, KEY)
    assert path in [error.path for error in damaged_files(store.days, [KEY])]
    acquire_one(store, KEY, Source())
    other.unlink()
    assert products(store) == good
    assert is_current("process", store, KEY)
