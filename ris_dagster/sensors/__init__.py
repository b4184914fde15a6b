"""The sensors: what goes on by itself."""
