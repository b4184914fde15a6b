"""Hours of the day, months, and phases of the tide: how many events of each class they have."""

from ris_explorer.calendar.calendar_routes import calendar_routes

__all__ = ["calendar_routes"]
