"""The response of a station's channels: StationXML of an archive, or stored with the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ris_core.config import SdsSettings, Settings
from ris_core.contracts.waveform_source import WaveformSource
from ris_core.section import digest_of
from ris_core.storage.layout import Layout
from ris_core.waveforms.stored_response import digest_of_response, read_stored_inventory

if TYPE_CHECKING:
    from obspy import Inventory


def inventory_of_station(
    settings: Settings,
    layout: Layout,
    sources: Mapping[str, WaveformSource],
    station: str,
    channels: Sequence[str] = (),
) -> Inventory | None:
    """Return a station's metadata with response, or none.

    Parameters
    ----------
    settings, layout, sources, station
        The network, the source of each channel, and the station's code.
    channels
        The channels that must be described where an archive has StationXML; by default all of the settings.
    """
    if any(source.in_place for source in sources.values()):
        found = [sources[code].inventory(station) for code in channels or settings.channels]
        described = [inventory for inventory in found if inventory is not None]
        return sum(described[1:], described[0]) if described else None
    path = layout.inventory(station)
    return read_stored_inventory(path) if path.exists() else None


def response_digest(settings: Settings, layout: Layout, station: str) -> str:
    """Return the digest of StationXML's description of a station's channels, or ``none``.

    Raises
    ------
    DamagedFileError
        The stored StationXML is damaged.
    """
    source = settings.source
    if isinstance(source, SdsSettings):
        if source.inventory is None:
            return "none"
        from ris_core.waveforms.inventories import Inventories

        digests = [
            Inventories(source.inventory, s.network, s.location, s.channel).digest(station)
            for s in settings.seed_ids(station)
        ]
        # One file that alone describes all channels has one digest.
        return digests[0] if len(set(digests)) == 1 else digest_of(digests)
    with suppress(FileNotFoundError):
        return digest_of_response(layout.inventory(station))
    return "none"
