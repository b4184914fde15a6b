"""One event: spectrogram, waveforms, sound, fields, and the events that are like it."""

from ris_explorer.event.event_routes import event_routes

__all__ = ["event_routes"]
