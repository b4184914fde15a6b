"""The bench of exports, on few events."""

from benches import run_bench


def test_a_tenth_and_all_events_are_exported() -> None:
    found, printed = run_bench("exports", "--events", 600, "--stations", 3)
    assert (found["tenth"]["events"], found["all"]["events"]) == (60, 600)
    assert found["all"]["files"] > 3 * 24 and found["all"]["peak_mb"] > 0
    assert "QuakeML, CSV and Parquet of 3 stations" in printed
