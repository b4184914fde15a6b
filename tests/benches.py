"""Benchmarks as subprocesses."""

import json
import subprocess
import sys
from typing import Any

from ris_core.config import PROJECT_ROOT


def run_bench(module: str, *options: object) -> tuple[dict[str, Any], str]:
    """Run a module of `bench` and return the figures of its last line, and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *map(str, options)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, figures = done.stdout.splitlines()[-1].split(" ", 1)
    assert name == "RESULT"
    return json.loads(figures), done.stdout
