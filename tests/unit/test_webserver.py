"""`python -m ris_dagster.webserver`: what it refuses to start with."""

import pytest

from ris_dagster.webserver import main


def test_an_unusable_list_of_hosts_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", "https://ris.example")
    monkeypatch.setattr("sys.argv", ["webserver", "--workspace", "workspace.yaml"])
    with pytest.raises(SystemExit):
        main()
    assert "RIS_ALLOWED_HOSTS: 'https://ris.example' is not a host" in capsys.readouterr().err
