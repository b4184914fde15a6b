"""The raw record around an event, where waveforms are at hand or can be fetched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ris_core.access import UnknownEventError, read_raw
from ris_core.contracts.station_day import NS
from ris_core.stages.station_day_stage import MissingInputError
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.event.open_event import OpenEvents, station_day_of
from ris_explorer.explorer import Explorer

if TYPE_CHECKING:
    from obspy import Stream

BEFORE_S, AFTER_S = 30.0, 60.0


def raw_said(explorer: Explorer, event_id: str) -> dict[str, Any]:
    """Return whether raw samples are at hand, and in words what reading them does."""
    settings, key = explorer.network.settings, station_day_of(explorer, event_id)
    if settings.imported:
        return {"at_hand": False, "possible": False, "words": "The events were imported: there are no raw waveforms."}
    try:
        at_hand = explorer.network.acquire.is_at_hand(key)
    except DamagedFileError as error:
        return {"at_hand": False, "possible": False, "words": str(error)}
    if at_hand:
        words = f"Reads the raw waveforms of {key}; a day takes a second or more."
    else:
        words = (
            f"The raw waveforms of {key} are not at hand: they are asked for again where they came from, and stored."
        )
    return {"at_hand": at_hand, "possible": True, "words": words}


def read_record(explorer: Explorer, event_id: str, *, fetch: bool) -> Stream:
    """Return the raw samples of all channels from 30 s before to 60 s after the peak.

    Parameters
    ----------
    explorer, event_id
        The event.
    fetch
        Whether samples that are not at hand are asked for again.

    Raises
    ------
    RefusedError
        There are none; the message says why.
    DamagedFileError
        A file is damaged.
    """
    said = raw_said(explorer, event_id)
    if not said["possible"] or not (said["at_hand"] or fetch):
        raise RefusedError(said["words"], 409)
    try:
        found = read_raw(explorer.network, event_id, BEFORE_S, AFTER_S)
    except UnknownEventError as error:
        raise RefusedError(str(error.args[0]), 409) from error
    except MissingInputError as error:
        raise RefusedError(f"{error}. `ris run --only acquire` does it", 409) from error
    if not found:
        raise RefusedError("There are no raw samples around this event.", 409)
    return found


def record_answer(explorer: Explorer, events: OpenEvents, event_id: str) -> dict[str, Any]:
    """Return the raw samples as plain values; times are seconds from the start of the spectrogram's window."""
    zero = events.read(event_id).window_start
    return {
        "unit": "counts",
        "traces": [
            {
                "channel": trace.id,
                "start": (trace.stats.starttime.ns - zero) / NS,
                "sampling_rate": trace.stats.sampling_rate,
                "samples": trace.data.tolist(),
            }
            for trace in read_record(explorer, event_id, fetch=True)
        ],
    }


def raw_miniseed(explorer: Explorer, event_id: str) -> bytes:
    """Return raw samples that are at hand as miniSEED; raises as `read_record`."""
    made = io.BytesIO()
    read_record(explorer, event_id, fetch=False).write(made, format="MSEED")
    return made.getvalue()
