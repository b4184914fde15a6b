"""Lists of names in messages: the first names, and the number of the others."""

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 5) -> str:
    """Return names separated by commas; if there are more than `most`, the first ones and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
