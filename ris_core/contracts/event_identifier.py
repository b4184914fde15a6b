"""What the identifier of an event says: NET.STA.LOC.CHAN.YYYYMMDDTHHMMSS.ffffff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ris_core.contracts.station_day import NS, StationDay

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def peak_of(event_id: str) -> int:
    """Return the time of the peak, ns since 1970 UTC, to the microsecond; raises `ValueError`."""
    return (_peak(event_id) - _EPOCH) // timedelta(microseconds=1) * (NS // 1_000_000)


def possible_days(event_id: str) -> tuple[StationDay, StationDay]:
    """Return the station-days that an event may belong to; raises `ValueError`.

    A detection belongs to the day of its onset, and its peak may be after midnight.
    """
    day, station = _peak(event_id).date(), event_id.split(".", 4)[1]
    return StationDay(station, day), StationDay(station, day - timedelta(days=1))


def _peak(event_id: str) -> datetime:
    parts = event_id.split(".", 4)
    try:
        return datetime.strptime(parts[4].split("_")[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"'{event_id}' is not an event id: these are like NET.STA.LOC.CHAN.YYYYMMDDTHHMMSS.ffffff, as in the "
            "column event_id of `read_labels` and `read_detections`"
        ) from error
