"""Everything that the platform uses of distributed and dask-jobqueue beyond their documented API.

`tests/unit/test_adapter_dask.py` fails when another version of them changes what these modules rely on.
CONTRIBUTING.md says how to upgrade.
"""
