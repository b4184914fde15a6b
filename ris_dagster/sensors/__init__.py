"""The sensors, which request runs automatically."""
