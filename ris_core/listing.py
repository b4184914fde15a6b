"""Names in messages: the first ones, and how many more there are."""

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 5) -> str:
    """Return names with commas between them; of more than `most` the first ones and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
