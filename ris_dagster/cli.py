"""The `ris` command: its subcommands are registered by importing them."""

from ris_dagster.commands import (
    adopt_command,
    dictionary_commands,
    export_commands,
    fetch_commands,
    init_command,
    network_commands,
    published_commands,
    reference_commands,
    report_commands,
    review_commands,
    review_log_commands,
    score_commands,
    servers,
    station_day_commands,
)
from ris_dagster.commands.shared import app

__all__ = [
    "adopt_command",
    "app",
    "dictionary_commands",
    "export_commands",
    "fetch_commands",
    "init_command",
    "network_commands",
    "published_commands",
    "reference_commands",
    "report_commands",
    "review_commands",
    "review_log_commands",
    "score_commands",
    "servers",
    "station_day_commands",
]
