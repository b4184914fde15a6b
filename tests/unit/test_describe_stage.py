"""Tables of attributes: what they hold, when they are out of date, and when a network has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from attribute_builders import events_around, wavelets
from builders import sds_values, write_archive
from damage import DAMAGES
from stage_steps import acquire_one, days_at, describe_one, process_one, state_rows
from store import Store

from ris_core.access import read_attributes
from ris_core.attributes import attribute_columns, attributes
from ris_core.attributes.describe import DescribeStage
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import NotProcessedError
from ris_core.storage import tables
from ris_core.storage.spectrogram_file import read_spectrograms
from ris_core.verification import damaged_files
from ris_dagster.definitions import build_definitions

WANTED = {"attributes": {"table": True}}


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("attributes")
    store = Store(Settings.model_validate(sds_values(write_archive(root / "archive")) | WANTED), root / "data")
    for key in store.station_days():
        acquire_one(store, key)
        process_one(store, key, pictures=False)
    return store


def with_values(store: Store, **values: object) -> Store:
    return Store(Settings.model_validate(store.settings.model_dump(mode="json") | values), store.root)


def first_of(store: Store) -> StationDay:
    return next(iter(store.station_days()))


def test_a_table_has_the_attributes_of_every_event_in_order(processed: Store) -> None:
    key = first_of(processed)
    made = describe_one(processed, key)
    events = read_spectrograms(processed.spectrograms(key))
    frame = tables.read_table(processed.attributes(key))
    assert not made.already_current and set(made.pictures) == {"attributes"}
    assert (made.result.rows, made.result.events, made.result.columns) == (len(events), len(events), 70)
    assert tuple(frame["event_id"]) == events.event_id and len(events) > 3
    np.testing.assert_array_equal(frame["time_peak"].to_numpy(np.int64), events.time_peak)
    np.testing.assert_array_equal(frame.iloc[:, 3:], attributes(events))
    schema = tables.read_schema(processed.attributes(key))
    for column in attribute_columns():
        said = {k.decode(): v.decode() for k, v in schema.field(column.name).metadata.items()}
        assert said["description"] == column.meaning and said["source"] == column.source
        assert said.get("unit", "") == column.unit and said["range"] == column.range
    again = describe_one(processed, key)
    assert again.already_current and again.result == made.result and not again.pictures


def test_the_same_events_give_the_same_bytes(processed: Store) -> None:
    key = first_of(processed)
    describe_one(processed, key)
    wanted = processed.attributes(key).read_bytes()
    processed.attributes(key).unlink()
    describe_one(processed, key)
    assert processed.attributes(key).read_bytes() == wanted


def test_other_windows_noise_or_spectrograms_make_a_table_out_of_date(processed: Store) -> None:
    key = first_of(processed)
    describe_one(processed, key)
    stage = days_at(processed).stage(DescribeStage)
    assert stage.is_current(key) and stage.follows_its_input(key)
    for section in ({"windows": [4, 8]}, {"above_noise": 2}):
        other = with_values(processed, representations={"attributes": section})
        changed = days_at(other).stage(DescribeStage)
        assert not changed.is_current(key) and changed.follows_its_input(key)
    # What only the representation uses.
    clipped = with_values(processed, representations={"attributes": {"clip": 3}})
    assert days_at(clipped).stage(DescribeStage).is_current(key)
    quieter = with_values(processed, context={"noise_quantile": 0.3})
    assert not days_at(quieter).stage(DescribeStage).is_current(key)
    process_one(quieter, key, pictures=False)
    try:
        assert not days_at(quieter).stage(DescribeStage).follows_its_input(key)
    finally:
        process_one(processed, key, pictures=False)
    assert days_at(processed).stage(DescribeStage).is_current(key)


def test_without_spectrograms_there_are_no_attributes(processed: Store, tmp_path: Path) -> None:
    empty = Store(processed.settings, tmp_path)
    with pytest.raises(NotProcessedError):
        describe_one(empty, first_of(processed))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_named_and_made_again(processed: Store, damage: str) -> None:
    key = first_of(processed)
    describe_one(processed, key)
    path = processed.attributes(key)
    wanted = path.read_bytes()
    DAMAGES[damage](path)
    assert [path in (getattr(error, "path", None),) for error in damaged_files(days_at(processed), [key])] == [True]
    assert not describe_one(processed, key).already_current
    assert path.read_bytes() == wanted


def test_a_notebook_reads_some_columns_of_some_days(processed: Store) -> None:
    keys = list(processed.station_days())
    for key in keys:
        describe_one(processed, key)
    network = days_at(processed)
    key = keys[-1]
    found = read_attributes(network, key.station, key.day, key.day, ["event_id", "centroid_4s"])
    assert list(found.columns) == ["event_id", "centroid_4s"]
    whole = read_attributes(network)
    rows = whole["event_id"].isin(found["event_id"])
    assert len(found) == rows.sum() > 0 and whole.shape[1] == 73
    np.testing.assert_array_equal(whole.loc[rows, "centroid_4s"], found["centroid_4s"])
    with pytest.raises(ValueError, match="there are no such columns"):
        read_attributes(network, columns=["centroid"])
    with pytest.raises(ValueError, match=r"set attributes\.table to true"):
        read_attributes(days_at(with_values(processed, attributes={"table": None})))


def test_a_network_has_the_stage_if_a_candidate_or_the_settings_want_it(processed: Store) -> None:
    def stages(**values: object) -> tuple[list[str], bool]:
        settings = with_values(processed, **values).settings
        keys = build_definitions(settings).resolve_asset_graph().get_all_asset_keys()
        found = list(days_at(with_values(processed, **values)).stages)
        return found, "attributes" in {key.to_user_string() for key in keys}

    off, on = ["acquire", "process", "label"], ["acquire", "process", "describe", "label"]
    assert stages(attributes={"table": None}) == (off, False)
    assert stages(attributes={"table": True}) == (on, True)
    of_candidate: dict[str, object] = {"candidates": ["aec/dec", "long/gmm"], "novelty": {"score": "auto"}}
    of_candidate["representations"] = {"long": {"kind": "attributes", "windows": ["8 s"]}}
    assert stages(attributes={"table": None}, **of_candidate) == (on, True)
    assert stages(attributes={"table": False}, **of_candidate) == (off, False)
    assert with_values(processed, **of_candidate).settings.attributes_of_tables.windows == (8.0,)


def test_windows_that_the_context_does_not_hold_are_refused(processed: Store) -> None:
    with pytest.raises(ValueError, match=r"attributes\.windows: 30 s is longer .*half_length to 15\.4 s"):
        with_values(processed, representations={"attributes": {"windows": [4, 30]}})


def test_a_table_that_was_never_made_is_not_out_of_date(processed: Store) -> None:
    key = first_of(processed)
    processed.attributes(key).unlink(missing_ok=True)
    assert "describe" not in state_rows(processed, [key]).outdated[0]


def test_events_of_other_windows_have_other_columns() -> None:
    events = events_around(*wavelets(2))
    imported = replace(events, context=None, context_recorded=None, noise_psd=None, noise_columns=None)
    assert attributes(imported).shape == (2, 35)
