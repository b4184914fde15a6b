"""What scheduler and workers of Dask do without being asked: the clock and records of a dashboard that is off."""

from ris_core.relied_upon import relying_on

QUIET = {
    "distributed": {
        "worker": {"profile": {"enabled": False}},
        "admin": {"tick": {"interval": "1s"}, "system-monitor": {"interval": "10s"}},
    }
}
"""Values of Dask's configuration. With its own, a worker looks at its threads every 10 ms and at its clock every 20 ms,
also while it has nothing to do and a network is trained in the process that started it."""


def keep_quiet() -> None:
    """Let the cluster that this process starts leave processor time to others; the user's own configuration wins."""
    import dask

    with relying_on("dask", __name__):
        dask.config.update_defaults(QUIET)
