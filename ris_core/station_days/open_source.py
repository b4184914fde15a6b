"""The source of waveforms that the settings name."""

from __future__ import annotations

from ris_core.config import PublishedSettings, SdsSettings, Settings, SyntheticSettings
from ris_core.contracts.waveform_source import WaveformSource


def open_source(settings: Settings) -> WaveformSource:
    """Return the source that the settings name."""
    source = settings.source
    if isinstance(source, SyntheticSettings):
        from ris_core.synthetic.network import SyntheticNetwork

        return SyntheticNetwork(settings)
    if isinstance(source, SdsSettings):
        from ris_core.waveforms.sds import SdsArchive

        return SdsArchive(settings, source)
    if isinstance(source, PublishedSettings):
        from ris_core.waveforms.imported_events import ImportedEvents

        return ImportedEvents()
    from ris_core.waveforms.fdsn import DataCentre

    return DataCentre(settings, source)
