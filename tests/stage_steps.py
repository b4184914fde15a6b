"""Single steps of a station-day, for tests that look at one of them."""

from typing import Any

from store import Store

from ris_core.attributes.describe import DescribeStage
from ris_core.contracts.acquisition import Acquisition
from ris_core.contracts.described import DescribedDay
from ris_core.contracts.labelled import Labelled
from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.processed import Processed
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import WaveformSource
from ris_core.station_days.running import StageTask, record_outcome, run_station_day
from ris_core.station_days.state import state_of, state_table
from ris_core.station_days.station_days import StationDays
from ris_core.waveforms.segments import Segment


def days_at(store: Store, source: WaveformSource | None = None, pictures: bool = True) -> StationDays:
    """Return the station-days of a network, with another source than that of its settings if one is given."""
    sources = None if source is None else dict.fromkeys(store.settings.channels, source)
    return StationDays(store.settings, store, sources=sources, pictures=pictures)


def acquire_one(
    store: Store, key: StationDay, source: WaveformSource | None = None, again: bool = False
) -> Made[Acquisition]:
    return days_at(store, source).acquire.run(key, again)


def process_one(
    store: Store, key: StationDay, source: WaveformSource | None = None, pictures: bool = True
) -> Made[Processed]:
    return days_at(store, source, pictures).process.run(key)


def describe_one(store: Store, key: StationDay) -> Made[DescribedDay]:
    return days_at(store).stage(DescribeStage).run(key)


def label_one(store: Store, key: StationDay) -> Made[Labelled]:
    return days_at(store).label.run(key)


def stored_segments(store: Store, key: StationDay, source: WaveformSource | None = None) -> list[Segment]:
    """Return the segments of the channel of detections."""
    return days_at(store, source).acquire.segments(key)[store.settings.channel]


def acquisition_of(store: Store, key: StationDay) -> Acquisition | None:
    """Return what the record of a station-day says."""
    return days_at(store).acquire.read(key)


def is_current(stage: str, store: Store, key: StationDay) -> bool:
    return days_at(store).stages[stage].is_current(key)


def run_and_record(network: StationDays, stage: str, key: StationDay) -> Outcome[Any]:
    """Run a stage as a worker does, and note in the journal how it went."""
    task = StageTask(stage, network.settings.model_dump_json(), str(network.layout.root))
    outcome = run_station_day(task, key)
    record_outcome(network.journal, stage, outcome)
    return outcome


def state_rows(store: Store, keys: list[StationDay]) -> Any:
    """Return the table of states, asked from the disk each time."""
    return state_table(state_of(days_at(store), key) for key in keys)
