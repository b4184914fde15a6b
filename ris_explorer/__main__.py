"""`python -m ris_explorer`: the explorer alone, without Dagster."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from ris_core.config import SettingsError
from ris_core.plugins import PluginError
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import WrongNetworkError
from ris_core.web.guard import AllowedHostsError
from ris_explorer.explorer import AddressError, Addresses
from ris_explorer.server import serve


def main() -> None:
    """Read the command line and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m ris_explorer", allow_abbrev=False)
    parser.add_argument("--config", type=Path, help="settings file; by default that of RIS_CONFIG")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the explorer has no login")
    parser.add_argument("--port", type=int, default=8050)
    ui, mlflow = os.environ.get("RIS_DAGSTER_UI", ""), os.environ.get("RIS_MLFLOW_UI", "")
    parser.add_argument("--dagster", default=ui, help="address of the Dagster UI, for links and for training again")
    parser.add_argument("--dagster-here", default="", help="where this machine reaches it, if that is another address")
    parser.add_argument("--mlflow", default=mlflow, help="address of the MLflow UI, for links")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        addresses = Addresses.of(asked.dagster, asked.mlflow, asked.dagster_here)
        serve(asked.config, asked.host, asked.port, addresses)
    except (SettingsError, PluginError, WrongNetworkError, DamagedFileError, AllowedHostsError, AddressError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
