"""What a table on the terminal shows of long words."""

import io

import pytest
from rich.console import Console

from ris_dagster.terminal_table import TerminalTable

PATH = "/data/network/models/attributes/reviewed/k=4/model.safetensors"


@pytest.mark.parametrize("headers", [("where", "what"), ("", "")])
def test_a_path_in_a_narrow_table_is_wrapped_and_never_cut(headers: tuple[str, str]) -> None:
    table = TerminalTable(*headers, show_header=bool(headers[0]))
    table.add_row("a class model", f"{PATH}: damaged")
    console = Console(width=40, record=True, file=io.StringIO())
    console.print(table)
    cells = [line.split("│")[2].strip() for line in console.export_text().splitlines() if line.startswith("│")]
    assert "".join(cells).endswith(f"{PATH}: damaged")
    assert "…" not in "".join(cells)
