"""The report of a network: one page that a scientist can hand to a co-author."""
