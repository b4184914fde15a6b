"""The benchmark of attributes: both ways give the same numbers."""

import json
import sys

import pytest

from bench import attributes


def test_both_ways_agree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["attributes", "--events", "60", "--repeats", "1"])
    attributes.main()
    last = capsys.readouterr().out.splitlines()[-1]
    found = json.loads(last.removeprefix("RESULT "))
    assert found["events"] == 60 and found["attributes"] == 70
    assert found["difference"] < 0.05 and found["events_per_s"] > 0 and found["plain_events_per_s"] > 0
