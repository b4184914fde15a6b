"""Where samples come from: sources, contiguous segments, quality figures."""
