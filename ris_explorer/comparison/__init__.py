"""Two models side by side: which events they label differently."""

from ris_explorer.comparison.comparison_routes import comparison_routes

__all__ = ["comparison_routes"]
