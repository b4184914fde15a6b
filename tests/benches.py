"""Benchmarks, as their commands run them."""

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from typing import Any
from unittest.mock import patch

from ris_core.config import PROJECT_ROOT


def run_bench(module: str, *options: object) -> tuple[dict[str, Any], str]:
    """Run a module of `bench` in this process; return the figures of its last line, and all that it printed.

    It is run in the project's folder; arguments and environment are as before when it has ended. What the bench leaves
    to other processes is left to them. `start_bench` costs the start of Python and its libraries as well.
    """
    main = importlib.import_module(f"bench.{module}").main
    printed, status = io.StringIO(), None
    with (
        patch.dict(os.environ),
        patch.object(sys, "argv", [f"bench.{module}", *map(str, options)]),
        contextlib.chdir(PROJECT_ROOT),
        contextlib.redirect_stdout(printed),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert not status, printed.getvalue()
    return _figures(printed.getvalue()), printed.getvalue()


def start_bench(module: str, *options: object) -> tuple[dict[str, Any], str]:
    """Do the same with ``python -m``, as a user starts it."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *map(str, options)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return _figures(done.stdout), done.stdout


def _figures(printed: str) -> dict[str, Any]:
    name, figures = printed.splitlines()[-1].split(" ", 1)
    assert name == "RESULT"
    found: dict[str, Any] = json.loads(figures)
    return found
