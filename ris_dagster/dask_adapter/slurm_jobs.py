"""Jobs of Slurm in which workers run: what happens when Slurm refuses one."""

from typing import Any

from ris_core.relied_upon import relying_on


def noting_job_class(refused: list[str]) -> Any:
    """Return a class of jobs, for ``SLURMCluster(job_cls=…)``, that note what Slurm says when it refuses one.

    Without it Dask would wait for such a job for ever.

    Parameters
    ----------
    refused
        What Slurm says is put in here.
    """
    with relying_on("dask-jobqueue", __name__):
        from dask_jobqueue.slurm import SLURMJob
        from distributed import Status

    class Job(SLURMJob):
        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, OSError) as error:
                self.status = Status.failed
                refused.append(str(error))
                raise

    return Job
