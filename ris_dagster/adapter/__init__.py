"""Everything that the platform uses of Dagster beyond its public API; only modules of this package import `dagster._*`.

Each module has a test in `tests/unit/test_adapter_*.py` that fails when another version of Dagster changes what the
module relies on. CONTRIBUTING.md says how to upgrade Dagster.
"""
