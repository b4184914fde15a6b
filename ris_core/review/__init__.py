"""Reviews: the log of decisions, what follows from it, and what is shown next."""
