"""CPU, memory, disk, network and GPU of the machine, logged to a run while it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ris_core.relied_upon import relying_on

_FIRST_SAMPLE_S, _LAST_SAMPLE_S, _GROWTH = 1.0, 15.0, 1.3


@contextmanager
def system_metrics(run_id: str) -> Iterator[None]:
    """Log CPU, memory, disk, network and GPU of this machine to a run while the block works.

    MLflow samples at a fixed interval. Here it grows from one second to fifteen, so that a short run has some samples
    and a long one not too many.

    Parameters
    ----------
    run_id
        Of a run of the store that MLflow's global functions use.
    """
    with relying_on("mlflow", __name__):
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        class Monitor(SystemMetricsMonitor):
            def collect_metrics(self) -> Any:
                self.sampling_interval = min(self.sampling_interval * _GROWTH, _LAST_SAMPLE_S)
                return super().collect_metrics()

        monitor = Monitor(run_id, sampling_interval=_FIRST_SAMPLE_S / _GROWTH, resume_logging=True)
        monitor.start()
    try:
        yield
    finally:
        monitor.finish()
