"""No message repeats credentials."""

import pytest

from ris_core.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h/x failed", "https://***@h/x failed"),
        ("['https://u:p@h']", "['https://***@h']"),
        ("a https://u:p@h and HTTP://v:q@g", "a https://***@h and HTTP://***@g"),
        ("https://u:p/w,'x\"y@h", "https://***@h"),
        ("https://u:p@w@h", "https://***@h"),
        ("https://token@h", "https://***@h"),
        ("postgresql+psycopg2://u:p@h:5432/mlflow", "postgresql+psycopg2://***@h:5432/mlflow"),
        ("/archive/https:/u:p@h/x", "/archive/https:/***@h/x"),
        ("https://h/query?network=XX&token=abc&x=1", "https://h/query?network=XX&token=***&x=1"),
        ("https://h/?api_key=abc", "https://h/?api_key=***"),
        ("host=h user=u password=abc dbname=x", "host=h user=u password=*** dbname=x"),
        ("PGPASSWORD=abc", "PGPASSWORD=***"),
        ("write to someone@example.org", "write to someone@example.org"),
        ("https://h/fdsnws/dataselect/1/query?net=XX", "https://h/fdsnws/dataselect/1/query?net=XX"),
        ("12:30: a key is not known", "12:30: a key is not known"),
    ],
)
def test_credentials_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown
