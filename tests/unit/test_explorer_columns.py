"""Columns, masks and counts of the events over HTTP."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from explorer_network import Client, Explored

from ris_core.access import read_catalogue
from ris_core.config import PROJECT_ROOT


def test_the_first_answer_says_what_is_there(read_client: Client, explored: Explored) -> None:
    events = read_catalogue(explored.open())
    found = read_client.json_of("/api/network")
    assert found["events"] == len(events) > 200
    assert {each["name"]: each["events"] for each in found["classes"] if each["events"]} == dict(
        events["class_name"].value_counts()
    )
    assert found["notes"] == []


def test_a_mask_has_a_bit_for_each_event_in_the_order_of_the_columns(read_client: Client) -> None:
    hour, station = read_client.array_of("/api/columns/hour"), read_client.array_of("/api/columns/station")
    bits = np.unpackbits(read_client.array_of("/api/mask", hours="22-4", station="BB"), bitorder="little")
    wanted = (hour == 22) & (station == 1)
    assert 0 < wanted.sum() < len(wanted)
    np.testing.assert_array_equal(bits[: len(hour)], wanted)
    assert read_client.json_of("/api/counts", hours="22-4", station="BB")["events"] == wanted.sum()


def test_the_server_starts_without_libraries_of_training() -> None:
    heavy = ("torch", "sklearn", "obspy", "matplotlib", "scipy.stats", "dagster", "mlflow")
    code = f"import sys, ris_explorer.server; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert done.stdout.strip() == "[]"
