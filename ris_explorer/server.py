"""The explorer's server: one network, one process, one port."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import uvicorn

from ris_core.access import open_network
from ris_core.web.guard import Guard, allowed_hosts
from ris_explorer.app import SAME_ORIGIN_ONLY, explorer_app
from ris_explorer.explorer import Addresses, Explorer

_STOP_S = 5
logger = logging.getLogger(__name__)


def serve(config: Path | None, host: str, port: int, addresses: Addresses) -> None:
    """Serve the explorer of a network until Ctrl-C or SIGTERM.

    Parameters
    ----------
    config
        Settings file; by default that of RIS_CONFIG.
    host, port
        Address to listen on.
    addresses
        Of Dagster and MLflow.

    Raises
    ------
    SettingsError, WrongNetworkError
        As `open_network`.
    AllowedHostsError
        RIS_ALLOWED_HOSTS cannot be used.
    """
    allowed = allowed_hosts(host)
    explorer = Explorer(open_network(config), addresses, config="" if config is None else str(config))
    threading.Thread(target=_read_ahead, args=(explorer,), daemon=True).start()
    app = Guard(explorer_app(explorer), allowed, SAME_ORIGIN_ONLY)
    logger.info("the explorer of %s is at http://%s:%d", explorer.network.settings.network.name, host, port)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=_STOP_S)


def _read_ahead(explorer: Explorer) -> None:
    try:
        logger.info("%s events", f"{len(explorer.table):,}")
        explorer.read_ahead()
    except Exception as error:  # noqa: BLE001 - the page says it
        logger.warning("%s", error)
