"""Tables for a terminal of any width."""

from typing import Any

from rich.table import Table


class TerminalTable(Table):
    """A table that wraps what is too long, for example a path; rich would cut it."""

    def add_column(self, *args: Any, **options: Any) -> None:
        """Add a column; arguments as of `rich.table.Table.add_column`."""
        super().add_column(*args, **({"overflow": "fold"} | options))
