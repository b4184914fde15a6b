"""`bench.worker_memory` compares with what Dask gives its workers."""

from __future__ import annotations

from pathlib import Path

import distributed
import yaml

from bench.worker_memory import DASKS
from ris_dagster.dask_adapter.worker_memory import WORKER_ENVIRONMENT


def test_the_settings_beside_ours_are_dasks_own() -> None:
    text = (Path(distributed.__file__).parent / "distributed.yaml").read_text(encoding="utf-8")
    own = yaml.safe_load(text)["distributed"]["nanny"]["pre-spawn-environ"]
    assert {name: str(own[name]) for name in DASKS.keys() & own.keys()} == {"MALLOC_TRIM_THRESHOLD_": "65536"}
    assert DASKS["MALLOC_TRIM_THRESHOLD_"] == "65536"
    # Each of ours is set to something else there, so that none of them counts for both.
    assert DASKS.keys() == WORKER_ENVIRONMENT.keys()
    assert all(DASKS[name] != value for name, value in WORKER_ENVIRONMENT.items())
