"""One station-day in memory: condition, detect, spectrogram."""
