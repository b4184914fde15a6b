"""The classes: what is known of each, and what reviewers decide about them."""

from ris_explorer.classes.classes_routes import classes_routes

__all__ = ["classes_routes"]
