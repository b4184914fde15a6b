"""The sources of waveforms that the settings name."""

from __future__ import annotations

from ris_core.config import PublishedSettings, SdsSettings, Settings, SyntheticSettings
from ris_core.contracts.waveform_source import WaveformSource


def open_sources(settings: Settings) -> dict[str, WaveformSource]:
    """Return the source of each channel of the settings, by its code, in their order."""
    source = settings.source
    if isinstance(source, SyntheticSettings):
        from ris_core.synthetic.network import SyntheticNetwork

        return {code: SyntheticNetwork(settings, code) for code in settings.channels}
    if isinstance(source, SdsSettings):
        from ris_core.waveforms.sds import SdsArchive

        return {code: SdsArchive(settings.of_channel(code), source) for code in settings.channels}
    if isinstance(source, PublishedSettings):
        from ris_core.waveforms.imported_events import ImportedEvents

        return {code: ImportedEvents() for code in settings.channels}
    from ris_core.waveforms.fdsn import DataCentre

    centre = DataCentre(settings, source)
    return {code: centre.of_channel(code) for code in settings.channels}


def open_source(settings: Settings) -> WaveformSource:
    """Return the source of the channel of detections."""
    return open_sources(settings)[settings.channel]
