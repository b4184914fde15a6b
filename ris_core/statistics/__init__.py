"""Statistics of the classes' events: every table of the published code, with its faults mended."""
