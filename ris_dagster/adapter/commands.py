"""Dagster's own servers as modules for `python -m`, so that they are found where no script folder is on the path."""

from pathlib import Path

DAEMON_MODULE = "dagster._daemon"


def daemon_command(workspace: Path) -> list[str]:
    """Return what follows `python -m` to start the daemon; the same as the script `dagster-daemon`."""
    return [DAEMON_MODULE, "run", "--workspace", str(workspace)]


def code_server_command(socket: Path, module: str, location: str) -> list[str]:
    """Return what follows `python -m` to start a code server.

    Parameters
    ----------
    socket
        Where it listens.
    module
        Module with the definitions.
    location
        Name of the code location.
    """
    command = ["dagster", "code-server", "start", "--socket", str(socket), "--module-name", module]
    return [*command, "--location-name", location, "--use-python-environment-entry-point", "--log-level", "warning"]
