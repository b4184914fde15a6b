"""The bench of orchestration, on a block of a few station-days."""

from benches import run_bench


def test_the_bench_prints_its_figures_last() -> None:
    figures, _ = run_bench("archive", "--storage", "sqlite", "--stations", 2, "--days", 6, "--keys-per-run", 4)
    (found,) = figures["storages"]
    assert found["storage"] == "sqlite"
    assert (found["station_days"], found["runs"]) == (12, 6)
    for job in ("acquire", "process"):
        assert found["jobs"][job]["seconds_per_asset"] > 0
        assert found["jobs"][job]["slope_per_1000"] is not None
    assert found["database_mb"] > 0
    assert found["whole_archive_hours"] > 0
