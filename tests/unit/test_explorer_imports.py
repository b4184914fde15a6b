import subprocess
import sys


def test_the_server_needs_neither_torch_nor_dagster_and_draws_without_matplotlib() -> None:
    """They would take hundreds of megabytes of a server that only reads products."""
    heavy = ("torch", "sklearn", "obspy", "matplotlib", "scipy.stats", "dagster", "mlflow", "statsmodels")
    code = f"import sys, ris_explorer.server; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
