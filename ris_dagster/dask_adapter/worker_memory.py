"""The memory of Dask's worker processes: freed memory is kept for the next station-day."""

from ris_core.relied_upon import relying_on

WORKER_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
}
"""Variables of glibc with which workers start; other C libraries ignore them.

Dask's own value of MALLOC_TRIM_THRESHOLD_ gives every freed array back to the system, which clears its pages again for
the next one; ``python -m bench.worker_memory`` shows what that costs. With these, a worker keeps what it once needed.
"""


def keep_freed_memory() -> None:
    """Let workers that this process starts begin with `WORKER_ENVIRONMENT`.

    Variables of the environment and values of the user's own Dask configuration win.
    """
    import dask

    with relying_on("dask", __name__):
        dask.config.update_defaults({"distributed": {"nanny": {"pre-spawn-environ": WORKER_ENVIRONMENT}}})
