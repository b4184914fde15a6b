"""Labels of events: inference over station-days."""
