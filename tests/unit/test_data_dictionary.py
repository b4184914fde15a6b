"""The data dictionary says what is in every table, and docs/tables.md is this dictionary."""

from pathlib import Path

import pytest

from ris_core.access.data_dictionary import TABLES, data_dictionary, write_dictionary
from ris_core.storage.table_description import TableDescription, about_column

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_of_the_docs_is_made_from_the_schemas() -> None:
    assert DOCS.read_text(encoding="utf-8") == data_dictionary(), "run: ris dictionary --output docs/tables.md"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_has_a_meaning(table: TableDescription) -> None:
    assert [column.name for column in table.schema if not about_column(column).get("description")] == []


def test_functions_that_read_tables_exist() -> None:
    from ris_core import access

    assert {table.read_with for table in TABLES if table.read_with} <= set(access.__all__)


def test_the_file_is_left_alone_where_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "tables.md"
    write_dictionary(path)
    before = path.stat().st_mtime_ns
    write_dictionary(path)
    assert path.stat().st_mtime_ns == before
    assert path.read_text(encoding="utf-8") == data_dictionary()
